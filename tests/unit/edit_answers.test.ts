/** Changed answers are valid answers: put together, changed and streamed again they say what was wanted, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../core/base/bytes.ts";
import {
  answerFlaw,
  editAt,
  EditError,
  editText,
  errorAnswer,
  replaceAnswerBody,
  wholeBody,
  type WireAnswer,
  type WireRequest,
} from "../../core/provider/edit.ts";
import { EDIT_ANTHROPIC } from "../../core/provider/edit_anthropic.ts";
import { EDIT_OPENAI_CHAT } from "../../core/provider/edit_openai_chat.ts";
import type { EditFormat, Loose } from "../../core/provider/edit_shape.ts";
import { parseEvents } from "../../core/provider/read_frames.ts";
import { readResponse } from "../../core/provider/read.ts";

const MESSAGE: Loose = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-x",
  content: [
    { type: "thinking", thinking: "let me see", signature: "c2ln" },
    { type: "text", text: "two seats" },
    { type: "tool_use", id: "toolu_1", name: "book", input: { seats: 2, to: "東京 🌍" } },
  ],
  stop_reason: "tool_use",
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 20 },
};
const CHAT: Loose = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-5",
  choices: [{
    index: 0,
    message: {
      role: "assistant",
      content: "two seats",
      tool_calls: [{ id: "call_1", type: "function", function: { name: "book", arguments: '{"seats":2}' } }],
    },
    logprobs: null,
    finish_reason: "tool_calls",
  }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
};

interface Case {
  readonly name: string;
  readonly format: EditFormat;
  readonly whole: Loose;
  readonly request: (stream: boolean) => WireRequest;
}

const CASES: readonly Case[] = [
  {
    name: "Anthropic",
    format: EDIT_ANTHROPIC,
    whole: MESSAGE,
    request: (stream) => ({
      url: "https://api.anthropic.com/v1/messages",
      body: utf8(JSON.stringify({ model: "claude-x", max_tokens: 9, stream, messages: [] })),
    }),
  },
  {
    name: "OpenAI chat",
    format: EDIT_OPENAI_CHAT,
    whole: CHAT,
    request: (stream) => ({
      url: "https://api.openai.com/v1/chat/completions",
      body: utf8(JSON.stringify({ model: "gpt-5", stream, messages: [] })),
    }),
  },
];

function plain(json: unknown): WireAnswer {
  const body = utf8(JSON.stringify(json));
  const headers = [["content-type", "application/json"], ["content-length", String(body.length)]] as const;
  return { status: 200, statusText: "OK", headers, chunks: [body] };
}

function streamed(format: EditFormat, json: Loose): WireAnswer {
  const like = parseEvents(format.stream(json, []).join(""));
  const headers = [["content-type", "text/event-stream"]] as const;
  return { status: 200, statusText: "OK", headers, chunks: format.stream(json, like).map(utf8) };
}

const read = (answer: WireAnswer) => readResponse(answer.headers[0]?.[1], wholeBody(answer.chunks))!;

for (const { name, format, whole, request } of CASES) {
  test(`${name}: a stream of an answer is valid and holds that answer`, () => {
    const answer = streamed(format, whole);
    assert.equal(answerFlaw(request(true), answer), undefined);
    assert.ok(answer.chunks.length > 5);
    const again = format.assemble(parseEvents(new TextDecoder().decode(wholeBody(answer.chunks))))!;
    assert.equal(format.flaw(again), undefined);
    const { toolCalls, text, thinking } = read(answer);
    const { toolCalls: calls, text: said, thinking: thought } = read(plain(whole));
    assert.deepEqual([toolCalls, text, thinking], [calls, said, thought]);
  });

  for (const stream of [false, true]) {
    const recorded = () => stream ? streamed(format, whole) : plain(whole);
    const how = stream ? "streamed" : "plain";

    test(`${name}, ${how}: any text is what the answer then says`, () => {
      fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        const answer = editText(request(stream), recorded(), text);
        assert.equal(answerFlaw(request(stream), answer), undefined);
        const { text: said, toolCalls } = read(answer);
        assert.equal(said, text);
        assert.deepEqual(toolCalls, []);
      }));
    });

    test(`${name}, ${how}: only what an edit names is changed`, () => {
      const path = format === EDIT_ANTHROPIC ? "content[1].text" : "choices[0].message.content";
      const answer = editAt(request(stream), recorded(), path, "no seats 🌍");
      assert.equal(answerFlaw(request(stream), answer), undefined);
      assert.equal(read(answer).text, "no seats 🌍");
      assert.deepEqual(read(answer).toolCalls, read(recorded()).toolCalls);
      assert.throws(() => editAt(request(stream), recorded(), "nowhere.at.all", 1), EditError);
    });

    test(`${name}, ${how}: a whole answer takes a recorded one's place in its manner`, () => {
      const answer = replaceAnswerBody(request(stream), recorded(), utf8(JSON.stringify(whole)));
      assert.equal(answerFlaw(request(stream), answer), undefined);
      assert.deepEqual(read(answer).toolCalls, read(recorded()).toolCalls);
    });

    test(`${name}, ${how}: text in place of an error is a whole answer`, () => {
      const failed: WireAnswer = { ...plain({ error: {} }), status: 529 };
      const answer = editText(request(stream), failed, "well");
      assert.equal(answer.status, 200);
      assert.equal(answerFlaw(request(stream), answer), undefined);
      assert.equal(read(answer).text, "well");
    });

    test(`${name}, ${how}: an error's status comes with its provider's body`, () => {
      const answer = errorAnswer(request(stream), { ...recorded(), status: 529 });
      assert.equal(answerFlaw(request(stream), answer), undefined);
      assert.notEqual(answerFlaw(request(stream), { ...recorded(), status: 529 }), undefined);
    });

    test(`${name}, ${how}: what was asked for otherwise is no valid answer`, () => {
      assert.match(answerFlaw(request(!stream), recorded())!, /stream was asked for/);
    });
  }

  test(`${name}: a stream that lacks any of its events is no valid one, but for a piece or a ping`, () => {
    const { chunks } = streamed(format, whole);
    const texts = chunks.map((each) => new TextDecoder().decode(each));
    let refused = 0;
    texts.forEach((text, at) => {
      if (/ping|_delta"|"content":"[^"]|"arguments":"[^"]|"role"/.test(text)) return;
      const left = chunks.filter((_, i) => i !== at);
      assert.notEqual(
        answerFlaw(request(true), { ...streamed(format, whole), chunks: left }),
        undefined,
        text,
      );
      refused++;
    });
    assert.ok(refused >= 2);
  });
}

test("a length header follows the body", () => {
  const answer = editText(CASES[0]!.request(false), plain(MESSAGE), "x");
  assert.equal(answer.headers[1]![1], String(answer.chunks[0]!.length));
});

test("what has no known form is let alone, and can't be given a text", () => {
  const request = { url: "https://example.com/stock", body: new Uint8Array(0) };
  assert.equal(answerFlaw(request, plain({ anything: 1 })), undefined);
  assert.throws(() => editText(request, plain({ anything: 1 }), "x"), EditError);
  const edited = editAt(request, plain({ anything: 1 }), "anything", 2);
  assert.equal(new TextDecoder().decode(edited.chunks[0]), '{"anything":2}');
});
