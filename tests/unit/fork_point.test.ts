/** Where a run is forked, lane by lane. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { firstPlace, type PlacedRow, placeOfStep, stopsOf } from "../../core/session/fork_point.ts";
import { encodeEvent, type TapeEvent, TYPE } from "../../core/tape/events.ts";

const request = (op: number): TapeEvent => ({
  type: "request",
  op,
  method: "GET",
  url: "http://a/",
  headers: [],
  body: undefined,
  options: "",
});
const head = (op: number): TapeEvent => ({
  type: "head",
  op,
  status: 200,
  statusText: "",
  headers: [],
  url: undefined,
  redirected: false,
  kind: "basic",
  hasBody: false,
});
const timer = (op: number): TapeEvent => ({ type: "timer", op, kind: "timeout", delay: 1 });
const fire = (op: number): TapeEvent => ({ type: "fire", op, value: new Uint8Array(0) });
const cancel = (op: number): TapeEvent => ({ type: "cancel", op });

function rows(lane: number, ...events: (readonly [at: number, event: TapeEvent])[]): PlacedRow[] {
  return events.map(([at, event], seq) => ({
    lane,
    seq,
    at,
    type: TYPE[event.type],
    body: encodeEvent(event),
  }));
}

test("a step's place is where its head was handed out, however many came in between", () => {
  const lane = rows(0, [1, request(0)], [2, request(1)], [3, timer(2)], [4, fire(2)], [5, head(1)], [
    6,
    head(0),
  ]);
  assert.deepEqual(placeOfStep(lane, 0), { step: 0, lane: 0, op: 0, seq: 5, at: 6 });
  assert.deepEqual(placeOfStep(lane, 1), { step: 1, lane: 0, op: 1, seq: 4, at: 5 });
  assert.equal(placeOfStep(lane, 2), undefined);
  const places = [placeOfStep(lane, 0)!, placeOfStep(lane, 1)!];
  assert.equal(firstPlace(places).step, 1);
});

test("a step that was never answered is forked where the next thing was handed out, or at the end", () => {
  const given = rows(0, [1, request(0)], [2, timer(1)], [3, fire(1)], [4, cancel(0)]);
  assert.equal(placeOfStep(given, 0)!.seq, 2);
  const open = rows(0, [1, request(0)], [2, timer(1)]);
  assert.equal(placeOfStep(open, 0)!.seq, 2);
});

test("other lanes are replayed up to the time of the fork, and lanes that began later not at all", () => {
  const all = [
    ...rows(0, [1, request(0)], [50, head(0)]),
    ...rows(1, [10, request(0)], [20, head(0)], [60, timer(1)]),
    ...rows(2, [70, request(0)]),
  ];
  const place = placeOfStep(all, 0)!;
  assert.deepEqual(stopsOf(all, place), { 0: 1, 1: 2, 2: 0 });
  // Steps are counted over the lanes.
  assert.deepEqual(placeOfStep(all, 1), { step: 1, lane: 1, op: 0, seq: 1, at: 20 });
});
