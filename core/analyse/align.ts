/**
 * Which steps of two runs stand for each other. Equal ones at the beginning are paired as they are; the rest by how
 * alike their requests are, in order, with gaps. Where requests were in flight at once their order is chance, so
 * neighbours are then exchanged for better ones, and steps that were left over find an equal one anywhere. Processes
 * are aligned one by one: between them there is no order.
 *
 * Limits: requests that moved by more than `REACH` steps and are not equal are not found again.
 */

import { GAP, orderedPairs } from "./align_order.ts";
import type { Pair } from "./lcs.ts";

/** What is needed of a step. */
export interface Alignable {
  /** Equal for steps that ask for the same, and only for these. */
  readonly key: string;
  /** The process that asked. */
  readonly lane: number;
}

/** A step of the one run with its counterpart in the other, by index; undefined where it has none. */
export interface AlignedStep {
  readonly a: number | undefined;
  readonly b: number | undefined;
  /** True where the counterpart was asked for at another place among its neighbours. */
  readonly moved: boolean;
}

/** How much two steps have in common: 0 to 1, the same in both directions. */
export type Similarity<T> = (a: T, b: T) => number;

/** How many steps further an exchanged counterpart is looked for. */
const REACH = 24;
/** An exchange has to gain so much: sketches are estimates, and an order that changed is a finding. */
const GAIN = 0.2;
/** More than rounding. */
const SOME = 1e-6;
/** Steps that are left over have to be so much alike to be paired out of order. */
const ALIKE = 0.6;
/** Pairs of left-over steps that are still compared. */
const MOST_LEFT_OVER = 20_000;

/** Exchanges the counterparts of neighbours where that makes them more alike. */
function exchangeNeighbours(pairs: [number, number][], alike: (a: number, b: number) => number): void {
  const scores = pairs.map(([a, b]) => alike(a, b));
  for (let changed = true; changed;) {
    changed = false;
    for (let p = 0; p < pairs.length; p++) {
      if (scores[p] === 1) continue;
      for (let q = p + 1; q < Math.min(pairs.length, p + REACH); q++) {
        const [one, other] = [pairs[p]!, pairs[q]!];
        const crossed = [alike(one[0], other[1]), alike(other[0], one[1])] as const;
        // Equal is no estimate: there any gain will do.
        const least = crossed.includes(1) ? SOME : GAIN;
        if (crossed[0] + crossed[1] < scores[p]! + scores[q]! + least) continue;
        [one[1], other[1]] = [other[1], one[1]];
        [scores[p], scores[q]] = crossed;
        changed = true;
      }
    }
  }
}

function without(length: number, taken: readonly number[]): number[] {
  const known = new Set(taken);
  return Array.from({ length }, (_, i) => i).filter((i) => !known.has(i));
}

/** Gives a step that is alone a counterpart that another step fits less well. */
function stealBetter(
  pairs: [number, number][],
  n: number,
  m: number,
  alike: (a: number, b: number) => number,
) {
  for (const side of [0, 1] as const) {
    const other = side === 0 ? 1 : 0;
    for (const alone of without(side === 0 ? n : m, pairs.map((pair) => pair[side]))) {
      const at = pairs.findIndex((pair) => pair[side] > alone);
      const middle = at < 0 ? pairs.length : at;
      const near = pairs.slice(Math.max(0, middle - REACH), middle + REACH);
      const score = (pair: readonly [number, number]) =>
        side === 0 ? alike(alone, pair[1]) : alike(pair[0], alone);
      let best: { pair: [number, number]; gain: number } | undefined;
      for (const pair of near) {
        const now = alike(pair[0], pair[1]);
        const gain = now === 1 ? 0 : score(pair) - now;
        if (gain > Math.max(GAIN, best?.gain ?? 0) && score(pair) >= ALIKE) best = { pair, gain };
      }
      if (best === undefined) continue;
      pairs.push(side === 0 ? [alone, best.pair[other]] : [best.pair[other], alone]);
      pairs.splice(pairs.indexOf(best.pair), 1);
      pairs.sort(([x], [y]) => x - y);
    }
  }
}

/** Pairs what is left over on both sides: equal steps wherever they are, then those that are alike enough. */
function pairLeftOver<T extends Alignable>(
  a: readonly T[],
  b: readonly T[],
  pairs: [number, number][],
  alike: (a: number, b: number) => number,
): void {
  const byKey = new Map<string, number[]>();
  for (const j of without(b.length, pairs.map(([, j]) => j))) {
    byKey.set(b[j]!.key, [...byKey.get(b[j]!.key) ?? [], j]);
  }
  for (const i of without(a.length, pairs.map(([i]) => i))) {
    const j = byKey.get(a[i]!.key)?.shift();
    if (j !== undefined) pairs.push([i, j]);
  }
  const [restA, restB] = [
    without(a.length, pairs.map(([i]) => i)),
    without(b.length, pairs.map(([, j]) => j)),
  ];
  if (restA.length * restB.length > MOST_LEFT_OVER) return;
  const found = restA.flatMap((i) => restB.map((j) => ({ i, j, score: alike(i, j) })))
    .filter(({ score }) => score >= ALIKE)
    .sort((x, y) => y.score - x.score || Math.abs(x.i - x.j) - Math.abs(y.i - y.j) || x.i - y.i || x.j - y.j);
  const [takenA, takenB] = [new Set<number>(), new Set<number>()];
  for (const { i, j } of found) {
    if (takenA.has(i) || takenB.has(j)) continue;
    takenA.add(i);
    takenB.add(j);
    pairs.push([i, j]);
  }
}

/** The most pairs that rise on both sides; `pairs` are in the order of their first side. */
function inOrder(pairs: readonly Pair[]): Set<Pair> {
  const tails: number[] = [];
  const before: number[] = [];
  pairs.forEach(([, j], at) => {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[tails[middle]!]![1] < j) low = middle + 1;
      else high = middle;
    }
    before[at] = low > 0 ? tails[low - 1]! : -1;
    tails[low] = at;
  });
  const kept = new Set<Pair>();
  for (let at = tails.at(-1) ?? -1; at >= 0; at = before[at]!) kept.add(pairs[at]!);
  return kept;
}

/** All steps of both in one list: pairs in order, and between them what has moved or is alone. */
function merged(n: number, m: number, pairs: readonly Pair[]): AlignedStep[] {
  const sorted = pairs.toSorted(([x], [y]) => x - y);
  const spine = inOrder(sorted);
  const counterpart = new Map(sorted);
  const paired = new Set(sorted.map(([, j]) => j));
  const steps: AlignedStep[] = [];
  let [x, y] = [0, 0];
  for (const [i, j] of [...sorted.filter((pair) => spine.has(pair)), [n, m] as Pair]) {
    for (; x < i; x++) steps.push({ a: x, b: counterpart.get(x), moved: counterpart.has(x) });
    for (; y < j; y++) if (!paired.has(y)) steps.push({ a: undefined, b: y, moved: false });
    if (i < n) steps.push({ a: i, b: j, moved: false });
    [x, y] = [i + 1, j + 1];
  }
  return steps;
}

function alignOneWay<T extends Alignable>(
  a: readonly T[],
  b: readonly T[],
  similarity: Similarity<T>,
): AlignedStep[] {
  let same = 0;
  while (same < a.length && same < b.length && a[same]!.key === b[same]!.key) same++;
  const [restA, restB] = [a.slice(same), b.slice(same)];
  const alike = (i: number, j: number) =>
    restA[i]!.key === restB[j]!.key ? 1 : Math.min(similarity(restA[i]!, restB[j]!), 0.999);
  const pairs = orderedPairs(restA.length, restB.length, (i, j) => 1 - alike(i, j))
    .map(([i, j]): [number, number] => [i, j]);
  exchangeNeighbours(pairs, alike);
  stealBetter(pairs, restA.length, restB.length, alike);
  pairLeftOver(restA, restB, pairs, alike);
  const good = pairs.filter(([i, j]) => alike(i, j) > 1 - 2 * GAP);
  const rest = merged(restA.length, restB.length, good).map(({ a, b, moved }) => ({
    a: a === undefined ? undefined : a + same,
    b: b === undefined ? undefined : b + same,
    moved,
  }));
  return [...Array.from({ length: same }, (_, i) => ({ a: i, b: i, moved: false })), ...rest];
}

/** The same whichever run is the first: where several alignments are equally good, the choice can't depend on that. */
function alignSequence<T extends Alignable>(
  a: readonly T[],
  b: readonly T[],
  similarity: Similarity<T>,
): AlignedStep[] {
  const at = a.findIndex((step, i) => step.key !== b[i]?.key);
  const turned = a.length === b.length ? at >= 0 && a[at]!.key > b[at]!.key : a.length > b.length;
  if (!turned) return alignOneWay(a, b, similarity);
  const steps = alignOneWay(b, a, (x, y) => similarity(y, x));
  const pairs = steps.flatMap(({ a: j, b: i }): Pair[] => i === undefined || j === undefined ? [] : [[i, j]]);
  return merged(a.length, b.length, pairs);
}

function byLane<T extends Alignable>(steps: readonly T[]): Map<number, number[]> {
  const lanes = new Map<number, number[]>();
  steps.forEach(({ lane }, i) => {
    const known = lanes.get(lane);
    if (known === undefined) lanes.set(lane, [i]);
    else known.push(i);
  });
  return lanes;
}

/** Which processes stand for each other: the first ones, then those that begin with the same or the likeliest request. */
export function pairLanes<T extends Alignable>(
  a: readonly T[],
  b: readonly T[],
  similarity: Similarity<T>,
): (readonly [a: number | undefined, b: number | undefined])[] {
  const first = (steps: readonly T[]) =>
    [...byLane(steps)].map(([lane, [at]]) => ({ lane, step: steps[at!]! }));
  const [firstA, firstB] = [first(a), first(b)];
  const found = firstA.flatMap((x) =>
    firstB.filter((y) => (x.lane === 0) === (y.lane === 0)).map((y) => ({
      pair: [x.lane, y.lane] as const,
      score: x.step.key === y.step.key ? 1 : Math.min(similarity(x.step, y.step), 0.999),
    }))
  ).sort((x, y) =>
    y.score - x.score || Math.abs(x.pair[0] - x.pair[1]) - Math.abs(y.pair[0] - y.pair[1]) ||
    x.pair[0] + x.pair[1] - y.pair[0] - y.pair[1]
  );
  const partner = new Map<number, number>();
  for (const { pair: [x, y] } of found) {
    if (!partner.has(x) && ![...partner.values()].includes(y)) partner.set(x, y);
  }
  const taken = new Set(partner.values());
  return [
    ...firstA.map(({ lane }) => [lane, partner.get(lane)] as const),
    ...firstB.filter(({ lane }) => !taken.has(lane)).map(({ lane }) => [undefined, lane] as const),
  ];
}

/**
 * Aligns two runs' steps, each given in its order, process by process. Every index of both stands in the result exactly
 * once. `similarity` is asked for steps whose keys differ only; see `orderedPairs` for how often.
 */
export function alignSteps<T extends Alignable>(
  a: readonly T[],
  b: readonly T[],
  similarity: Similarity<T>,
): AlignedStep[] {
  const [lanesA, lanesB] = [byLane(a), byLane(b)];
  return pairLanes(a, b, similarity).flatMap(([laneA, laneB]) => {
    const [ofA, ofB] = [lanesA.get(laneA ?? -1) ?? [], lanesB.get(laneB ?? -1) ?? []];
    return alignSequence(ofA.map((i) => a[i]!), ofB.map((i) => b[i]!), similarity).map((step) => ({
      a: step.a === undefined ? undefined : ofA[step.a],
      b: step.b === undefined ? undefined : ofB[step.b],
      moved: step.moved,
    }));
  });
}
