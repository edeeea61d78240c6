/**
 * What differs between the draws of two runs. Draws are compared stretch by stretch: from one pair of steps that stand for
 * each other to the next one, so that a step more or less doesn't shift all that follow.
 */

import type { AlignedStep } from "./align.ts";
import type { RunExchanges } from "./exchanges.ts";
import type { Ignore } from "./ignore.ts";
import type { ShownDraw } from "./lane_draws.ts";

/** A draw that differs; a side is undefined where there is none. */
export interface DrawChange {
  /** The step that it came after; undefined before a process's first. */
  readonly aStep: number | undefined;
  readonly bStep: number | undefined;
  readonly a: ShownDraw | undefined;
  readonly b: ShownDraw | undefined;
  /** True for clock readings: they differ between any two recordings, and say nothing about why these differ. */
  readonly clock: boolean;
}

/** Draws of both runs, compared. */
export interface DrawDiff {
  /** How many there are, without those that are ignored. */
  readonly a: number;
  readonly b: number;
  /** How many differ. */
  readonly differing: number;
  /** The first one that is no clock reading. */
  readonly first: DrawChange | undefined;
  readonly firstClock: DrawChange | undefined;
}

const CLOCKS = new Set(["clock", "performance", "hrtime", "temporal"]);

interface Placed {
  readonly step: number | undefined;
  readonly draw: ShownDraw;
}

function drawsOf(run: RunExchanges, steps: readonly number[], ignore: Ignore): Placed[] {
  return steps.flatMap((step) => run.exchanges[step]!.draws().map((draw) => ({ step, draw })))
    .filter(({ draw }) => !ignore.covers(["draws", draw.kind]));
}

function earlyOf(run: RunExchanges, lane: number | undefined, ignore: Ignore): Placed[] {
  return run.early.filter((each) => each.lane === lane).flatMap(({ draws }) => draws())
    .filter(({ kind }) => !ignore.covers(["draws", kind])).map((draw) => ({ step: undefined, draw }));
}

function compare(a: readonly Placed[], b: readonly Placed[], clock: boolean): DrawChange[] {
  const of = (draws: readonly Placed[]) => draws.filter(({ draw }) => CLOCKS.has(draw.kind) === clock);
  const [ofA, ofB] = [of(a), of(b)];
  const changes: DrawChange[] = [];
  for (let i = 0; i < Math.max(ofA.length, ofB.length); i++) {
    const [x, y] = [ofA[i], ofB[i]];
    if (x?.draw.kind === y?.draw.kind && x?.draw.value === y?.draw.value) continue;
    const [aStep, bStep] = [(x ?? ofA.at(-1))?.step, (y ?? ofB.at(-1))?.step];
    changes.push({ aStep, bStep, a: x?.draw, b: y?.draw, clock });
  }
  return changes;
}

/** Steps from a pair on until the next one, of one side. */
function stretch(run: RunExchanges, from: number, until: number | undefined): number[] {
  const lane = run.exchanges[from]!.lane;
  const steps: number[] = [];
  for (
    let step = from;
    step < (until ?? run.exchanges.length) && run.exchanges[step]!.lane === lane;
    step++
  ) {
    steps.push(step);
  }
  return steps;
}

/** `lanes` says which processes stand for each other. @throws TraceforkError TF_TAPE_DAMAGED. */
export function diffDraws(
  a: RunExchanges,
  b: RunExchanges,
  steps: readonly AlignedStep[],
  lanes: readonly (readonly [a: number | undefined, b: number | undefined])[],
  ignore: Ignore,
): DrawDiff {
  const count = { a: 0, b: 0, differing: 0 };
  const firsts: (DrawChange | undefined)[] = [undefined, undefined];
  const take = (ofA: readonly Placed[], ofB: readonly Placed[]) => {
    count.a += ofA.length;
    count.b += ofB.length;
    for (const [at, clock] of [false, true].entries()) {
      const changes = compare(ofA, ofB, clock);
      count.differing += changes.length;
      firsts[at] ??= changes[0];
    }
  };
  const pairs = steps.filter(({ a: i, b: j, moved }) => i !== undefined && j !== undefined && !moved);
  for (const [laneA, laneB] of lanes) {
    const ofLane = pairs.filter(({ a: i, b: j }) =>
      a.exchanges[i!]!.lane === laneA && b.exchanges[j!]!.lane === laneB
    );
    const start = (run: RunExchanges, lane: number | undefined) =>
      run.exchanges.findIndex((each) => each.lane === lane);
    const before = (run: RunExchanges, lane: number | undefined, first: number | undefined) => {
      const at = start(run, lane);
      return at < 0 ? [] : stretch(run, at, first);
    };
    take(
      [...earlyOf(a, laneA, ignore), ...drawsOf(a, before(a, laneA, ofLane[0]?.a), ignore)],
      [...earlyOf(b, laneB, ignore), ...drawsOf(b, before(b, laneB, ofLane[0]?.b), ignore)],
    );
    ofLane.forEach(({ a: i, b: j }, at) => {
      const next = ofLane[at + 1];
      take(drawsOf(a, stretch(a, i!, next?.a), ignore), drawsOf(b, stretch(b, j!, next?.b), ignore));
    });
  }
  return { ...count, first: firsts[0], firstClock: firsts[1] };
}
