/** Changing answers of Anthropic's Messages API. Documented at platform.claude.com/docs/en/api/messages-streaming. */

import { cut, type EditFormat, isObject, type Loose, pieceSize } from "./edit_shape.ts";
import { parseJson, type SentEvent } from "./read_frames.ts";
import { type Json, numberIn, objectIn, objectsIn, textIn } from "./read_shape.ts";

const ERRORS: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};
const STOPS = [
  "end_turn",
  "max_tokens",
  "stop_sequence",
  "tool_use",
  "pause_turn",
  "refusal",
  "model_context_window_exceeded",
];

function frames(events: readonly SentEvent[]): Loose[] {
  return events.map(({ data }) => parseJson(data)).filter(isObject);
}

function apply(block: Loose, delta: Json, json: Map<Loose, string>): void {
  const add = (key: string, piece: unknown) => block[key] = textIn(block[key]) + textIn(piece);
  if (delta.type === "text_delta") add("text", delta.text);
  else if (delta.type === "thinking_delta") add("thinking", delta.thinking);
  else if (delta.type === "signature_delta") add("signature", delta.signature);
  else if (delta.type === "input_json_delta") {
    json.set(block, (json.get(block) ?? "") + textIn(delta.partial_json));
  } else if (delta.type === "citations_delta") {
    block.citations = [...(Array.isArray(block.citations) ? block.citations : []), delta.citation];
  }
}

function assemble(events: readonly SentEvent[]): Loose | undefined {
  let message: Loose | undefined;
  const content: Loose[] = [];
  const json = new Map<Loose, string>();
  let over = false;
  for (const frame of frames(events)) {
    if (frame.type === "message_start") message = { ...objectIn(frame.message) };
    else if (frame.type === "content_block_start") {
      content[numberIn(frame.index) ?? 0] = { ...objectIn(frame.content_block) };
    } else if (frame.type === "content_block_delta") {
      const block = content[numberIn(frame.index) ?? 0];
      if (block !== undefined) apply(block, objectIn(frame.delta), json);
    } else if (frame.type === "message_delta" && message !== undefined) {
      message = {
        ...message,
        ...objectIn(frame.delta),
        usage: { ...objectIn(message.usage), ...objectIn(frame.usage) },
      };
    } else if (frame.type === "message_stop") over = true;
  }
  if (message === undefined || !over) return undefined;
  for (const [block, text] of json) if (text !== "") block.input = parseJson(text);
  return { ...message, content };
}

function sse(data: Loose): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A block as it begins, and the deltas that fill it. */
function opened(block: Json, size: number): { start: Loose; deltas: Loose[] } {
  const filled = (key: string, type: string, name: string) =>
    cut(textIn(block[key]), size).map((piece): Loose => ({ type, [name]: piece }));
  if (block.type === "text") {
    const { citations, ...rest } = block;
    const cited = Array.isArray(citations)
      ? citations.map((citation): Loose => ({ type: "citations_delta", citation }))
      : [];
    const start = citations === undefined ? rest : { ...rest, citations: citations === null ? null : [] };
    return { start: { ...start, text: "" }, deltas: [...filled("text", "text_delta", "text"), ...cited] };
  }
  if (block.type === "thinking") {
    const signature = textIn(block.signature);
    const deltas = filled("thinking", "thinking_delta", "thinking");
    if (signature !== "") deltas.push({ type: "signature_delta", signature });
    return { start: { ...block, thinking: "", signature: "" }, deltas };
  }
  if (!("input" in block)) return { start: { ...block }, deltas: [] };
  const pieces = ["", ...cut(JSON.stringify(block.input), size)];
  return {
    start: { ...block, input: {} },
    deltas: pieces.map((partial_json) => ({ type: "input_json_delta", partial_json })),
  };
}

function stream(answer: Json, like: readonly SentEvent[]): string[] {
  const recorded = frames(like);
  const first = (type: string) => recorded.find((frame) => frame.type === type);
  const deltas = recorded.map((frame) => objectIn(frame.delta));
  const size = pieceSize(deltas.map((delta) => textIn(delta.text ?? delta.thinking ?? delta.partial_json)));
  const { content, stop_reason, stop_sequence, usage, ...rest } = answer;
  const begun = objectIn(objectIn(first("message_start")?.message).usage);
  const start = {
    ...rest,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {
      ...objectIn(usage),
      ...(begun.output_tokens === undefined ? {} : { output_tokens: begun.output_tokens }),
    },
  };
  const out = [sse({ type: "message_start", message: start })];
  const pings = like.length === 0 || first("ping") !== undefined;
  objectsIn(content).forEach((block, index) => {
    const { start, deltas } = opened(block, size);
    out.push(sse({ type: "content_block_start", index, content_block: start }));
    if (index === 0 && pings) out.push(sse({ type: "ping" }));
    for (const delta of deltas) out.push(sse({ type: "content_block_delta", index, delta }));
    out.push(sse({ type: "content_block_stop", index }));
  });
  const ending = first("message_delta");
  const counted = Object.keys(objectIn(ending?.usage));
  const told = Object.fromEntries(
    Object.entries(objectIn(usage)).filter(([key]) => counted.length === 0 || counted.includes(key)),
  );
  const more = Object.fromEntries(
    Object.keys(objectIn(ending?.delta)).filter((key) => key in answer).map((key) => [key, answer[key]]),
  );
  const delta = { ...more, stop_reason: stop_reason ?? null, stop_sequence: stop_sequence ?? null };
  out.push(sse({ type: "message_delta", delta, usage: told }), sse({ type: "message_stop" }));
  return out;
}

function blockFlaw(block: unknown, at: number): string | undefined {
  if (!isObject(block) || typeof block.type !== "string") return `content[${at}] has no type`;
  if (block.type === "text" && typeof block.text !== "string") return `content[${at}].text is no text`;
  if (block.type === "thinking" && typeof block.thinking !== "string") {
    return `content[${at}].thinking is no text`;
  }
  if (!/tool_use$/.test(block.type)) return undefined;
  if (typeof block.id !== "string" || block.id === "") return `content[${at}].id is missing`;
  if (typeof block.name !== "string" || block.name === "") return `content[${at}].name is missing`;
  return isObject(block.input) ? undefined : `content[${at}].input is no object`;
}

function flaw(answer: unknown): string | undefined {
  if (!isObject(answer)) return "it is no JSON object";
  if (answer.type !== "message") return 'its type is not "message"';
  if (answer.role !== "assistant") return 'its role is not "assistant"';
  if (typeof answer.id !== "string") return "it has no id";
  if (typeof answer.model !== "string") return "it names no model";
  if (!Array.isArray(answer.content)) return "its content is no list";
  for (const [at, block] of answer.content.entries()) {
    const wrong = blockFlaw(block, at);
    if (wrong !== undefined) return wrong;
  }
  const stop = answer.stop_reason;
  if (typeof stop !== "string" || !STOPS.includes(stop)) return `its stop_reason is ${JSON.stringify(stop)}`;
  const calls = answer.content.some((block) => (block as Loose).type === "tool_use");
  if (stop === "tool_use" && !calls) return 'its stop_reason is "tool_use", and it calls no tool';
  const { input_tokens, output_tokens } = objectIn(answer.usage);
  return typeof input_tokens === "number" && typeof output_tokens === "number"
    ? undefined
    : "its usage is missing";
}

function streamFlaw(events: readonly SentEvent[]): string | undefined {
  const list = frames(events);
  if (list.length < events.length) return "one of its events is no JSON object";
  const wrong = events.find(({ event, data }) => event !== objectIn(parseJson(data)).type);
  if (wrong !== undefined) return `an event is named ${wrong.event}, and its data says something else`;
  if (list[0]?.type !== "message_start") return "it does not begin with message_start";
  const open = new Set<unknown>();
  for (const { type, index } of list) {
    if (type === "content_block_start") open.add(index);
    else if (type === "content_block_delta" && !open.has(index)) return `block ${index} was not started`;
    else if (type === "content_block_stop" && !open.delete(index)) return `block ${index} was not started`;
  }
  if (open.size > 0) return `block ${[...open][0]} was not stopped`;
  const whole = assemble(events);
  return whole === undefined ? "it does not end with message_stop" : flaw(whole);
}

/** See the head of this file. */
export const EDIT_ANTHROPIC: EditFormat = {
  api: "messages",
  assemble,
  stream,
  flaw,
  streamFlaw,
  withText(answer, text) {
    const thoughts = objectsIn(answer.content).filter(({ type }) => /thinking$/.test(textIn(type)));
    const stop_reason = answer.stop_reason === "tool_use" ? "end_turn" : answer.stop_reason;
    return { ...answer, content: [...thoughts, { type: "text", text }], stop_reason };
  },
  fresh: (model, text) => ({
    model,
    id: "msg_fork",
    type: "message",
    role: "assistant",
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  }),
  error: (status) => {
    const type = ERRORS[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
    return { type: "error", error: { type, message: `tracefork fork: status ${status}` } };
  },
};
