/**
 * Fields that differ, for people: word by word within texts, whole values else. Recorded text is hostile, so all its control
 * characters but line ends are escaped. Marks tell what is whose; colour only repeats it.
 */

import type { FieldDiff } from "../analyse/diff.ts";
import { diffWords, type TextPart } from "../analyse/text_diff.ts";
import { printable } from "./table.ts";

/** How it is shown. */
export interface ChangeStyle {
  readonly colour: boolean;
  /** Nothing is cut. */
  readonly full: boolean;
}

/** Characters of equal text that stand around a change. */
const CONTEXT = 60;
/** Characters of a value, and of each stretch of text that only one side has. */
const VALUE = 400;
/** Changes that are shown of one text. */
const MOST_CHANGES = 12;

function cut(text: string, most: number, full: boolean): string {
  return full || text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;
}

/** Recorded text with its line ends, each line after the first indented. */
function safe(text: string, indent: string): string {
  return text.split("\n").map(printable).join(`\n${indent}`);
}

/** Text in the colour of a side. */
export function painted(text: string, side: "a" | "b", { colour }: ChangeStyle): string {
  if (!colour) return text;
  return `\u001b[${side === "a" ? 31 : 32}m${text}\u001b[39m`;
}

function around(text: string, first: boolean, last: boolean, full: boolean): string {
  if (full) return text;
  const keep = (first ? 0 : CONTEXT) + (last ? 0 : CONTEXT);
  if (text.length <= keep + 20) return text;
  const head = first ? "" : text.slice(0, CONTEXT);
  const tail = last ? "" : text.slice(-CONTEXT);
  return `${head}…${tail}`;
}

function partText(part: TextPart, at: number, count: number, indent: string, style: ChangeStyle): string {
  if (part.in === "both") return safe(around(part.text, at === 0, at === count - 1, style.full), indent);
  const text = safe(cut(part.text, VALUE, style.full), indent);
  return painted(part.in === "a" ? `[-${text}-]` : `{+${text}+}`, part.in, style);
}

function wordsText(a: string, b: string, indent: string, style: ChangeStyle): string {
  const parts = diffWords(a, b);
  const changes = parts.flatMap((part, at) => part.in === "both" ? [] : [at]);
  const last = style.full ? undefined : changes[MOST_CHANGES];
  const shown = last === undefined ? parts : parts.slice(0, last);
  const text = shown.map((part, at) => partText(part, at, parts.length, indent, style)).join("")
    // Lines without text need no indent, and the last line end is the field's own.
    .replaceAll(/\n +(?=\n|$)/g, "\n").replace(/\n$/, "");
  return last === undefined ? text : `${text} … and ${changes.length - MOST_CHANGES} more changes`;
}

/** A value on one line. */
export function valueText(value: unknown, style: ChangeStyle): string {
  if (value === undefined) return "(nothing)";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const line = cut(text, VALUE, style.full).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return printable(line);
}

/** True where words tell more than both values one below the other. */
function isProse(a: unknown, b: unknown): boolean {
  return typeof a === "string" && typeof b === "string" && (/\s/.test(a.trim()) || /\s/.test(b.trim()));
}

/** A field as lines that begin with `indent`. */
export function fieldText({ path, pathB, a, b }: FieldDiff, indent: string, style: ChangeStyle): string {
  const name = printable(pathB === undefined ? path : `${path} (in b: ${pathB})`);
  if (isProse(a, b)) {
    return `${indent}${name}\n${indent}  ${wordsText(a as string, b as string, `${indent}  `, style)}\n`;
  }
  const line = (side: "a" | "b", value: unknown) =>
    painted(`${side === "a" ? "-" : "+"} ${valueText(value, style)}`, side, style);
  return `${indent}${name}\n${indent}  ${line("a", a)}\n${indent}  ${line("b", b)}\n`;
}

/** Fields as lines, at most `most` of them. */
export function fieldsText(
  fields: readonly FieldDiff[],
  indent: string,
  style: ChangeStyle,
  most = 20,
): string {
  const shown = style.full ? fields : fields.slice(0, most);
  const rest = fields.length - shown.length;
  return shown.map((each) => fieldText(each, indent, style)).join("") +
    (rest > 0 ? `${indent}… and ${rest} more fields (--full shows them)\n` : "");
}
