/** What differs between two texts, word by word. */

import { commonPairs, Interner } from "./lcs.ts";

/** A stretch of text that both have, or that only one of them has. */
export interface TextPart {
  readonly in: "both" | "a" | "b";
  readonly text: string;
}

/** Words (times, ids and numbers are one each), runs of blanks, and single other characters. */
const WORD = /[\p{L}\p{N}_]+(?:[-.:+][\p{L}\p{N}_]+)*|\s+|[^\p{L}\p{N}_\s]/gu;

function collect(
  a: readonly string[],
  b: readonly string[],
  pairs: readonly (readonly [number, number])[],
): TextPart[] {
  const parts: { in: TextPart["in"]; words: string[] }[] = [];
  const add = (side: TextPart["in"], words: readonly string[]) => {
    if (words.length === 0) return;
    const last = parts.at(-1);
    if (last?.in === side) { for (const word of words) last.words.push(word); }
    else parts.push({ in: side, words: [...words] });
  };
  let [x, y] = [0, 0];
  for (const [i, j] of [...pairs, [a.length, b.length] as const]) {
    add("a", a.slice(x, i));
    add("b", b.slice(y, j));
    if (i < a.length) add("both", [a[i]!]);
    [x, y] = [i + 1, j + 1];
  }
  return parts.map(({ in: side, words }) => ({ in: side, text: words.join("") }));
}

/** Blanks alone between two changes tell nothing: they become part of both, so that a sentence reads as one change. */
function joinAcrossBlanks(parts: readonly TextPart[]): TextPart[] {
  const joined: TextPart[] = [];
  let [a, b] = ["", ""];
  const flush = () => {
    if (a !== "") joined.push({ in: "a", text: a });
    if (b !== "") joined.push({ in: "b", text: b });
    [a, b] = ["", ""];
  };
  parts.forEach((part, i) => {
    if (part.in === "a") a += part.text;
    else if (part.in === "b") b += part.text;
    else if (a !== "" && b !== "" && i < parts.length - 1 && /^[^\S\n]+$/.test(part.text)) {
      a += part.text;
      b += part.text;
    } else {
      flush();
      joined.push(part);
    }
  });
  flush();
  return joined;
}

/**
 * The parts of both texts in order: those in `both` and `a` put together are `a`, those in `both` and `b` are `b`. Texts
 * that have little in common come out as one change.
 */
export function diffWords(a: string, b: string): TextPart[] {
  if (a === b) return a === "" ? [] : [{ in: "both", text: a }];
  const interner = new Interner();
  const [wordsA, wordsB] = [a.match(WORD) ?? [], b.match(WORD) ?? []];
  const numbers = (words: readonly string[]) => Uint32Array.from(words, (word) => interner.number(word));
  return joinAcrossBlanks(collect(wordsA, wordsB, commonPairs(numbers(wordsA), numbers(wordsB))));
}
