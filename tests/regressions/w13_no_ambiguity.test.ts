/**
 * W13: the original hashed texts joined without lengths: the draw `("env", "x\nD:clock:2026")` had the digest of two draws.
 * Every encoding here is length-prefixed, so no two different recordings share a link.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LaneLog, type Sink } from "../../core/session/lane_log.ts";
import { BYTES, CLOCK, type DrawKind, TEXT, UUID } from "../../core/tape/draws.ts";
import type { HeadEvent, RequestEvent, TapeEvent } from "../../core/tape/events.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { toHex } from "../../core/base/hex.ts";

const core = createWasmCore();
const sink: Sink = { append() {}, body() {} };

type Step = readonly [DrawKind<unknown>, unknown] | TapeEvent;

/** The link that a lane ends with after these steps. */
function linkOf(steps: readonly Step[]): string {
  const log = new LaneLog(core, sink, 0);
  for (const step of steps) {
    if ("type" in step) log.event(step);
    else log.draw(step[0], step[1]);
  }
  return toHex(log.currentLink());
}

const draw = <T>(kind: DrawKind<T>, value: T) => [kind as DrawKind<unknown>, value] as const;
const request = (fields: Partial<RequestEvent>): TapeEvent => ({
  type: "request",
  op: 0,
  method: "POST",
  url: "http://a/",
  headers: [],
  body: undefined,
  options: "",
  ...fields,
});
const head = (fields: Partial<HeadEvent>): TapeEvent => ({
  type: "head",
  op: 0,
  status: 200,
  statusText: "OK",
  headers: [],
  url: undefined,
  redirected: false,
  kind: "basic",
  hasBody: true,
  ...fields,
});
const bytes = (...values: number[]) => new Uint8Array(values);
const body = (first: number) => ({ digest: new Uint8Array(32).fill(first), size: 1 });

/** Pairs that are the same when they are joined without lengths. */
const PAIRS: readonly (readonly [name: string, a: readonly Step[], b: readonly Step[]])[] = [
  ["a text that looks like a text and another draw", [draw(TEXT, "x\nD:text:y")], [
    draw(TEXT, "x"),
    draw(TEXT, "y"),
  ]],
  ["two texts cut at another place", [draw(TEXT, "ab"), draw(TEXT, "c")], [
    draw(TEXT, "a"),
    draw(TEXT, "bc"),
  ]],
  ["bytes in one draw and in two", [draw(BYTES, bytes(1, 2))], [
    draw(BYTES, bytes(1)),
    draw(BYTES, bytes(2)),
  ]],
  ["two clocks that only sum up alike", [draw(CLOCK, 5), draw(CLOCK, 7)], [draw(CLOCK, 7), draw(CLOCK, 5)]],
  ["a text and the same as bytes", [draw(TEXT, "a")], [draw(BYTES, new TextEncoder().encode("a"))]],
  ["an id and its text", [draw(UUID, "00000000-0000-4000-8000-000000000000")], [
    draw(TEXT, "00000000-0000-4000-8000-000000000000"),
  ]],
  ["a method and a URL cut at another place", [request({ method: "GET", url: "/a" })], [
    request({ method: "GE", url: "T/a" }),
  ]],
  ["a header that holds a line and two headers", [head({ headers: [["a", "1\nb: 2"]] })], [
    head({ headers: [["a", "1"], ["b", "2"]] }),
  ]],
  ["a repeated header and a joined one", [head({ headers: [["a", "1"], ["a", "2"]] })], [
    head({ headers: [["a", "1, 2"]] }),
  ]],
  ["a status text and a header", [head({ statusText: "OKx" })], [
    head({ statusText: "OK", headers: [["x", ""]] }),
  ]],
  ["no body and an empty one", [request({ body: undefined })], [request({ body: { ...body(0), size: 0 } })]],
  ["a draw before an event and after it", [draw(TEXT, "x"), request({})], [request({}), draw(TEXT, "x")]],
  ["one chunk and two", [{ type: "chunk", op: 0, body: body(1) }], [
    { type: "chunk", op: 0, body: body(1) },
    { type: "chunk", op: 0, body: body(1) },
  ]],
];

for (const [name, a, b] of PAIRS) {
  test(`these do not share a fingerprint: ${name}`, () => {
    assert.notEqual(linkOf(a), linkOf(b));
    assert.equal(linkOf(a), linkOf(a), "control");
    assert.equal(linkOf(b), linkOf(b), "control");
  });
}

test("no two of all these share a fingerprint", () => {
  const links = PAIRS.flatMap(([, a, b]) => [linkOf(a), linkOf(b)]);
  assert.equal(new Set(links).size, links.length);
});
