/** Streams of four model APIs, made true to their wire formats, for tests that read them. */

import assert from "node:assert/strict";
import { utf8 } from "../../core/base/bytes.ts";
import { type ModelAnswer, readResponse } from "../../core/provider/read.ts";

export type Json = Record<string, unknown>;

/** The content type of a stream. */
export const SSE = "text/event-stream; charset=utf-8";

/** Events whose name is their type. */
export const named = (events: readonly Json[]) =>
  events.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join("");
/** Events without names. */
export const unnamed = (events: readonly unknown[]) =>
  events.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("");

/** An answer of Anthropic's Messages API whose text comes in these pieces. */
export function anthropic(pieces: readonly string[], more: readonly Json[] = []): string {
  const usage = {
    input_tokens: 25,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 1,
  };
  const message = {
    id: "msg_01",
    type: "message",
    role: "assistant",
    model: "claude-haiku-4-5",
    content: [],
    usage,
  };
  return named([
    { type: "message_start", message: { ...message, stop_reason: null, stop_sequence: null } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "ping" },
    ...pieces.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    { type: "content_block_stop", index: 0 },
    ...more,
  ]);
}

/** How such an answer ends. */
export const ANTHROPIC_END: readonly Json[] = [
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: 15 },
  },
  { type: "message_stop" },
];

/** A frame of chat completions. */
export const chatChunk = (delta: Json, finish: string | null = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1741569952,
  model: "gpt-5.1",
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  usage: null,
});

function chat(pieces: readonly string[]): string {
  const first = chatChunk({ role: "assistant", content: "", refusal: null });
  return `${
    unnamed([first, ...pieces.map((content) => chatChunk({ content })), chatChunk({}, "stop")])
  }data: [DONE]\n\n`;
}

function responses(pieces: readonly string[]): string {
  const response = {
    id: "resp_1",
    object: "response",
    status: "in_progress",
    error: null,
    output: [],
    usage: null,
  };
  const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const text = pieces.join("");
  const item = { id: "msg_1", type: "message", role: "assistant" };
  const usage = {
    input_tokens: 37,
    input_tokens_details: { cached_tokens: 8 },
    output_tokens: 11,
    total_tokens: 48,
  };
  const part = { type: "output_text", annotations: [], text };
  return named([
    { type: "response.created", response },
    { type: "response.in_progress", response },
    {
      type: "response.output_item.added",
      output_index: 0,
      item: { ...item, status: "in_progress", content: [] },
    },
    { type: "response.content_part.added", ...place, part: { ...part, text: "" } },
    ...pieces.map((delta) => ({ type: "response.output_text.delta", ...place, delta })),
    { type: "response.output_text.done", ...place, text },
    { type: "response.content_part.done", ...place, part },
    {
      type: "response.output_item.done",
      output_index: 0,
      item: { ...item, status: "completed", content: [part] },
    },
    {
      type: "response.completed",
      response: {
        ...response,
        status: "completed",
        output: [{ ...item, status: "completed", content: [part] }],
        usage,
      },
    },
  ]);
}

/** A frame of Gemini's. */
export const geminiChunk = (parts: readonly Json[], more: Json = {}, usage: Json = {}) => ({
  candidates: [{ content: { parts, role: "model" }, index: 0, ...more }],
  usageMetadata: { promptTokenCount: 11, totalTokenCount: 11, ...usage },
  modelVersion: "gemini-2.5-flash",
  responseId: "r1",
});
/** The last frame, which has the counts. */
export const GEMINI_END = geminiChunk([{ text: "" }], { finishReason: "STOP" }, {
  candidatesTokenCount: 7,
  thoughtsTokenCount: 20,
  cachedContentTokenCount: 4,
  totalTokenCount: 38,
});

function gemini(pieces: readonly string[]): string {
  return unnamed([...pieces.map((text) => geminiChunk([{ text }])), GEMINI_END]);
}

/** An answer whose text comes in the given pieces, in the stream of each API. */
export const STREAMS: Readonly<Record<string, (pieces: readonly string[]) => string>> = {
  "Anthropic Messages": (pieces) => anthropic(pieces, ANTHROPIC_END),
  "OpenAI chat completions": chat,
  "OpenAI Responses": responses,
  "Gemini generateContent": gemini,
};

/** Reads a body that has to be a model's answer. */
export function read(text: string, type: string | undefined = SSE): ModelAnswer {
  const answer = readResponse(type, utf8(text));
  assert.ok(answer !== undefined, "it is read as a model's answer");
  return answer;
}
