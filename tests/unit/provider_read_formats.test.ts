/** What the answers of each model API come to: tools, thinking, usage and how they end, streamed and not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  anthropic,
  ANTHROPIC_END,
  chatChunk,
  GEMINI_END,
  geminiChunk,
  type Json,
  named,
  read,
  unnamed,
} from "./model_streams.ts";

test("Anthropic: thinking, text, tool use and cache usage of an answer that is not streamed", () => {
  const answer = read(
    JSON.stringify({
      id: "msg_01",
      type: "message",
      role: "assistant",
      model: "claude-sonnet-4-5",
      content: [
        { type: "thinking", thinking: "Weather first.", signature: "c2ln" },
        { type: "text", text: "I'll look " },
        { type: "text", text: "it up." },
        { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Köln", days: 3 } },
        { type: "text", text: "One moment." },
      ],
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: {
        input_tokens: 4,
        cache_creation_input_tokens: 100,
        cache_read_input_tokens: 900,
        output_tokens: 30,
      },
    }),
    "application/json",
  );
  assert.deepEqual(answer, {
    api: "messages",
    text: "I'll look it up.\nOne moment.",
    thinking: "Weather first.",
    toolCalls: [{ id: "toolu_1", name: "weather", arguments: '{"city":"Köln","days":3}' }],
    usage: { input: 1004, output: 30, cacheRead: 900, cacheWrite: 100 },
    stopReason: "tool_use",
    error: undefined,
  });
});

test("Anthropic: a streamed tool's input is put together, and one without input is {}", () => {
  const call = (index: number, name: string, pieces: readonly string[]) => [
    {
      type: "content_block_start",
      index,
      content_block: { type: "tool_use", id: `toolu_${index}`, name, input: {} },
    },
    ...["", ...pieces].map((partial_json) => ({
      type: "content_block_delta",
      index,
      delta: { type: "input_json_delta", partial_json },
    })),
    { type: "content_block_stop", index },
  ];
  const answer = read(
    anthropic(["Looking."], [
      ...call(1, "look", ['{"pla', 'ce":"京', '都"}']),
      ...call(2, "now", []),
      ...ANTHROPIC_END,
    ]),
  );
  assert.deepEqual(answer.toolCalls, [
    { id: "toolu_1", name: "look", arguments: '{"place":"京都"}' },
    { id: "toolu_2", name: "now", arguments: "{}" },
  ]);
});

test("Anthropic: an error in the stream is told, and the usage stays unknown", () => {
  const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  const answer = read(anthropic(["Half an ans"], [error]));
  assert.equal(answer.text, "Half an ans");
  assert.equal(answer.error, "overloaded_error: Overloaded");
  assert.equal(answer.usage, undefined);
  assert.equal(answer.stopReason, undefined);
});

test("OpenAI chat: interleaved tool calls are kept apart, and a usage frame without choices counts", () => {
  const call = (index: number, more: Json) => chatChunk({ tool_calls: [{ index, ...more }] });
  const begin = (index: number, name: string) =>
    call(index, { id: `call_${index}`, type: "function", function: { name, arguments: "" } });
  const args = (index: number, json: string) => call(index, { function: { arguments: json } });
  const usage = { prompt_tokens: 80, completion_tokens: 20, prompt_tokens_details: { cached_tokens: 64 } };
  const frames = [
    begin(0, "weather"),
    begin(1, "time"),
    args(0, '{"city":'),
    args(1, '{"zone":"CET"'),
    args(0, '"Köln"}'),
    args(1, "}"),
    chatChunk({}, "tool_calls"),
    { ...chatChunk({}), choices: [], usage },
  ];
  const expected = {
    api: "chat",
    text: "",
    thinking: "",
    toolCalls: [
      { id: "call_0", name: "weather", arguments: '{"city":"Köln"}' },
      { id: "call_1", name: "time", arguments: '{"zone":"CET"}' },
    ],
    usage: { input: 80, output: 20, cacheRead: 64 },
    stopReason: "tool_calls",
    error: undefined,
  };
  assert.deepEqual(read(`${unnamed(frames)}data: [DONE]\n\n`), expected);
  const ndjson = frames.map((frame) => `${JSON.stringify(frame)}\n`).join("");
  assert.deepEqual(read(ndjson, "application/x-ndjson"), expected);
  assert.deepEqual(read(ndjson, undefined), expected);
});

test("OpenAI chat: an answer that is not streamed, with what other services add", () => {
  const message = { role: "assistant", content: "Done.", reasoning_content: "Easy.", refusal: null };
  const answer = read(
    JSON.stringify({
      id: "chatcmpl-2",
      object: "chat.completion",
      choices: [{ index: 0, message, finish_reason: "length" }, {
        index: 1,
        message: { role: "assistant", content: "Other." },
      }],
      usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
    }),
    "application/json",
  );
  assert.equal(answer.text, "Done.");
  assert.equal(answer.thinking, "Easy.");
  assert.equal(answer.stopReason, "length");
  assert.deepEqual(answer.usage, { input: 9, output: 2 });
});

test("OpenAI Responses: reasoning, function calls and an incomplete end, streamed and not", () => {
  const output = [
    { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "Ask the tool." }] },
    {
      id: "fc_1",
      type: "function_call",
      call_id: "call_9",
      name: "look",
      arguments: '{"x":1}',
      status: "completed",
    },
  ];
  const usage = { input_tokens: 5, output_tokens: 6 };
  const incomplete = { reason: "max_output_tokens" };
  const response = {
    id: "resp_2",
    object: "response",
    status: "incomplete",
    incomplete_details: incomplete,
    error: null,
  };
  const [reasoning, call] = output;
  const streamed = named([
    {
      type: "response.created",
      response: { ...response, status: "in_progress", incomplete_details: null, output: [] },
    },
    { type: "response.output_item.added", output_index: 0, item: { ...reasoning, summary: [] } },
    ...["Ask the", " tool."].map((delta) => ({
      type: "response.reasoning_summary_text.delta",
      output_index: 0,
      summary_index: 0,
      delta,
    })),
    { type: "response.output_item.added", output_index: 1, item: { ...call, arguments: "" } },
    ...['{"x"', ":1}"].map((delta) => ({
      type: "response.function_call_arguments.delta",
      output_index: 1,
      delta,
    })),
    { type: "response.incomplete", response: { ...response, output: [], usage } },
  ]);
  const expected = {
    api: "responses",
    text: "",
    thinking: "Ask the tool.",
    toolCalls: [{ id: "call_9", name: "look", arguments: '{"x":1}' }],
    usage: { input: 5, output: 6 },
    stopReason: "max_output_tokens",
    error: undefined,
  };
  assert.deepEqual(read(streamed), expected);
  assert.deepEqual(read(JSON.stringify({ ...response, output, usage }), "application/json"), expected);
});

test("Gemini: thoughts, function calls and counts, as events, as an array and as an array that was cut off", () => {
  const frames = [
    geminiChunk([{ text: "Hm, ", thought: true }]),
    geminiChunk([{ text: "tools.", thought: true }, { text: 'I ask {the} "to' }]),
    geminiChunk([{ text: 'ol".' }, {
      functionCall: { name: "look", args: { at: "京都" } },
      thoughtSignature: "c2ln",
    }]),
    GEMINI_END,
  ];
  const answer = read(unnamed(frames));
  assert.deepEqual(answer, {
    api: "generateContent",
    text: 'I ask {the} "tool".',
    thinking: "Hm, tools.",
    toolCalls: [{ id: "", name: "look", arguments: '{"at":"京都"}' }],
    usage: { input: 11, output: 27, cacheRead: 4 },
    stopReason: "STOP",
    error: undefined,
  });
  const array = JSON.stringify(frames, undefined, 2).replaceAll("\n", "\r\n");
  assert.deepEqual(read(array, "application/json"), answer);
  const cut = read(array.slice(0, array.lastIndexOf("usageMetadata")), "application/json");
  assert.equal(cut.text, answer.text);
  assert.equal(cut.usage, undefined);
});
