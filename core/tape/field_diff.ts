/**
 * What differs between two bodies or two lists of headers, field by field, in lines that people can read.
 * JSON is compared by path; other text by its first different place. Pure.
 */

import { fromUtf8 } from "../base/bytes.ts";

/** One field that differs. A side is undefined where it has no such field. */
export interface FieldChange {
  readonly path: string;
  readonly a: unknown;
  readonly b: unknown;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function walk(a: unknown, b: unknown, path: string, out: FieldChange[], most: number): void {
  if (out.length >= most || Object.is(a, b)) return;
  if (isObject(a) && isObject(b) && Array.isArray(a) === Array.isArray(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    for (const key of keys) {
      const next = Array.isArray(a) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
      walk(a[key], b[key], next, out, most);
    }
    return;
  }
  out.push({ path, a, b });
}

/** Fields in which two JSON values differ, in document order, at most `most`. */
export function diffValues(a: unknown, b: unknown, most = 20): FieldChange[] {
  const out: FieldChange[] = [];
  walk(a, b, "", out, most);
  return out;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Fields in which two bodies differ: by path for JSON, else the whole text as one field named "". */
export function diffBodies(a: Uint8Array, b: Uint8Array, most = 20): FieldChange[] {
  const [textA, textB] = [fromUtf8(a), fromUtf8(b)];
  const [jsonA, jsonB] = [parse(textA), parse(textB)];
  if (isObject(jsonA) && isObject(jsonB)) {
    const changes = diffValues(jsonA, jsonB, most);
    if (changes.length > 0) return changes;
  }
  return textA === textB ? [] : [{ path: "", a: textA, b: textB }];
}

/** The part of `text` around `at`, on one line. */
function excerpt(text: string, at: number): string {
  const from = Math.max(0, at - 24);
  const part = JSON.stringify(text.slice(from, at + 56)).slice(1, -1);
  return `${from > 0 ? "…" : ""}${part}${at + 56 < text.length ? "…" : ""}`;
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

function show(value: unknown): string {
  if (value === undefined) return "(nothing)";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Two lines a change: what was expected, what came. */
export function describeChanges(changes: readonly FieldChange[]): string[] {
  return changes.flatMap(({ path, a, b }) => {
    const name = path === "" ? "body" : path;
    if (typeof a === "string" && typeof b === "string") {
      const at = firstDifference(a, b);
      const place = a.length > 60 || b.length > 60 ? ` (char ${at})` : "";
      return [`- ${name}${place}: ${excerpt(a, at)}`, `+ ${name}${place}: ${excerpt(b, at)}`];
    }
    return [`- ${name}: ${show(a)}`, `+ ${name}: ${show(b)}`];
  });
}

const VOLATILE =
  /[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9a-fA-F]{6,}|\d+(?:\.\d+)?|\b(?:am|pm|AM|PM|Z|GMT|UTC)\b|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b/g;

function masked(value: unknown): string {
  return typeof value === "number" ? "#" : String(value).replaceAll(VOLATILE, "#");
}

/** Random ids: long words of mixed letters and digits. */
function looksRandom(value: unknown): boolean {
  return typeof value === "string" && /^[A-Za-z0-9_-]{8,}$/.test(value) && /\d/.test(value);
}

/** True when every change is of the sort that clocks, counters, ids and random values make. */
export function looksVolatile(changes: readonly FieldChange[]): boolean {
  return changes.length > 0 && changes.every(({ a, b }) => {
    if (a === undefined || b === undefined || isObject(a) || isObject(b)) return false;
    if (typeof a !== typeof b) return false;
    return masked(a) === masked(b) || (looksRandom(a) && looksRandom(b));
  });
}
