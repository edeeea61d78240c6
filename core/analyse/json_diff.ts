/**
 * What differs between two JSON values, by path. Items of arrays are aligned first, so that an inserted message is one
 * difference and not one in every message behind it.
 */

import { orderedPairs } from "./align_order.ts";
import type { Ignore, Path } from "./ignore.ts";
import { commonPairs, Interner, type Pair } from "./lcs.ts";

/** A field that differs. A side is undefined where it has no such field. */
export interface JsonChange {
  readonly path: Path;
  /** Where the second value has it, when that is another place. */
  readonly pathB: Path | undefined;
  readonly a: unknown;
  readonly b: unknown;
}

/** Stands in an array for an item that is left out. */
const LEFT_OUT = Object.freeze({ left_out: true });

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** A value without what is ignored, and whether that was anything. */
export function strip(value: unknown, path: Path, ignore: Ignore): { value: unknown; hit: boolean } {
  if (ignore.nothing || !isObject(value)) return { value, hit: false };
  let hit = false;
  const inside = (child: unknown, key: string | number): unknown => {
    const at = [...path, key];
    if (ignore.covers(at)) {
      hit = true;
      return LEFT_OUT;
    }
    const stripped = strip(child, at, ignore);
    hit ||= stripped.hit;
    return stripped.value;
  };
  if (Array.isArray(value)) return { value: value.map(inside), hit };
  const kept = Object.entries(value).map(([key, child]) => [key, inside(child, key)] as const)
    .filter(([, child]) => child !== LEFT_OUT);
  return { value: Object.fromEntries(kept), hit };
}

/** The same text for values with the same fields, in whatever order. */
export function canonical(value: unknown): string {
  if (!isObject(value)) return JSON.stringify(value) ?? "";
  if (value === LEFT_OUT) return "";
  if (Array.isArray(value)) return `[${value.map(canonical).filter((each) => each !== "").join(",")}]`;
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

/** How much two array items have in common, 0 to 1: the share of equal fields among all. */
function likeness(a: unknown, b: unknown): number {
  if (!isObject(a) || !isObject(b)) return typeof a === typeof b ? 0.5 : 0;
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const equal = keys.filter((key) => canonical(a[key]) === canonical(b[key])).length;
  // Two messages of the same role are each other's likelier counterpart than two of different roles.
  return 0.4 + 0.6 * (keys.length === 0 ? 1 : equal / keys.length);
}

/** Cells beyond which items between two equal ones are paired as they stand. */
const MOST_CELLS = 10_000;

/** Which items stand for each other: equal ones, and between these the likeliest. */
function pairItems(a: readonly unknown[], b: readonly unknown[]): Pair[] {
  const interner = new Interner();
  const numbers = (items: readonly unknown[]) => items.map((item) => interner.number(canonical(item)));
  const pairs: Pair[] = [];
  let [x, y] = [0, 0];
  for (const [i, j] of [...commonPairs(numbers(a), numbers(b)), [a.length, b.length] as Pair]) {
    const [n, m] = [i - x, j - y];
    if (n === m || n * m > MOST_CELLS) {
      for (let at = 0; at < Math.min(n, m); at++) pairs.push([x + at, y + at]);
    } else if (n > 0 && m > 0) {
      const cost = (at: number, bt: number) => 1 - likeness(a[x + at], b[y + bt]);
      for (const [at, bt] of orderedPairs(n, m, cost)) pairs.push([x + at, y + bt]);
    }
    if (i < a.length) pairs.push([i, j]);
    [x, y] = [i + 1, j + 1];
  }
  return pairs;
}

function walkArray(
  a: readonly unknown[],
  b: readonly unknown[],
  at: Path,
  bt: Path,
  out: JsonChange[],
): void {
  let [x, y] = [0, 0];
  const alone = (path: Path, item: unknown, side: "a" | "b") => {
    if (item === LEFT_OUT) return;
    out.push({
      path,
      pathB: undefined,
      a: side === "a" ? item : undefined,
      b: side === "b" ? item : undefined,
    });
  };
  for (const [i, j] of [...pairItems(a, b), [a.length, b.length] as Pair]) {
    for (; x < i; x++) alone([...at, x], a[x], "a");
    for (; y < j; y++) alone([...bt, y], b[y], "b");
    if (i < a.length) walk(a[i], b[j], [...at, i], [...bt, j], out);
    [x, y] = [i + 1, j + 1];
  }
}

function walk(a: unknown, b: unknown, at: Path, bt: Path, out: JsonChange[]): void {
  if (Object.is(a, b) || a === LEFT_OUT || b === LEFT_OUT) return;
  if (Array.isArray(a) && Array.isArray(b)) return walkArray(a, b, at, bt, out);
  if (isObject(a) && isObject(b) && Array.isArray(a) === Array.isArray(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const [has, hasB] = [Object.hasOwn(a, key), Object.hasOwn(b, key)];
      walk(has ? a[key] : undefined, hasB ? b[key] : undefined, [...at, key], [...bt, key], out);
    }
    return;
  }
  const moved = at.some((each, i) => each !== bt[i]);
  out.push({ path: at, pathB: moved ? bt : undefined, a, b });
}

/**
 * Fields in which two JSON values differ, in document order, besides those that are ignored. `path` is where the values
 * themselves stand. They are walked by recursion: see `parseShallow`.
 */
export function diffJson(a: unknown, b: unknown, path: Path, ignore: Ignore): JsonChange[] {
  if (ignore.covers(path)) return [];
  const out: JsonChange[] = [];
  walk(strip(a, path, ignore).value, strip(b, path, ignore).value, path, path, out);
  return out;
}
