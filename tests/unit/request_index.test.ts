/** Recorded requests are found by what they ask for, in their order, however many are alike. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestIndex } from "../../core/session/request_index.ts";
import { encodeEvent, type RequestEvent, TYPE } from "../../core/tape/events.ts";
import { createRefCore } from "../../wasm/ref.ts";
import { createWasmCore } from "../../wasm/mod.ts";

const request = (op: number, more: Partial<RequestEvent> = {}): RequestEvent => ({
  type: "request",
  op,
  method: "POST",
  url: "http://api.example/v1",
  headers: [["accept", "*/*"]],
  body: undefined,
  options: "",
  ...more,
});
const row = (event: RequestEvent) => ({
  type: TYPE.request,
  at: 0,
  body: encodeEvent(event),
  link: new Uint8Array(32),
});

for (const [name, core] of [["wasm", createWasmCore()], ["ref", createRefCore()]] as const) {
  test(`requests (${name}): 10,000 that are alike come out in their order, and no more of them`, () => {
    const index = new RequestIndex(core, Array.from({ length: 10_000 }, (_, op) => row(request(op))));
    for (let step = 0; step < 10_000; step++) assert.equal(index.take(request(99_999)), step);
    assert.equal(index.take(request(0)), undefined);
  });

  test(`requests (${name}): one that differs in anything is another one`, () => {
    const others: Partial<RequestEvent>[] = [
      { method: "GET" },
      { url: "http://api.example/v2" },
      { headers: [["accept", "text/html"]] },
      { headers: [] },
      { body: { digest: new Uint8Array(32), size: 0 } },
      { body: "later" },
      { options: "redirect=manual" },
    ];
    const index = new RequestIndex(core, [
      row(request(0)),
      ...others.map((more, i) => row(request(i + 1, more))),
    ]);
    for (const [i, more] of others.entries()) assert.equal(index.take(request(50, more)), i + 1);
    assert.equal(index.take(request(50)), 0);
    for (const more of others) assert.equal(index.take(request(50, more)), undefined);
  });
}
