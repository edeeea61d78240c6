/** Two runs compared: tapes in memory, written by the log that the recorder writes through. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ComparedRun, diffRuns, type RunDiff } from "../../core/analyse/diff.ts";
import { parseIgnore } from "../../core/analyse/ignore.ts";
import { utf8 } from "../../core/base/bytes.ts";
import type { LaneLog } from "../../core/session/lane_log.ts";
import { CLOCK, RANDOM, UUID } from "../../core/tape/draws.ts";
import { createRefCore } from "../../wasm/ref.ts";
import { chunk, end, head, MemoryTape, OPEN } from "./memory_tape.ts";

const core = createRefCore();
const UUIDS = ["6fa459ea-ee8a-4ca4-894e-db77e160355e", "16fd2706-8baf-433b-82eb-8c7fada847da"];

/** What a run is made of, so that a test can say in which one thing another run is different. */
interface Script {
  readonly steps?: readonly Asked[];
  readonly random?: number;
  readonly clock?: number;
  readonly uuid?: string;
  readonly timer?: number;
  readonly stdin?: string;
  readonly stdout?: string | undefined;
  readonly exit?: number;
}

interface Asked {
  readonly ask: unknown;
  readonly headers?: readonly (readonly [string, string])[];
  /** Pieces of the answer. */
  readonly say?: readonly string[];
  readonly status?: number;
  readonly date?: string;
  readonly type?: string;
}

const ask = (
  content: string,
  say: readonly string[] = ['{"ok":true}'],
  more: Partial<Asked> = {},
): Asked => ({
  ask: { model: "m", messages: [{ role: "user", content }] },
  say,
  ...more,
});

function request(log: LaneLog, op: number, { ask: body, headers = [["accept", "*/*"]] }: Asked): void {
  log.event({
    type: "request",
    op,
    method: "POST",
    url: "http://api.example/v1/messages",
    headers,
    body: log.requestBody(typeof body === "string" ? body : JSON.stringify(body), OPEN),
    options: "",
  });
}

function answer(
  log: LaneLog,
  op: number,
  { say = [], status = 200, date = "now", type = "application/json" }: Asked,
) {
  log.event({
    type: "head",
    op,
    status,
    statusText: "",
    headers: [["Date", date], ["content-type", type]],
    url: undefined,
    redirected: false,
    kind: "basic",
    hasBody: true,
  });
  for (const piece of say) chunk(log, op, utf8(piece));
  end(log, op);
}

const STEPS = [ask("one"), ask("two"), ask("three")];

function record(script: Script = {}): ComparedRun {
  const { steps = STEPS, random = 0.5, clock = 1000, uuid = UUIDS[0]!, timer = 10 } = script;
  const tape = new MemoryTape();
  const log = tape.lane(0);
  log.draw(RANDOM, 0.1);
  steps.forEach((step, i) => {
    const op = i * 2;
    request(log, op, step);
    answer(log, op, step);
    log.draw(CLOCK, clock + i);
    if (i === 1) log.draw(RANDOM, random);
    if (i === 1) log.draw(UUID, uuid);
    log.event({ type: "timer", op: op + 1, kind: "timeout", delay: timer });
    log.event({ type: "fire", op: op + 1, value: new Uint8Array(0) });
  });
  log.writePackEarly();
  const output = {
    stdin: utf8(script.stdin ?? ""),
    stdout: "stdout" in script && script.stdout === undefined ? undefined : utf8(script.stdout ?? "done\n"),
    stderr: utf8(""),
  };
  return { events: () => tape.events(), body: (digest) => tape.body(digest), output, exit: script.exit ?? 0 };
}

const compare = (a: ComparedRun, b: ComparedRun, ...rules: string[]): RunDiff =>
  diffRuns(a, b, parseIgnore(rules), core);
const diff = (other: Script, ...rules: string[]) => compare(record(), record(other), ...rules);
const firstOf = ({ first }: RunDiff) => first && [first.kind, first.aStep, first.bStep];
const pathsOf = ({ first }: RunDiff) => first?.fields().map(({ path }) => path);
const statuses = ({ steps }: RunDiff) => steps.map(({ status }) => status);

test("equal runs are equal, and no body of theirs is read", () => {
  const [a, b] = [record(), record()];
  const refuse = (run: ComparedRun) => ({ ...run, body: () => assert.fail("a body was read") });
  const found = compare(refuse(a), refuse(b));
  assert.equal(found.equal, true);
  assert.equal(found.first, undefined);
  assert.deepEqual(statuses(found), ["equal", "equal", "equal"]);
  assert.deepEqual([found.draws.a, found.draws.b, found.draws.differing], [6, 6, 0]);
  // The control: one word, and the bodies have to be read.
  assert.throws(
    () => compare(refuse(a), refuse(record({ steps: STEPS.with(1, ask("2")) }))),
    /a body was read/,
  );
});

const OTHERS: readonly (readonly [
  name: string,
  other: Script,
  first: unknown[],
  paths: string[],
  ignore: string[],
])[] = [
  ["a request", { steps: STEPS.with(1, ask("other")) }, ["request", 1, 1], [
    "request.body.messages[0].content",
  ], ["messages[*].content"]],
  [
    "a header of a request",
    { steps: STEPS.with(1, { ...STEPS[1]!, headers: [["Accept", "text/html"]] }) },
    [
      "request",
      1,
      1,
    ],
    ["request.headers.accept"],
    ["headers.Accept"],
  ],
  ["a response", { steps: STEPS.with(2, ask("three", ['{"ok":false}'])) }, ["response", 2, 2], [
    "response.body.ok",
  ], ["ok"]],
  ["a status", { steps: STEPS.with(0, ask("one", ['{"ok":true}'], { status: 201 })) }, ["response", 0, 0], [
    "response.status",
  ], ["status"]],
  [
    "a header of a response",
    { steps: STEPS.with(0, ask("one", ['{"ok":true}'], { date: "later" })) },
    [
      "response",
      0,
      0,
    ],
    ["response.headers.date"],
    ["headers.date"],
  ],
  ["a response that is no JSON", { steps: STEPS.with(0, ask("one", ["gone"])) }, ["response", 0, 0], [
    "response.body",
  ], ["response.body"]],
  ["a layout", { steps: STEPS.with(0, ask("one", ['{ "ok": true }'])) }, ["response", 0, 0], [
    "response.body",
  ], [
    "response.body",
  ]],
  [
    "where the pieces of a body end",
    { steps: STEPS.with(0, ask("one", ['{"ok"', ":true}"])) },
    [
      "response",
      0,
      0,
    ],
    ["response.chunks"],
    ["chunks"],
  ],
  ["a draw", { random: 0.6 }, ["draw", 1, 1], ["draws.random"], ["draws.random"]],
  ["an id", { uuid: UUIDS[1]! }, ["draw", 1, 1], ["draws.uuid"], ["draws"]],
  ["a clock reading", { clock: 2000 }, ["draw", 0, 0], ["draws.clock"], ["draws.clock"]],
  ["a timer", { timer: 20 }, ["event", undefined, undefined], ["event"], ["timers"]],
  ["input", { stdin: "yes\n" }, ["input", undefined, undefined], ["output.stdin"], ["output.stdin"]],
  ["output", { stdout: "failed\n" }, ["output", undefined, undefined], ["output.stdout"], ["output"]],
  ["the exit code", { exit: 7 }, ["exit", undefined, undefined], ["exit"], ["exit"]],
];

for (const [name, other, first, paths, ignore] of OTHERS) {
  test(`${name} that differs is found, is the same from the other side, and can be ignored`, () => {
    const there = diff(other);
    assert.equal(there.equal, false);
    assert.deepEqual(firstOf(there), first);
    assert.deepEqual(pathsOf(there), paths);
    const back = compare(record(other), record());
    assert.deepEqual(firstOf(back), first);
    assert.deepEqual(
      back.first!.fields().map(({ a, b }) => [b, a]),
      there.first!.fields().map(({ a, b }) => [a, b]),
    );
    assert.equal(diff(other, ...ignore).equal, true, "it can be ignored");
    assert.equal(diff(other, "nothing.of.this", "messages[*].id").equal, false, "other rules don't hide it");
  });
}

test("a step that one run lacks is found, and those behind it are equal", () => {
  const more = diff({ steps: [STEPS[0]!, ask("a detour"), STEPS[1]!, STEPS[2]!] }, "draws", "order");
  assert.deepEqual(statuses(more), ["equal", "only_b", "equal", "equal"]);
  assert.deepEqual(firstOf(more), ["extra", undefined, 1]);
  const less = diff({ steps: [STEPS[0]!, STEPS[2]!] }, "draws", "order");
  assert.deepEqual(statuses(less), ["equal", "only_a", "equal"]);
  assert.deepEqual(firstOf(less), ["missing", 1, undefined]);
  assert.equal(more.equal || less.equal, false);
});

test("the draws behind a step that one run lacks are compared with their own", () => {
  const steps = [ask("zero"), ...STEPS];
  const longer: Script = { steps };
  const { draws } = compare(record(longer), record(longer));
  assert.equal(draws.differing, 0);
  const found = diff({ steps: [...STEPS, ask("four")] });
  // Its own clock reading, and no other.
  assert.equal(found.draws.differing, 1);
  assert.deepEqual(firstOf(found), ["extra", undefined, 3]);
});

test("the order of requests that were in flight at once is a difference of its own", () => {
  const inFlight = (order: readonly number[]): ComparedRun => {
    const tape = new MemoryTape();
    const log = tape.lane(0);
    order.forEach((which, op) => request(log, op, STEPS[which]!));
    order.forEach((which, op) => answer(log, op, STEPS[which]!));
    return {
      events: () => tape.events(),
      body: (digest) => tape.body(digest),
      output: record().output,
      exit: 0,
    };
  };
  const swapped = compare(inFlight([0, 1, 2]), inFlight([0, 2, 1]));
  assert.deepEqual(statuses(swapped), ["equal", "equal", "equal"]);
  assert.equal(swapped.first?.kind, "order");
  assert.equal(swapped.equal, false);
  assert.equal(compare(inFlight([0, 1, 2]), inFlight([0, 2, 1]), "order").equal, true);
  assert.equal(compare(inFlight([0, 1, 2]), inFlight([0, 1, 2])).equal, true);
});

test("answers that came in another order are a difference, when there is no other", () => {
  const answered = (order: readonly number[]): ComparedRun => {
    const tape = new MemoryTape();
    const log = tape.lane(0);
    STEPS.forEach((step, op) => request(log, op, step));
    for (const op of order) answer(log, op, STEPS[op]!);
    return {
      events: () => tape.events(),
      body: (digest) => tape.body(digest),
      output: record().output,
      exit: 0,
    };
  };
  const found = compare(answered([0, 1, 2]), answered([1, 0, 2]));
  assert.deepEqual(firstOf(found), ["order", undefined, undefined]);
  assert.deepEqual(found.first!.fields().map(({ a, b }) => [a, b]), [["head of op 0", "head of op 1"]]);
  assert.equal(compare(answered([0, 1, 2]), answered([1, 0, 2]), "order").equal, true);
});

const sse = (events: readonly object[]) => events.map((each) => `data: ${JSON.stringify(each)}\n\n`);
const stream = (texts: readonly string[], output = 5, id = "msg_1") =>
  sse([
    { type: "message_start", message: { id, type: "message", content: [], usage: { input_tokens: 3 } } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    ...texts.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: output } },
  ]);
const streamed = (say: readonly string[]): Script => ({
  steps: [ask("hi", say, { type: "text/event-stream" })],
});
const streams = (a: readonly string[], b: readonly string[], ...rules: string[]) =>
  compare(record(streamed(a)), record(streamed(b)), ...rules);

test("streamed answers are compared by what they say, however they were cut", () => {
  const found = streams(stream(["the room ", "is free"]), stream(["the ro", "om is taken"]));
  assert.deepEqual(pathsOf(found), ["response.answer.text"]);
  assert.deepEqual(found.first!.fields().map(({ a, b }) => [a, b]), [[
    "the room is free",
    "the room is taken",
  ]]);
  const usage = streams(stream(["free"], 5), stream(["free"], 6));
  assert.deepEqual(pathsOf(usage), ["response.answer.usage.output"]);
  assert.equal(streams(stream(["free"], 5), stream(["free"], 6), "usage").equal, true);
  assert.equal(streams(stream(["free"]), stream(["taken"]), "answer.text").equal, true);
  assert.equal(streams(stream(["free"]), stream(["taken"], 6), "answer.text").equal, false);
});

test("streams that say the same are compared event by event, then piece by piece", () => {
  const events = streams(stream(["the room"]), stream(["the ", "room"]));
  assert.deepEqual(pathsOf(events)!.map((path) => path.replace(/\[\d\].*/, "")), [
    "response.events",
    "response.events",
  ]);
  const id = streams(stream(["free"], 5, "msg_1"), stream(["free"], 5, "msg_2"));
  assert.deepEqual(pathsOf(id), ["response.events[0].message.id"]);
  assert.equal(streams(stream(["free"], 5, "msg_1"), stream(["free"], 5, "msg_2"), "message.id").equal, true);
  const whole = stream(["free"]).join("");
  const pieces = streams([whole], [whole.slice(0, 40), whole.slice(40)]);
  assert.deepEqual(pathsOf(pieces), ["response.chunks"]);
  const comment = streams([whole], [`: a comment\n\n${whole}`]);
  assert.deepEqual(pathsOf(comment), ["response.body"]);
});

test("the order of headers and of keys is seen, where it is all that differs", () => {
  const ordered = (headers: readonly (readonly [string, string])[], body: unknown): Script => ({
    steps: [{ ...STEPS[0]!, headers, ask: body }],
  });
  const one = record(ordered([["a", "1"], ["b", "2"]], { x: 1, y: 2 }));
  const headers = compare(one, record(ordered([["b", "2"], ["a", "1"]], { x: 1, y: 2 })));
  assert.deepEqual(pathsOf(headers), ["request.header_order"]);
  assert.deepEqual(pathsOf(compare(one, record(ordered([["a", "1"], ["b", "2"]], { y: 2, x: 1 })))), [
    "request.body",
  ]);
});

test("a stream that one tape does not hold is not compared, and says so", () => {
  const found = diff({ stdout: undefined });
  assert.deepEqual(found.output.map(({ equal }) => equal), [true, undefined, true]);
  assert.equal(found.equal, true);
});

test("bodies that are nested deeper than the stack bears are compared as text", () => {
  const deep = (inside: string) => `{"a":${"[".repeat(100_000)}${inside}${"]".repeat(100_000)}}`;
  const run = (inside: string) =>
    record({ steps: [{ ...STEPS[0]!, ask: deep(inside), say: [deep(inside)] }] });
  const found = compare(run("1"), run("2"));
  assert.deepEqual(pathsOf(found), ["request.body", "response.body"]);
  assert.equal(compare(run("1"), run("1"), "usage").equal, true);
});

test("head and end are told apart from requests by their ops only", () => {
  const tape = new MemoryTape();
  const log = tape.lane(0);
  request(log, 0, STEPS[0]!);
  head(log, 0, false);
  const half = { events: () => tape.events(), body: (digest: Uint8Array) => tape.body(digest) };
  const run: ComparedRun = { ...half, output: record().output, exit: undefined };
  assert.equal(compare(run, run).equal, true);
  assert.equal(compare(run, record()).equal, false);
});
