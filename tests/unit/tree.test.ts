/** The tree of branches, and sizes and ages as people write them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { treeOrder } from "../../core/report/tree.ts";
import { bytesText, parseAge, parseBytes } from "../../core/report/units.ts";

const run = (id: string, parent?: string, forkStep?: number) => ({ id, parent, forkStep });
const drawn = (...runs: ReturnType<typeof run>[]) =>
  treeOrder(runs).map(({ run: { id }, prefix }) => `${prefix}${id}`);

test("branches stand below their parents, by the step of their fork", () => {
  const tree = drawn(
    run("z", "b", 0),
    run("new"),
    run("c", "a", 5),
    run("b", "a", 2),
    run("a"),
    run("y", "b", 0),
  );
  assert.deepEqual(tree, ["new", "a", "├─ b", "│  ├─ z", "│  └─ y", "└─ c"]);
});

test("a branch whose parent is gone is a root", () => {
  assert.deepEqual(drawn(run("b", "gone", 1), run("c", "b", 1)), ["b", "└─ c"]);
});

test("runs that claim to be each other's branches come once each", () => {
  assert.deepEqual(drawn(run("a", "b", 0), run("b", "a", 0), run("c", "c", 0)), ["a", "└─ b", "c"]);
});

test("sizes are read and written", () => {
  for (
    const [text, bytes] of [["500MB", 5e8], ["1.5g", 1.5e9], ["4096", 4096], ["2 kb", 2000], [
      "7b",
      7,
    ]] as const
  ) {
    assert.equal(parseBytes(text), bytes, text);
  }
  for (const text of ["", "MB", "-1MB", "1e3", "5 parsecs", "5MiB"]) {
    assert.equal(parseBytes(text), undefined, text);
  }
  assert.deepEqual([0, 999, 1000, 38_912, 999_600, 1.5e9].map(bytesText), [
    "0 bytes",
    "999 bytes",
    "1.0 KB",
    "38.9 KB",
    "1.0 MB",
    "1.5 GB",
  ]);
});

test("ages are read", () => {
  for (
    const [text, seconds] of [["30d", 2_592_000], ["12h", 43_200], ["45m", 2700], ["2w", 1_209_600]] as const
  ) {
    assert.equal(parseAge(text), seconds * 1e6, text);
  }
  for (const text of ["", "30", "d", "-1d", "1 year", "1y"]) assert.equal(parseAge(text), undefined, text);
});
