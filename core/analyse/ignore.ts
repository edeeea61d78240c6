/**
 * Ignore rules: paths of fields that a comparison leaves out. `usage` and `messages[*].id` name fields of a body,
 * `headers.date` a header, `request.body.model` a field of one side only. `*` stands for any one key or index, `**` for
 * any number of them. A rule covers what it names and everything within.
 */

import { TraceforkError } from "../base/errors.ts";

/** Keys and indices from the outside in. */
export type Path = readonly (string | number)[];

/** Decides what is left out. */
export interface Ignore {
  /** True where there is no rule. */
  readonly nothing: boolean;
  /** True where a rule covers this field. */
  covers(path: Path): boolean;
}

const SEGMENT = /\.?(?:(\*\*|\*)(?=$|[.[])|([^.[\]*"\s]+)|\[(\*|\d+)\]|\[("(?:[^"\\]|\\.)*")\])/y;

/** @throws TraceforkError TF_USAGE where `rule` is no path. */
export function parsePath(rule: string): string[] {
  const segments: string[] = [];
  SEGMENT.lastIndex = 0;
  let at = 0;
  for (const text = rule.trim().replace(/^\$\.?/, ""); at < text.length;) {
    SEGMENT.lastIndex = at;
    const found = SEGMENT.exec(text);
    if (found === null || (at === 0 && text.startsWith("."))) {
      segments.length = 0;
      break;
    }
    const [all, star, key, index, quoted] = found;
    segments.push(star ?? key ?? index ?? JSON.parse(quoted!) as string);
    at += all.length;
  }
  if (segments.length > 0) return segments;
  throw new TraceforkError("TF_USAGE", `Cannot ignore ${JSON.stringify(rule)}: it is no path`, {
    hint: "paths look like usage, messages[*].id, headers.date, request.body.model or draws.clock",
  });
}

/** True where `rule` matches the beginning of `path`. */
function matches(rule: readonly string[], path: Path): boolean {
  if (rule.length === 0) return true;
  const [first, ...rest] = rule as [string, ...string[]];
  if (first === "**") {
    for (let skip = 0; skip <= path.length; skip++) if (matches(rest, path.slice(skip))) return true;
    return false;
  }
  if (path.length === 0) return false;
  return (first === "*" || first === String(path[0])) && matches(rest, path.slice(1));
}

/** Parts of a side that a rule need not name. */
const VIEWS = new Set(["body", "answer", "events"]);

function coveredBy(rule: readonly string[], path: Path): boolean {
  if (matches(rule, path)) return true;
  const [side, view, ...inside] = path;
  if (side !== "request" && side !== "response") return false;
  if (matches(rule, path.slice(1))) return true;
  if (!VIEWS.has(String(view))) return false;
  if (view !== "events") return matches(rule, inside) || matches(rule, [side, "body", ...inside]);
  // A stream wraps an answer's fields in events: a rule for a body's field holds wherever in an event it stands.
  return inside.some((_, i) => i > 0 && matches(rule, inside.slice(i)));
}

function lowered(path: Path): Path {
  return path[1] === "headers" ? path.map((each) => String(each).toLowerCase()) : path;
}

/** Header names are compared in lower case. */
function loweredRule(rule: readonly string[]): readonly string[] {
  const at = rule.findIndex((each, i) => each === "headers" && i < 2);
  return at < 0 ? rule : rule.map((each, i) => i > at ? each.toLowerCase() : each);
}

/** @throws TraceforkError TF_USAGE where a rule is no path. */
export function parseIgnore(rules: readonly string[]): Ignore {
  const parsed = rules.map((rule) => loweredRule(parsePath(rule)));
  return {
    nothing: parsed.length === 0,
    covers: (path) => parsed.some((rule) => coveredBy(rule, lowered(path))),
  };
}

/** A path as people write it. */
export function formatPath(path: Path): string {
  return path.map((each, i) => {
    if (typeof each === "number") return `[${each}]`;
    if (!/^[\p{L}\p{N}_$-]+$/u.test(each)) return `[${JSON.stringify(each)}]`;
    return i === 0 ? each : `.${each}`;
  }).join("");
}
