/** What differs between two JSON values, by path, and what rules leave out of that. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TraceforkError } from "../../core/base/errors.ts";
import { formatPath, parseIgnore, parsePath } from "../../core/analyse/ignore.ts";
import { canonical, diffJson } from "../../core/analyse/json_diff.ts";

const BODY = ["request", "body"];

function told(a: unknown, b: unknown, ...rules: string[]) {
  return diffJson(a, b, BODY, parseIgnore(rules)).map(({ path, pathB, a: x, b: y }) => {
    const there = pathB === undefined ? "" : ` (${formatPath(pathB.slice(2))})`;
    return `${formatPath(path.slice(2))}${there}: ${JSON.stringify(x)} ${JSON.stringify(y)}`;
  });
}

/** Whatever JSON can say, as it comes out of a body. */
const json = fc.json({ maxDepth: 4 }).map((text) => JSON.parse(text.replaceAll("-0", "0")) as unknown);

test("values differ where their fields do, and only there", () => {
  fc.assert(fc.property(json, json, (a, b) => {
    assert.equal(diffJson(a, b, BODY, parseIgnore([])).length > 0, canonical(a) !== canonical(b));
    assert.deepEqual(diffJson(a, JSON.parse(JSON.stringify(a)), BODY, parseIgnore([])), []);
  }));
});

test("differences are the same in both directions", () => {
  const small = fc.dictionary(
    fc.constantFrom("a", "b", "c"),
    fc.oneof(fc.integer({ min: 0, max: 2 }), fc.boolean()),
  );
  fc.assert(fc.property(small, small, (a, b) => {
    const there = diffJson(a, b, BODY, parseIgnore([])).map((
      each,
    ) => [formatPath(each.path), each.a, each.b]);
    const back = diffJson(b, a, BODY, parseIgnore([])).map((each) => [formatPath(each.path), each.b, each.a]);
    assert.deepEqual(new Set(there.map(String)), new Set(back.map(String)));
  }));
});

test("one field that is changed is the one that is told, and ignored it is none", () => {
  const key = fc.constantFrom("id", "name", "x y", "__proto__", "constructor", "京都", 'q"');
  fc.assert(fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), json, (path, rest) => {
    const build = (value: unknown) =>
      path.reduceRight<unknown>(
        (inside, name) =>
          JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(inside)},"rest":${JSON.stringify(rest)}}`),
        value,
      );
    const [a, b] = [build(1), build(2)];
    const changes = diffJson(a, b, BODY, parseIgnore([]));
    assert.deepEqual(changes.map((each) => each.path), [[...BODY, ...path]]);
    const shown = formatPath(changes[0]!.path);
    assert.deepEqual(parsePath(shown), [...BODY, ...path], shown);
    assert.deepEqual(diffJson(a, b, BODY, parseIgnore([shown])), []);
    assert.equal(diffJson(a, b, BODY, parseIgnore([`${shown}.more`])).length, 1);
  }));
});

test("a message that was put in is one difference, and those behind it are none", () => {
  const message = (content: string, role = "user") => ({ role, content });
  const a = { messages: [message("one"), message("two"), message("three")] };
  const b = { messages: [message("one"), message("between"), message("two"), message("three")] };
  assert.deepEqual(told(a, b), ['messages[1]: undefined {"role":"user","content":"between"}']);
  assert.deepEqual(told(b, a), ['messages[1]: {"role":"user","content":"between"} undefined']);
  // Behind it, one that changed is told by both of its places.
  const c = { messages: [...b.messages.slice(0, 3), message("four")] };
  assert.deepEqual(told(a, c), [
    'messages[1]: undefined {"role":"user","content":"between"}',
    'messages[2].content (messages[3].content): "three" "four"',
  ]);
});

test("of several new messages the likeliest is taken for the one that changed", () => {
  const a = { messages: [{ role: "user", content: "hello" }, { role: "assistant", content: "one" }] };
  const b = {
    messages: [
      { role: "user", content: "hi" },
      { role: "user", content: "more" },
      { role: "assistant", content: "two" },
    ],
  };
  const changes = told(a, b);
  assert.ok(changes.includes('messages[1].content (messages[2].content): "one" "two"'), changes.join("\n"));
  assert.equal(changes.length, 3);
});

test("null, nothing and other types are told apart", () => {
  assert.deepEqual(told({ a: null }, {}), ["a: null undefined"]);
  assert.deepEqual(told({ a: null }, { a: 0 }), ["a: null 0"]);
  assert.deepEqual(told({ a: [] }, { a: {} }), ["a: [] {}"]);
  assert.deepEqual(told({ a: "1" }, { a: 1 }), ['a: "1" 1']);
});

const A = {
  id: "msg_1",
  usage: { input: 3, output: 4 },
  messages: [{ id: 1, content: [{ type: "text", text: "a", id: "x" }] }, { id: 2, content: "same" }],
};
const B = {
  id: "msg_2",
  usage: { input: 5, output: 4 },
  messages: [{ id: 8, content: [{ type: "text", text: "a", id: "y" }] }, { id: 9, content: "same" }],
};

const RULES: readonly (readonly [rules: string[], left: string[]])[] = [
  [[], ["id", "usage.input", "messages[0].id", "messages[0].content[0].id", "messages[1].id"]],
  [["id"], ["usage.input", "messages[0].id", "messages[0].content[0].id", "messages[1].id"]],
  [["usage", "messages"], ["id"]],
  [["usage.output"], ["id", "usage.input", "messages[0].id", "messages[0].content[0].id", "messages[1].id"]],
  [["messages[*].id"], ["id", "usage.input", "messages[0].content[0].id"]],
  [["messages[1].id", "$.usage"], ["id", "messages[0].id", "messages[0].content[0].id"]],
  [["messages[0].content[*].id"], ["id", "usage.input", "messages[0].id", "messages[1].id"]],
  [["**.id"], ["usage.input"]],
  [["messages.**.id", '["usage"]'], ["id"]],
  [["*.input"], ["id", "messages[0].id", "messages[0].content[0].id", "messages[1].id"]],
  [["request.body.id", "body.usage"], ["messages[0].id", "messages[0].content[0].id", "messages[1].id"]],
  [["response.body.id", "ID", "sage"], [
    "id",
    "usage.input",
    "messages[0].id",
    "messages[0].content[0].id",
    "messages[1].id",
  ]],
  [["**"], []],
];

for (const [rules, left] of RULES) {
  test(`ignoring ${rules.join(" and ") || "nothing"} leaves ${left.length} of 5 differences`, () => {
    const changes = diffJson(A, B, BODY, parseIgnore(rules));
    assert.deepEqual(changes.map(({ path }) => formatPath(path.slice(2))), left);
  });
}

test("items that are ignored don't keep lists of other lengths apart", () => {
  const [a, b] = [{ tags: [1, 2, 3] }, { tags: [4] }];
  assert.equal(told(a, b).length, 3);
  assert.deepEqual(told(a, b, "tags[*]"), []);
  assert.deepEqual(told(a, b, "tags"), []);
});

test("messages that differ in ignored fields only still find each other behind one that was put in", () => {
  const of = (ids: readonly (readonly [number, string])[]) => ({
    messages: ids.map(([id, text]) => ({ id, text })),
  });
  const a = of([[1, "one"], [2, "two"]]);
  const b = of([[7, "new"], [8, "one"], [9, "two"]]);
  assert.deepEqual(told(a, b, "messages[*].id"), ['messages[0]: undefined {"text":"new"}']);
});

test("header names are ignored in any case, keys of a body are not", () => {
  const headers = (date: string) => ({ headers: { date, "x-id": "1" } });
  const left = (rule: string) =>
    diffJson(headers("1"), headers("2"), ["response"], parseIgnore([rule])).length;
  assert.deepEqual(["headers.date", "headers.Date", "response.headers.DATE"].map(left), [0, 0, 0]);
  assert.deepEqual(["headers.dat", "request.headers.date", "date"].map(left), [1, 1, 1]);
});

test("what is no path is a usage error that shows some", () => {
  for (const rule of ["", " ", "a[", "a]", "a..b", ".a", "a[x]", 'a["b]', "a b", "**x"]) {
    assert.throws(
      () => parseIgnore([rule]),
      (error) =>
        error instanceof TraceforkError && error.code === "TF_USAGE" &&
        /messages\[\*\]\.id/.test(error.hint!),
      rule,
    );
  }
});
