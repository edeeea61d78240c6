/**
 * Anthropic's Messages API as it stands on the wire: the shapes of a request and an answer, the server-sent events
 * of a streamed answer, error bodies and response headers. Written by the embedded model server.
 *
 * It holds what tool-using agents send and get: text, thinking, tool use and tool results. Server tools, citations,
 * containers and batches are not here. Token counts are estimates (3.5 characters a token), as good as any for tests.
 */
import type { Dice } from "./dice.ts";

/** A tool as the client offers it. Server tools have no `input_schema`. */
export interface Tool {
  readonly name: string;
  readonly type?: string;
  readonly input_schema?: Record<string, unknown>;
}

/** A content block of a request's message; other keys than these pass through unread. */
export interface InputBlock {
  readonly type: string;
  readonly text?: string;
  readonly id?: string;
  readonly name?: string;
  readonly tool_use_id?: string;
  readonly content?: string | readonly InputBlock[];
  readonly thinking?: string;
  readonly signature?: string;
}

export interface InputMessage {
  readonly role: "user" | "assistant" | "system";
  readonly content: string | readonly InputBlock[];
}

/** A request body that `checkRequest` has let through. */
export interface MessagesRequest {
  readonly model: string;
  readonly max_tokens: number;
  readonly messages: readonly InputMessage[];
  readonly stream?: boolean;
  readonly system?: unknown;
  readonly tools?: readonly Tool[];
  readonly tool_choice?: {
    readonly type: "auto" | "any" | "tool" | "none";
    readonly name?: string;
    readonly disable_parallel_tool_use?: boolean;
  };
  readonly thinking?: { readonly type: string; readonly budget_tokens?: number };
  readonly output_config?: {
    readonly format?: { readonly type: string; readonly schema?: Record<string, unknown> };
  };
}

/** A content block of an answer. */
export type OutputBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | {
    readonly type: "tool_use";
    readonly id: string;
    readonly name: string;
    readonly input: unknown;
    readonly caller: { readonly type: "direct" };
  };

/** What the model says; the wire adds the id, the model's name and the usage. */
export interface Answer {
  readonly content: readonly OutputBlock[];
  readonly stopReason: "end_turn" | "tool_use" | "max_tokens";
}

/** The data of a server-sent event, or the delta within one. */
type Event = { readonly type: string; readonly [key: string]: unknown };

/** The API's error types and the status that each is sent with. */
export const ERROR_STATUS = {
  invalid_request_error: 400,
  authentication_error: 401,
  not_found_error: 404,
  method_not_allowed: 405,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  overloaded_error: 529,
} as const;

export type ErrorType = keyof typeof ERROR_STATUS;

/** An error to be sent instead of an answer. */
export interface WireError {
  readonly type: ErrorType;
  readonly message: string;
}

/** The blocks of a message, with a plain string taken as one text block. */
export function blocksOf(message: InputMessage): readonly InputBlock[] {
  return typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
}

export function estimateTokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / 3.5));
}

/** The JSON of an answer that isn't streamed. */
export function messageBody(request: MessagesRequest, answer: Answer, dice: Dice) {
  return {
    model: request.model,
    id: `msg_01${dice.word(22)}`,
    type: "message",
    role: "assistant",
    content: answer.content,
    stop_reason: answer.stopReason as string | null,
    stop_sequence: null,
    stop_details: null,
    usage: usageOf(request, estimateTokens(JSON.stringify(answer.content))),
  };
}

/** An error's JSON. */
export function errorBody(error: WireError, requestId: string) {
  return { type: "error", error: { type: error.type, message: error.message }, request_id: requestId };
}

/** The server-sent events of a streamed answer, one string each, in order. */
export function streamEvents(request: MessagesRequest, answer: Answer, dice: Dice): string[] {
  const whole = messageBody(request, answer, dice);
  const start = { ...whole, content: [], stop_reason: null, usage: usageOf(request, dice.int(1, 4)) };
  const events = [sse({ type: "message_start", message: start }, dice)];
  answer.content.forEach((block, index) => {
    events.push(sse({ type: "content_block_start", index, content_block: emptied(block) }, dice));
    if (index === 0) events.push(sse({ type: "ping" }, dice));
    for (const delta of deltasOf(block, dice)) {
      events.push(sse({ type: "content_block_delta", index, delta }, dice));
      if (dice.chance(0.02)) events.push(sse({ type: "ping" }, dice));
    }
    events.push(sse({ type: "content_block_stop", index }, dice));
  });
  const delta = { stop_reason: whole.stop_reason, stop_sequence: null, stop_details: null };
  events.push(sse({ type: "message_delta", delta, usage: whole.usage }, dice));
  events.push(sse({ type: "message_stop" }, dice));
  return events;
}

/** One server-sent event. The API pads its objects with blanks that say nothing, so this does too. */
export function sse(data: Event, dice: Dice): string {
  const padding = data.type === "ping" ? "" : " ".repeat(dice.int(0, 14));
  return `event: ${data.type}\ndata: ${JSON.stringify(data).slice(0, -1)}${padding}}\n\n`;
}

function emptied(block: OutputBlock): unknown {
  if (block.type === "text") return { type: "text", text: "" };
  if (block.type === "thinking") return { type: "thinking", thinking: "", signature: "" };
  return { ...block, input: {} };
}

function deltasOf(block: OutputBlock, dice: Dice): Event[] {
  if (block.type === "text") return pieces(block.text, dice).map((text) => ({ type: "text_delta", text }));
  if (block.type === "thinking") {
    const thoughts = pieces(block.thinking, dice).map((thinking) => ({ type: "thinking_delta", thinking }));
    return [...thoughts, { type: "signature_delta", signature: block.signature }];
  }
  // The API opens every tool's input with an empty piece.
  const json = ["", ...pieces(JSON.stringify(block.input), dice)];
  return json.map((partial_json) => ({ type: "input_json_delta", partial_json }));
}

/** Cuts a text into pieces of a few characters, never inside a surrogate pair. */
function pieces(text: string, dice: Dice): string[] {
  const letters = Array.from(text);
  const out: string[] = [];
  for (let at = 0; at < letters.length;) {
    const size = dice.int(1, 24);
    out.push(letters.slice(at, at + size).join(""));
    at += size;
  }
  return out;
}

function usageOf(request: MessagesRequest, outputTokens: number) {
  const tokens = estimateTokens(JSON.stringify([request.system, request.tools, request.messages]));
  const asksForCache = JSON.stringify(request).includes('"cache_control"');
  const read = asksForCache && request.messages.length > 1 ? Math.floor(tokens * 0.8) : 0;
  const written = asksForCache && read === 0 ? Math.floor(tokens * 0.8) : 0;
  return {
    input_tokens: tokens - read - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    service_tier: "standard",
    inference_geo: "not_available",
  };
}
