/** Places in a JSON value: what is a path, and what setting one does and refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePath, setAt } from "../../core/provider/edit_path.ts";

const PATHS: readonly (readonly [path: string, keys: readonly string[]])[] = [
  ["text", ["text"]],
  ["content[0].text", ["content", "0", "text"]],
  ["content.0.text", ["content", "0", "text"]],
  ["$.a.b", ["a", "b"]],
  ["[1][2]", ["1", "2"]],
  ['a["b.c"].d', ["a", "b.c", "d"]],
  ['["\\""]', ['"']],
];

test("paths are keys and indices", () => {
  for (const [path, keys] of PATHS) assert.deepEqual(parsePath(path), keys, path);
});

test("what is no path is refused", () => {
  for (const path of ["", "$", "a[", "a[x]", "a..b", 'a["b']) {
    assert.throws(() => parsePath(path), RangeError, path);
  }
});

test("setting gives a copy, with what is there replaced, a key added, or a list longer by one", () => {
  const value = { a: [{ b: 1 }], c: {} };
  assert.deepEqual(setAt(value, "a[0].b", 2), { a: [{ b: 2 }], c: {} });
  assert.deepEqual(setAt(value, "a[1]", 3), { a: [{ b: 1 }, 3], c: {} });
  assert.deepEqual(setAt(value, "c.new", null), { a: [{ b: 1 }], c: { new: null } });
  assert.deepEqual(value, { a: [{ b: 1 }], c: {} });
});

test("a place that is not there is refused, with what is", () => {
  const value = { a: [1], b: "text" };
  for (const path of ["a[2]", "a.x", "x.y", "b.c", "a[0].c"]) {
    assert.throws(() => setAt(value, path, 1), RangeError, path);
  }
  assert.throws(() => setAt(value, "a[2]", 1), /which has 1/);
});
