/** What differs between two texts, word by word. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commonPairs } from "../../core/analyse/lcs.ts";
import { diffWords, type TextPart } from "../../core/analyse/text_diff.ts";

const side = (parts: readonly TextPart[], of: "a" | "b") =>
  parts.filter((part) => part.in === "both" || part.in === of).map(({ text }) => text).join("");
const marked = (a: string, b: string) =>
  diffWords(a, b).map((part) =>
    part.in === "both" ? part.text : part.in === "a" ? `[-${part.text}-]` : `{+${part.text}+}`
  ).join("");

/** The length of the longest common subsequence, by the textbook. */
function longest(a: readonly number[], b: readonly number[]): number {
  let above = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const row = [0];
    b.forEach((y, j) => row.push(x === y ? above[j]! + 1 : Math.max(above[j + 1]!, row[j]!)));
    above = row;
  }
  return above[b.length]!;
}

const few = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 40 });

test("as many numbers are paired as can be, in order, equal ones only", () => {
  fc.assert(fc.property(few, few, (a, b) => {
    const pairs = commonPairs(a, b);
    assert.equal(pairs.length, longest(a, b));
    pairs.forEach(([i, j], at) => {
      assert.equal(a[i], b[j]);
      assert.ok(at === 0 || (i > pairs[at - 1]![0] && j > pairs[at - 1]![1]));
    });
  }));
});

test("beyond the limit of edits only beginning and end are paired", () => {
  const a = [1, 2, 3, 4, 5, 6, 7];
  const b = [1, 2, 4, 5, 3, 6, 7];
  assert.deepEqual(commonPairs(a, b, 1), [[0, 0], [1, 1], [5, 5], [6, 6]]);
  assert.equal(commonPairs(a, b, 2).length, 6);
});

test("both texts can be put together again from the parts", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom("the", " ", "\n", "cat", ".")).map((t) => t.join("")),
  );
  fc.assert(fc.property(text, text, (a, b) => {
    const parts = diffWords(a, b);
    assert.equal(side(parts, "a"), a);
    assert.equal(side(parts, "b"), b);
    assert.equal(parts.some((part) => part.in !== "both"), a !== b);
  }));
});

test("words are replaced whole, and a time or an id is one word", () => {
  assert.equal(
    marked("the room is free at 8", "the room is taken at 8"),
    "the room is [-free-]{+taken+} at 8",
  );
  assert.equal(
    marked("It is 2026-11-24T22:50:33.405Z.", "It is 2026-11-24T22:50:34.182Z."),
    "It is [-2026-11-24T22:50:33.405Z-]{+2026-11-24T22:50:34.182Z+}.",
  );
  assert.equal(marked("eine Tür 京都", "eine Türe 京都"), "eine [-Tür-]{+Türe+} 京都");
});

test("neighbouring words that changed read as one change, lines stay apart", () => {
  assert.equal(marked("one two three", "four five three"), "[-one two-]{+four five+} three");
  assert.equal(marked("one\ntwo\n", "four\nfive\n"), "[-one-]{+four+}\n[-two-]{+five+}\n");
});

test("texts of a megabyte that differ everywhere come out as one change", () => {
  const words = (from: number) => Array.from({ length: 60_000 }, (_, i) => `w${from + i}`).join(" ");
  const parts = diffWords(`begin ${words(0)} end`, `begin ${words(100_000)} end`);
  assert.deepEqual([parts[0]!.text, parts.at(-1)!.text], ["begin ", " end"]);
  assert.equal(parts.length, 4);
});
