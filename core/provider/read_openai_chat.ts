/**
 * OpenAI's chat completions, which many other services speak too. Documented at
 * platform.openai.com/docs/api-reference/chat. Of several choices only the first is read.
 */

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

/** What has come so far, in parts that grow. */
class Parts {
  readonly #thinking = block("thinking");
  readonly #text = block("text");
  readonly #calls = new Map<number, Block>();

  /** Adds a whole message or a delta: both have the same keys. */
  add(message: Json): void {
    // Other services' names for what the model thought.
    this.#thinking.text += textIn(message.reasoning_content ?? message.reasoning);
    this.#text.text += textIn(message.content) + textIn(message.refusal);
    for (const call of objectsIn(message.tool_calls)) this.#call(call);
    if (message.function_call !== undefined && message.function_call !== null) {
      this.#call({ index: 0, function: message.function_call });
    }
  }

  #call(call: Json): void {
    const id = textIn(call.id);
    const last = this.#calls.size - 1;
    // Some services leave the index out: then a new id is a new call.
    const index = numberIn(call.index) ?? (id !== "" || last < 0 ? last + 1 : last);
    const target = this.#calls.get(index) ?? block("call");
    this.#calls.set(index, target);
    const { name, arguments: json, input } = objectIn(call.function ?? call.custom);
    target.id ||= id;
    target.name ||= textIn(name);
    target.text += textIn(json ?? input);
  }

  blocks(): Block[] {
    const calls = [...this.#calls].sort(([a], [b]) => a - b).map(([, call]) => call);
    return [this.#thinking, this.#text, ...calls];
  }
}

function isChat(frame: Json): boolean {
  if (!Array.isArray(frame.choices)) return false;
  const first = objectIn(frame.choices[0]);
  return textIn(frame.object).startsWith("chat.completion") || "message" in first || "delta" in first;
}

/** See the head of this file. */
export const OPENAI_CHAT: WireFormat = {
  provider: "openai",
  api: "chat",
  path: /(?:\/deployments\/([^/]+))?\/chat\/completions$/,

  readRequest({ messages, tools, functions }) {
    if (!Array.isArray(messages)) return undefined;
    const named = objectsIn(tools).map((tool) =>
      wordIn(objectIn(tool.function ?? tool.custom).name) ?? textIn(tool.type)
    );
    return {
      messages: messages.length,
      lastUserText: lastUserText(objectsIn(messages), ({ content }) => content, ["text"]),
      tools: [...named, ...objectsIn(functions).map(({ name }) => textIn(name))],
    };
  },

  readResponse(frames) {
    if (!frames.some(isChat)) return undefined;
    const parts = new Parts();
    let usage: Json = {};
    let stopReason: string | undefined;
    let error: string | undefined;
    for (const frame of frames) {
      for (const choice of objectsIn(frame.choices)) {
        if ((numberIn(choice.index) ?? 0) !== 0) continue;
        parts.add(objectIn(choice.message ?? choice.delta));
        stopReason = wordIn(choice.finish_reason) ?? stopReason;
      }
      // Only a stream's last frame has it, and only where the request asked for it; before, it is null.
      if (typeof frame.usage === "object" && frame.usage !== null) usage = objectIn(frame.usage);
      if (frame.error !== undefined) error = errorIn(frame.error);
    }
    const cached = numberIn(objectIn(usage.prompt_tokens_details).cached_tokens);
    return answerOf("chat", parts.blocks(), {
      usage: usageOf(numberIn(usage.prompt_tokens), numberIn(usage.completion_tokens), cached),
      stopReason,
      error,
    });
  },
};
