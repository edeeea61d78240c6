/** Reading what a model exchange says: whole words from split streams, requests, and what is no model exchange. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../core/base/bytes.ts";
import { readRequest, readResponse } from "../../core/provider/read.ts";
import { parseEvents } from "../../core/provider/read_frames.ts";
import { read, SSE, STREAMS, unnamed } from "./model_streams.ts";

for (const [name, stream] of Object.entries(STREAMS)) {
  test(`W26, ${name}: a word split across two SSE deltas is read whole`, () => {
    const text = stream(["The door is unlo", "cked now."]);
    assert.match(read(text).text, /\bunlocked\b/);

    // Controls: neither the first event with text nor a search of the raw stream would find the word (the
    // Responses API repeats the whole text at its end, so there only what comes before counts).
    const deltas = text.split(/(?=event: response\.output_text\.done)/)[0]!;
    assert.doesNotMatch(deltas, /unlocked/);
    const events = parseEvents(text);
    const first = events.findIndex(({ data }) => data.includes("unlo"));
    const cut = events.slice(0, first + 1).map(({ event, data }) => `event: ${event}\ndata: ${data}\n\n`)
      .join("");
    assert.equal(read(cut).text, "The door is unlo");
  });

  test(`${name}: a text cut into any deltas, also inside a surrogate pair, is read whole`, () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), fc.array(fc.nat(40)), (text, cuts) => {
      const pieces: string[] = [];
      let at = 0;
      for (const size of cuts) pieces.push(text.slice(at, at += size));
      pieces.push(text.slice(at));
      assert.equal(read(stream(pieces)).text, text);
    }));
  });

  test(`${name}: a stream that was cut off anywhere gives a beginning of the text and no made-up usage`, () => {
    const [text, whole] = ["Grüße aus 京都 👋", stream(["Grüße ", "aus 京", "都 👋"])];
    const bytes = utf8(whole);
    const full = read(whole);
    for (let length = 0; length < bytes.length; length++) {
      const answer = readResponse(SSE, bytes.subarray(0, length));
      if (answer === undefined) continue;
      assert.ok(text.startsWith(answer.text), `cut at ${length}: ${answer.text}`);
      if (answer.usage !== undefined) assert.deepEqual(answer.usage, full.usage);
    }
  });
}

test("usage is what the API says, with cached tokens counted into the prompt", () => {
  const usages = Object.values(STREAMS).map((stream) => read(stream(["Hi"])).usage);
  assert.deepEqual(usages, [
    { input: 25, output: 15 },
    undefined, // `include_usage` was not asked for: unknown, and not a guess from bytes
    { input: 37, output: 11, cacheRead: 8 },
    { input: 11, output: 27, cacheRead: 4 },
  ]);
  const stops = Object.values(STREAMS).map((stream) => read(stream(["Hi"])).stopReason);
  assert.deepEqual(stops, ["end_turn", "stop", "completed", "STOP"]);
});

test("events are told apart by any line end, through comments, and with several data lines", () => {
  const text =
    "\ufeff: hello\r\nevent: a\r\ndata: 1\r\ndata:2\r\n\r\nid: 7\rdata:  3\r\rdata\n\nretry: 5\n\nevent: b\ndata: 4";
  assert.deepEqual(parseEvents(text), [
    { event: "a", data: "1\n2" },
    { event: "message", data: " 3" },
    { event: "message", data: "" },
    { event: "b", data: "4" },
  ]);
});

test("requests of all four APIs are read", () => {
  const bytes = (body: unknown) => utf8(JSON.stringify(body));
  const tool = { type: "function", function: { name: "look", parameters: {} } };
  assert.deepEqual(
    readRequest(
      "https://api.anthropic.com/v1/messages?beta=true",
      bytes({
        model: "claude-haiku-4-5",
        max_tokens: 9,
        tools: [{ name: "look", input_schema: {} }, { type: "web_search_20250305", name: "web_search" }],
        messages: [
          { role: "user", content: [{ type: "text", text: "Where?" }, { type: "image", source: {} }] },
          { role: "assistant", content: [{ type: "tool_use", id: "t", name: "look", input: {} }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "there" }] },
        ],
      }),
    ),
    {
      provider: "anthropic",
      api: "messages",
      model: "claude-haiku-4-5",
      messages: 3,
      lastUserText: "Where?",
      tools: ["look", "web_search"],
    },
  );
  const messages = [{ role: "system", content: "Be brief." }, { role: "user", content: "Hi" }];
  const chatRequest = { provider: "openai", api: "chat", messages: 2, lastUserText: "Hi", tools: ["look"] };
  assert.deepEqual(
    readRequest(
      "https://api.openai.com/v1/chat/completions",
      bytes({ model: "gpt-5.1", messages, tools: [tool] }),
    ),
    { ...chatRequest, model: "gpt-5.1" },
  );
  assert.deepEqual(
    readRequest(
      "https://x.openai.azure.com/openai/deployments/mine/chat/completions?api-version=2024-10-21",
      bytes({ messages, tools: [tool] }),
    ),
    { ...chatRequest, model: "mine" },
  );
  const input = [
    { role: "user", content: [{ type: "input_text", text: "Sum up" }] },
    { type: "function_call_output", call_id: "c", output: "3" },
  ];
  assert.deepEqual(
    readRequest(
      "https://api.openai.com/v1/responses",
      bytes({ model: "gpt-5.1", input, tools: [{ type: "function", name: "look" }, { type: "web_search" }] }),
    ),
    {
      provider: "openai",
      api: "responses",
      model: "gpt-5.1",
      messages: 2,
      lastUserText: "Sum up",
      tools: ["look", "web_search"],
    },
  );
  assert.deepEqual(
    readRequest(
      "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
      bytes({
        contents: [{ parts: [{ text: "Hallo" }] }],
        tools: [{ functionDeclarations: [{ name: "look" }] }, { googleSearch: {} }],
      }),
    ),
    {
      provider: "gemini",
      api: "generateContent",
      model: "gemini-2.5-flash",
      messages: 1,
      lastUserText: "Hallo",
      tools: ["look", "googleSearch"],
    },
  );
});

test("what is no model exchange is not taken for one", () => {
  const body = utf8('{"model":"m","messages":[]}');
  assert.equal(readRequest("https://api.anthropic.com/v1/messages/count_tokens", body), undefined);
  assert.equal(readRequest("https://example.com/search", body), undefined);
  assert.equal(readRequest("not a url", body), undefined);
  assert.equal(readRequest("https://api.anthropic.com/v1/messages", utf8("no json")), undefined);
  const bodies = [
    "",
    "plain text",
    '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}',
    '{"content":"a page","choices":["red","blue"]}',
    'data: {"price":3}\n\n',
    '[{"id":1},{"id":2}]',
  ];
  for (const each of bodies) assert.equal(readResponse("application/json", utf8(each)), undefined, each);
});

test("no bytes make it throw, whatever a tape holds", () => {
  const keys = [
    "type",
    "choices",
    "delta",
    "message",
    "candidates",
    "content",
    "parts",
    "output",
    "response",
    "usage",
  ];
  const words = [
    "message",
    "message_start",
    "content_block_delta",
    "response.created",
    "response.output_item.added",
  ];
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(...words, null, 1, -1, 1e300, true),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys, "index", "output_index", "tool_calls"), tie("tree")),
    ),
  }));
  fc.assert(fc.property(fc.array(tree), (frames) => {
    readResponse(SSE, utf8(unnamed(frames)));
    readResponse("application/json", utf8(JSON.stringify(frames)));
    for (const path of ["messages", "chat/completions", "responses", "models/m:generateContent"]) {
      readRequest(`https://x.example/v1/${path}`, utf8(JSON.stringify(frames[0] ?? null)));
    }
  }));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void readResponse(undefined, bytes)));
});
