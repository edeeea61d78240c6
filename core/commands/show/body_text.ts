/**
 * Recorded bytes as text for people. Recorded text is hostile: it could drive the terminal, so all of its control
 * characters are escaped, besides the line ends of a body.
 */

import { spellBytes, type SpelledBytes } from "../../base/base64.ts";
import { fromUtf8 } from "../../base/bytes.ts";
import { parseJson, stringEnd } from "../../provider/read_frames.ts";
import { printable } from "../../report/table.ts";

/** Characters of an excerpt. */
const EXCERPT = 120;
/** Bytes that are looked at to tell text from anything else. */
const SAMPLE = 4096;

/** Recorded text that keeps its line ends. */
export function lines(recorded: string): string {
  return recorded.split("\n").map(printable).join("\n");
}

/** The beginning of a recorded text, on one line. */
export function excerpt(recorded: string): string {
  const start = recorded.slice(0, EXCERPT);
  const line = start.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return printable(start.length < recorded.length ? `${line}…` : line);
}

/** False where more than a tenth is what no text has; a character that was cut in two doesn't matter. */
export function isText(bytes: Uint8Array): boolean {
  const sample = fromUtf8(bytes.subarray(0, SAMPLE));
  // deno-lint-ignore no-control-regex -- this is what other bytes look like
  const strange = sample.match(/[\u0000-\u0008\u000e-\u001a\ufffd]/g)?.length ?? 0;
  return strange <= sample.length / 10 + 1;
}

/** Lays JSON out by changing blanks only, so that each number stands as it was sent. Undefined where it is none. */
export function prettyJson(source: string): string | undefined {
  if (!/^\s*[[{]/.test(source) || parseJson(source) === undefined) return undefined;
  const blank = (at: number) => " \n\r\t".includes(source[at] ?? "-");
  let out = "";
  let depth = 0;
  const newLine = () => `\n${"  ".repeat(depth)}`;
  for (let i = 0; i < source.length; i++) {
    const char = source[i]!;
    if (blank(i)) continue;
    if (char === '"') {
      const end = stringEnd(source, i);
      out += source.slice(i, end);
      i = end - 1;
    } else if (char === "{" || char === "[") {
      let next = i + 1;
      while (blank(next)) next++;
      if (source[next] === "}" || source[next] === "]") {
        out += char + source[next];
        i = next;
      } else {
        depth++;
        out += char + newLine();
      }
    } else if (char === "}" || char === "]") {
      depth--;
      out += newLine() + char;
    } else out += char === ":" ? ": " : char === "," ? char + newLine() : char;
  }
  return out;
}

/** A body in full, with a line end behind it. */
export function bodyText(bytes: Uint8Array | undefined): string {
  if (bytes === undefined || bytes.length === 0) return "(no body)\n";
  if (!isText(bytes)) return `(${bytes.length} bytes that are no text; --raw writes them out)\n`;
  const recorded = fromUtf8(bytes);
  const shown = lines(prettyJson(recorded) ?? recorded);
  return shown.endsWith("\n") ? shown : `${shown}\n`;
}

/** A body for a JSON document: as text where that loses nothing. */
export function bodyJson(bytes: Uint8Array | undefined): SpelledBytes | null {
  return bytes === undefined ? null : spellBytes(bytes);
}
