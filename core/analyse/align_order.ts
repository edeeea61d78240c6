/** The cheapest way to pair two sequences in order, with gaps. */

import type { Pair } from "./lcs.ts";

/** What it costs to leave one item without a counterpart; a pair that costs twice this or more is not made. */
export const GAP = 0.35;
/** Cells of a table that is still worth its memory. */
const MOST_CELLS = 16_000_000;

const BOTH = 1;
const ONLY_A = 2;
const ONLY_B = 3;

/** One table, over the diagonals `lo` to `hi` of `j - i`. */
function fill(n: number, m: number, lo: number, hi: number, cost: (a: number, b: number) => number) {
  const width = hi - lo + 1;
  const moves = new Uint8Array((n + 1) * width);
  let above = new Float64Array(width + 1).fill(Infinity);
  let row = new Float64Array(width + 1).fill(Infinity);
  for (let i = 0; i <= n; i++) {
    row.fill(Infinity);
    for (let j = Math.max(0, i + lo); j <= Math.min(m, i + hi); j++) {
      const k = j - i - lo;
      if (i === 0 && j === 0) {
        row[k] = 0;
        continue;
      }
      let [best, move] = [Infinity, 0];
      const take = (total: number, how: number) => {
        if (total < best) [best, move] = [total, how];
      };
      if (i > 0 && j > 0) take(above[k]! + cost(i - 1, j - 1), BOTH);
      if (i > 0 && k + 1 < width) take(above[k + 1]! + GAP, ONLY_A);
      if (j > 0 && k > 0) take(row[k - 1]! + GAP, ONLY_B);
      row[k] = best;
      moves[i * width + k] = move;
    }
    [above, row] = [row, above];
  }
  return { moves, width, total: above[m - n - lo]! };
}

/**
 * Pairs of indices below `n` and below `m`, rising in both, with the least sum of costs and gaps. `cost` is 0 for equal
 * items and 1 for items that have nothing in common. It is asked near the diagonal only, as far as the best way can
 * stray from there: about `n` times for sequences that are nearly equal, `n * m` times at most, twice over.
 */
export function orderedPairs(n: number, m: number, cost: (a: number, b: number) => number): Pair[] {
  const [below, over] = [Math.min(0, m - n), Math.max(0, m - n)];
  for (let stray = 8;; stray *= 2) {
    const [lo, hi] = [Math.max(-n, below - stray), Math.min(m, over + stray)];
    const { moves, width, total } = fill(n, m, lo, hi, cost);
    // Whoever leaves these diagonals has to come back, and pays a gap for each step of both ways.
    const outside = GAP * (Math.abs(m - n) + 2 * (stray + 1));
    const whole = lo === -n && hi === m;
    if (!whole && total > outside && (n + 1) * 2 * width <= MOST_CELLS) continue;
    const pairs: Pair[] = [];
    for (let [i, j] = [n, m]; i > 0 || j > 0;) {
      const move = moves[i * width + j - i - lo]!;
      if (move === BOTH) pairs.push([--i, --j]);
      else if (move === ONLY_A) i--;
      else j--;
    }
    return pairs.reverse();
  }
}
