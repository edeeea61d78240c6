/** OpenAI's Responses API. Documented at platform.openai.com/docs/api-reference/responses. */

import {
  answerOf,
  type Block,
  block,
  errorIn,
  type Json,
  lastUserText,
  numberIn,
  objectIn,
  objectsIn,
  textIn,
  usageOf,
  type WireFormat,
  wordIn,
} from "./read_shape.ts";

/** An output item that a stream builds up. */
type Item = Record<string, unknown>;

/** Which list of an item's parts a delta extends, which key of the part, and under which number. */
const PART_DELTAS: Readonly<Record<string, readonly [list: string, key: string, index: string]>> = {
  "response.output_text.delta": ["content", "text", "content_index"],
  "response.refusal.delta": ["content", "refusal", "content_index"],
  "response.reasoning_text.delta": ["content", "text", "content_index"],
  "response.reasoning_summary_text.delta": ["summary", "text", "summary_index"],
};

/** Which key of an item a delta extends. */
const ITEM_DELTAS: Readonly<Record<string, string>> = {
  "response.function_call_arguments.delta": "arguments",
  "response.mcp_call_arguments.delta": "arguments",
  "response.custom_tool_call_input.delta": "input",
};

function applyDelta(item: Item, frame: Json): void {
  const type = textIn(frame.type);
  const delta = textIn(frame.delta);
  const key = ITEM_DELTAS[type];
  if (key !== undefined) item[key] = textIn(item[key]) + delta;
  const part = PART_DELTAS[type];
  if (part === undefined) return;
  const [list, field, index] = part;
  // Not an array: a changed tape could name part 4,000,000,000.
  const parts: Map<number, Json> = item[list] instanceof Map
    ? item[list]
    : new Map(objectsIn(item[list]).entries());
  const at = numberIn(frame[index]) ?? 0;
  const before = parts.get(at) ?? {};
  item[list] = parts.set(at, { ...before, [field]: textIn(before[field]) + delta });
}

function partsIn(value: unknown): readonly Json[] {
  if (!(value instanceof Map)) return objectsIn(value);
  return [...value as Map<number, Json>].sort(([a], [b]) => a - b).map(([, part]) => part);
}

function blocksOf(item: Json): Block[] {
  switch (item.type) {
    case "message":
      // Each message is a text of its own.
      return [
        block("other"),
        ...partsIn(item.content).map((part) => block("text", textIn(part.text) + textIn(part.refusal))),
      ];
    case "reasoning":
      return [...partsIn(item.summary), ...partsIn(item.content)].flatMap((part) => [
        block("other"),
        block("thinking", textIn(part.text)),
      ]);
    case "function_call":
    case "custom_tool_call":
    case "mcp_call":
      return [
        block(
          "call",
          textIn(item.arguments ?? item.input),
          textIn(item.call_id ?? item.id),
          textIn(item.name),
        ),
      ];
    default:
      return [block("other")];
  }
}

function isResponse(frame: Json): boolean {
  return (frame.object === "response" && Array.isArray(frame.output)) || frame.type === "response.created";
}

/** See the head of this file. */
export const OPENAI_RESPONSES: WireFormat = {
  provider: "openai",
  api: "responses",
  path: /\/responses$/,

  readRequest({ model, input, tools }) {
    if (typeof model !== "string") return undefined;
    const items = typeof input === "string" ? [{ role: "user", content: input }] : objectsIn(input);
    const messages = items.filter((item) => "role" in item);
    return {
      messages: items.length,
      lastUserText: lastUserText(messages, ({ content }) => content, ["input_text", "text"]),
      tools: objectsIn(tools).map(({ name, type }) => textIn(name ?? type)),
    };
  },

  readResponse(frames) {
    if (!frames.some(isResponse)) return undefined;
    const items = new Map<number, Item>();
    let last: Json = {};
    let error: string | undefined;
    for (const frame of frames) {
      const type = textIn(frame.type);
      const index = numberIn(frame.output_index) ?? 0;
      if (frame.object === "response") last = frame;
      else if (type === "response.output_item.added" || type === "response.output_item.done") {
        items.set(index, { ...objectIn(frame.item) });
      } else if (type === "error") {
        // Documented flat, seen nested.
        error = errorIn(frame.error ?? { ...frame, type: undefined });
      } else if (typeof frame.response === "object") last = objectIn(frame.response);
      else {
        const item = items.get(index);
        if (item !== undefined) applyDelta(item, frame);
      }
    }
    const built = [...items].sort(([a], [b]) => a - b).map(([, item]) => item);
    const status = wordIn(last.status);
    const usage = objectIn(last.usage);
    const cached = numberIn(objectIn(usage.input_tokens_details).cached_tokens);
    return answerOf("responses", (built.length > 0 ? built : objectsIn(last.output)).flatMap(blocksOf), {
      usage: usageOf(numberIn(usage.input_tokens), numberIn(usage.output_tokens), cached),
      stopReason: status === "in_progress" || status === "queued"
        ? undefined
        : wordIn(objectIn(last.incomplete_details).reason) ?? status,
      error: error ?? errorIn(last.error),
    });
  },
};
