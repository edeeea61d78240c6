/** From stored events to exchanges, written by the same log that the recorder writes through. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ExchangeSource, readExchanges } from "../../core/analyse/exchanges.ts";
import { fromUtf8, utf8 } from "../../core/base/bytes.ts";
import { toHex } from "../../core/base/hex.ts";
import { readResponse } from "../../core/provider/read.ts";
import { BYTES, CLOCK, RANDOM, UUID } from "../../core/tape/draws.ts";
import { encodeEvent, type ErrorShape, type ExitEvent, type TapeEvent } from "../../core/tape/events.ts";
import { createRefCore } from "../../wasm/ref.ts";
import { chunk, end, head, MemoryTape, OPEN, request } from "./memory_tape.ts";

const EXIT: ExitEvent = {
  type: "exit",
  code: 0,
  signal: undefined,
  stdin: undefined,
  stdout: undefined,
  stderr: undefined,
  lanes: [],
};

const ERROR: ErrorShape = {
  class: "TypeError",
  name: "TypeError",
  message: "fetch failed",
  stack: undefined,
  fields: "{}",
  cause: undefined,
  errors: [],
};

test("exchanges are numbered as they were issued, lane by lane, however their answers mix", () => {
  const tape = new MemoryTape();
  const [first, second] = [tape.lane(0), tape.lane(1)];
  request(first, 0, "a");
  request(second, 0, "x");
  request(first, 3, "b");
  head(first, 3);
  head(second, 0, false);
  chunk(first, 3, utf8("B"));
  head(first, 0);
  end(first, 3);
  chunk(first, 0, utf8("A"));
  end(first, 0);
  const { exchanges } = readExchanges(tape);
  const seen = exchanges.map((each) => [
    each.step,
    each.lane,
    each.op,
    fromUtf8(each.requestBody()!),
    fromUtf8(each.responseBody()),
    each.end,
  ]);
  assert.deepEqual(seen, [
    [0, 0, 0, "a", "A", "complete"],
    [1, 0, 3, "b", "B", "complete"],
    [2, 1, 0, "x", "", "complete"],
  ]);
});

test("an exchange has its head, its chunks with sizes, and its times", () => {
  const tape = new MemoryTape();
  const log = tape.lane(0);
  log.event({ type: "timer", op: 0, kind: "timeout", delay: 5 });
  request(log, 1, "question");
  head(log, 1);
  chunk(log, 1, utf8("an"));
  chunk(log, 1, utf8("swer"));
  end(log, 1);
  const [exchange] = readExchanges(tape).exchanges;
  assert.equal(exchange!.head!.status, 200);
  assert.deepEqual(exchange!.head!.headers, [["content-type", "text/event-stream"]]);
  assert.deepEqual(exchange!.chunks.map(({ size, at }) => [size, at]), [[2, 3000], [4, 4000]]);
  assert.deepEqual([exchange!.startedAt, exchange!.headAt, exchange!.endedAt], [1000, 2000, 5000]);
  assert.deepEqual([exchange!.requestSize, exchange!.responseSize], [8, 6]);
  assert.equal(fromUtf8(exchange!.chunkBody(exchange!.chunks[1]!)), "swer");
});

test("each way to end has its name", () => {
  const tape = new MemoryTape();
  const log = tape.lane(0);
  const names = [
    "complete",
    "no body",
    "failed",
    "failed in body",
    "aborted",
    "cancelled",
    "unread",
    "no answer",
  ];
  for (const op of names.keys()) request(log, op);
  for (const op of [0, 3, 5, 6]) head(log, op);
  head(log, 1, false);
  end(log, 0);
  log.event({ type: "fail", op: 2, error: ERROR });
  log.event({ type: "fail", op: 3, error: ERROR });
  log.event({ type: "cancel", op: 4 });
  log.event({ type: "cancel", op: 5 });
  chunk(log, 6, utf8("half"));
  const ends = (...more: TapeEvent[]) => {
    const seq = log.seq;
    const rows = more.map((event, i) => ({ lane: 0, seq: seq + i, at: 99_000, body: encodeEvent(event) }));
    const source = {
      events: () => [...tape.events(), ...rows],
      body: (digest: Uint8Array) => tape.body(digest),
    };
    return readExchanges(source).exchanges;
  };
  const closed = ["complete", "complete", "failed", "failed", "cancelled", "cancelled", "unread", "open"];
  assert.deepEqual(ends(EXIT).map((each) => each.end), closed);
  assert.deepEqual(ends(EXIT)[3]!.error, ERROR);
  assert.deepEqual(ends(EXIT).map((each) => each.endedAt !== undefined), closed.map((_, i) => i < 6));
  // A recording that was cut off can't tell whether the rest would have been read.
  const cutOff = closed.with(6, "open");
  assert.deepEqual(ends().map((each) => each.end), cutOff);
  assert.deepEqual(ends({ ...EXIT, code: undefined, signal: "SIGKILL" }).map((each) => each.end), cutOff);
});

test("a body that had to be read first is the request's body", () => {
  const tape = new MemoryTape();
  const log = tape.lane(0);
  request(log, 0, "later");
  request(log, 1, "later");
  log.event({ type: "sent", op: 0, body: log.requestBody(utf8("streamed"), OPEN) });
  const [sent, never] = readExchanges(tape).exchanges;
  assert.equal(fromUtf8(sent!.requestBody()!), "streamed");
  assert.equal(sent!.requestSize, 8);
  assert.equal(never!.requestBody(), undefined);
});

test("draws stand with the request before them, and those before a lane's first request are told apart", () => {
  const tape = new MemoryTape();
  const log = tape.lane(0);
  log.draw(CLOCK, 1_700_000_000_000);
  request(log, 0);
  log.draw(CLOCK, 1_700_000_000_007);
  log.writePackEarly();
  log.draw(RANDOM, 0.25);
  head(log, 0);
  log.draw(UUID, "6fa459ea-ee8a-4ca4-894e-db77e160355e");
  request(log, 1);
  request(log, 2);
  log.draw(BYTES, Uint8Array.of(1, 255));
  log.draw(CLOCK, 1_700_000_000_001);
  end(log, 0);
  const other = tape.lane(1);
  other.draw(RANDOM, 0.5);
  request(other, 0);
  const { exchanges, early } = readExchanges(tape);
  const shown = exchanges.map((each) => each.draws().map(({ kind, value }) => `${kind} ${value}`));
  const expected = [
    ["clock 2023-11-14T22:13:20.007Z", "random 0.25", "uuid 6fa459ea-ee8a-4ca4-894e-db77e160355e"],
    [],
    ["bytes 01ff", "clock 2023-11-14T22:13:20.001Z"],
    [],
  ];
  assert.deepEqual(shown, expected);
  assert.deepEqual(exchanges.map(({ drawCount }) => drawCount), expected.map(({ length }) => length));
  assert.deepEqual(early.map(({ lane, count, draws }) => [lane, count, draws()[0]!.value]), [
    [0, 1, "2023-11-14T22:13:20.000Z"],
    [1, 1, "0.5"],
  ]);
  // Clocks are deltas: the last exchange first must come to the same.
  const again = readExchanges(tape).exchanges;
  assert.equal(again[2]!.draws()[1]!.value, "2023-11-14T22:13:20.001Z");
  assert.equal(again[0]!.draws()[0]!.value, "2023-11-14T22:13:20.007Z");
});

test("W26: a word split across two SSE deltas is read whole, wherever the stream is split into chunks", () => {
  const events = [
    {
      type: "message_start",
      message: { type: "message", content: [], usage: { input_tokens: 3, output_tokens: 1 } },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "die Tür ist entrie" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "gelt 京都" } },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 9 } },
  ];
  const bytes = utf8(events.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join(""));
  let broken = 0;
  for (let at = 1; at < bytes.length; at++) {
    const tape = new MemoryTape();
    const log = tape.lane(0);
    request(log, 0, "{}");
    head(log, 0);
    const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
    for (const piece of pieces) chunk(log, 0, piece);
    end(log, 0);
    const [exchange] = readExchanges(tape).exchanges;
    const answer = readResponse("text/event-stream", exchange!.responseBody());
    assert.equal(answer?.text, "die Tür ist entriegelt 京都");
    assert.deepEqual(answer?.usage, { input: 3, output: 9 });
    // The control: chunk by chunk, a split character or event is lost.
    const each = pieces.map((piece) => readResponse("text/event-stream", piece)?.text ?? "").join("");
    if (each !== answer?.text) broken++;
  }
  assert.ok(broken > bytes.length / 2, `reading each chunk alone must fail often, failed ${broken} times`);
  // The control: the first event with text lacks the word.
  const first = bytes.subarray(0, bytes.length - utf8(fromUtf8(bytes).split("entrie")[1]!).length);
  assert.doesNotMatch(fromUtf8(first), /entriegelt/);
});

test("a list of exchanges reads no body, and a changed body is noticed where it is read", () => {
  const tape = new MemoryTape();
  const log = tape.lane(0);
  request(log, 0, "question");
  head(log, 0);
  chunk(log, 0, utf8("answer"));
  end(log, 0);
  const { exchanges: [exchange] } = readExchanges(tape);
  assert.equal(tape.reads, 0);
  assert.equal(fromUtf8(exchange!.responseBody()), "answer");
  const key = toHex(createRefCore().sha256(utf8("answer")));
  tape.bodies.set(key, utf8("a longer answer"));
  assert.throws(() => exchange!.responseBody(), { code: "TF_TAPE_DAMAGED" });
  tape.bodies.delete(key);
  assert.throws(() => exchange!.responseBody(), { code: "TF_TAPE_DAMAGED" });
  assert.equal(fromUtf8(exchange!.requestBody()!), "question");
});

test("events and draws that can't be read are a damaged tape, not a crash", () => {
  const tape = new MemoryTape();
  const log = tape.lane(0);
  request(log, 0);
  log.draw(RANDOM, 0.5);
  end(log, 0);
  const rows = tape.events();
  const withBody = (seq: number, body: Uint8Array): ExchangeSource => ({
    events: () => rows.map((row) => row.seq === seq ? { ...row, body } : row),
    body: (digest) => tape.body(digest),
  });
  assert.throws(() => readExchanges(withBody(0, Uint8Array.of(99))), {
    code: "TF_TAPE_DAMAGED",
    message: /event 0 of lane 0/,
  });
  const packs = [
    { type: "draws", count: 2 ** 40, data: Uint8Array.of(RANDOM.code) } as const,
    { type: "draws", count: 1, data: Uint8Array.of(200) } as const,
    { type: "draws", count: 0, data: Uint8Array.of(1) } as const,
  ];
  for (const pack of packs) {
    const [exchange] = readExchanges(withBody(1, encodeEvent(pack))).exchanges;
    assert.throws(() => exchange!.draws(), { code: "TF_TAPE_DAMAGED" });
  }
});
