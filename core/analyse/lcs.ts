/** The longest common subsequence of two lists of numbers: what word diffs and diffs of arrays are made of. */

/** An index of the one list and an index of the other that hold the same. */
export type Pair = readonly [a: number, b: number];

/** Beyond so many insertions and deletions the search costs more than its result tells. */
const MOST_EDITS = 1500;

/** Myers' greedy search, forward; for each number of edits the furthest points. Undefined beyond `most` edits. */
function search(a: readonly number[], b: readonly number[], most: number) {
  const [n, m] = [a.length, b.length];
  const limit = Math.min(most, n + m);
  const furthest = new Int32Array(2 * limit + 3);
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= limit; edits++) {
    for (let k = -edits; k <= edits; k += 2) {
      const at = k + limit + 1;
      const down = k === -edits || (k !== edits && furthest[at - 1]! < furthest[at + 1]!);
      let x = down ? furthest[at + 1]! : furthest[at - 1]! + 1;
      while (x < n && x - k < m && a[x] === b[x - k]) x++;
      furthest[at] = x;
      if (x >= n && x - k >= m) return { trace, edits };
    }
    trace.push(furthest.slice(limit + 1 - edits, limit + 2 + edits));
  }
  return undefined;
}

function middlePairs(a: readonly number[], b: readonly number[], most: number): Pair[] {
  const [n, m] = [a.length, b.length];
  const found = n === 0 || m === 0 ? undefined : search(a, b, most);
  if (found === undefined) return [];
  const pairs: Pair[] = [];
  let [x, y] = [n, m];
  for (let edits = found.edits; edits > 0; edits--) {
    const before = found.trace[edits - 1]!;
    const at = (k: number) => before[k + edits - 1]!;
    const k = x - y;
    const down = k === -edits ||
      (k !== edits && (k - 1 < -edits + 1 ? -1 : at(k - 1)) < (k + 1 > edits - 1 ? -1 : at(k + 1)));
    const fromX = at(down ? k + 1 : k - 1);
    const startX = down ? fromX : fromX + 1;
    while (x > startX) pairs.push([--x, --y]);
    [x, y] = [fromX, fromX - (down ? k + 1 : k - 1)];
  }
  while (x > 0) pairs.push([--x, --y]);
  return pairs.reverse();
}

/** Indices from `from` up to `to` of numbers that the other side has too: no other can be in a pair. */
function sharedIndices(
  numbers: ArrayLike<number>,
  from: number,
  to: number,
  other: ReadonlySet<number>,
): number[] {
  const indices: number[] = [];
  for (let i = from; i < to; i++) if (other.has(numbers[i]!)) indices.push(i);
  return indices;
}

function numbersOf(numbers: ArrayLike<number>, from: number, to: number): Set<number> {
  const found = new Set<number>();
  for (let i = from; i < to; i++) found.add(numbers[i]!);
  return found;
}

/**
 * Pairs of indices with equal numbers, rising in both lists, as many as there can be. Where that takes more than `most`
 * insertions and deletions of numbers that both lists have, only what both begin and end with.
 */
export function commonPairs(a: ArrayLike<number>, b: ArrayLike<number>, most: number = MOST_EDITS): Pair[] {
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const [endA, endB] = [a.length - tail, b.length - tail];
  const inA = sharedIndices(a, head, endA, numbersOf(b, head, endB));
  const inB = sharedIndices(b, head, endB, numbersOf(a, head, endA));
  const middle = middlePairs(inA.map((i) => a[i]!), inB.map((j) => b[j]!), most);
  return [
    ...Array.from({ length: head }, (_, i): Pair => [i, i]),
    ...middle.map(([i, j]): Pair => [inA[i]!, inB[j]!]),
    ...Array.from({ length: tail }, (_, i): Pair => [endA + i, endB + i]),
  ];
}

/** Numbers texts so that equal ones have equal numbers. */
export class Interner {
  readonly #numbers = new Map<string, number>();

  number(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}
