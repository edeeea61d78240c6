/** Changing answers of OpenAI's chat completions. Documented at platform.openai.com/docs/api-reference/chat-streaming. */

import { cut, type EditFormat, isObject, type Loose, pieceSize } from "./edit_shape.ts";
import { parseJson, type SentEvent } from "./read_frames.ts";
import { type Json, numberIn, objectIn, objectsIn, textIn } from "./read_shape.ts";

const DONE = "[DONE]";

function frames(events: readonly SentEvent[]): Loose[] {
  return events.filter(({ data }) => data !== DONE).map(({ data }) => parseJson(data)).filter(isObject);
}

/** Adds a delta to a message: texts grow, calls by their index, the rest is set. */
function grow(message: Loose, delta: Json): void {
  for (const [key, value] of Object.entries(delta)) {
    if (key === "tool_calls") {
      const calls = (message.tool_calls ??= []) as Loose[];
      for (const { index, ...call } of objectsIn(value)) {
        const target = (calls[numberIn(index) ?? 0] ??= {}) as Loose;
        const { function: piece, ...rest } = call as Loose;
        Object.assign(target, rest);
        const fn = (target.function ??= {}) as Loose;
        for (const [name, text] of Object.entries(objectIn(piece))) {
          fn[name] = textIn(fn[name]) + textIn(text);
        }
      }
    } else if (typeof value === "string" && key !== "role") message[key] = textIn(message[key]) + value;
    else if (value !== null || !(key in message)) message[key] = value;
  }
}

function assemble(events: readonly SentEvent[]): Loose | undefined {
  const list = frames(events);
  const head = list[0];
  if (head === undefined || !list.some(({ choices }) => Array.isArray(choices) && choices.length > 0)) {
    return undefined;
  }
  const choices: Loose[] = [];
  let usage: unknown;
  for (const frame of list) {
    for (const { index, delta, ...rest } of objectsIn(frame.choices)) {
      const choice =
        (choices[numberIn(index) ?? 0] ??= { index: numberIn(index) ?? 0, message: {} }) as Loose;
      grow(choice.message as Loose, objectIn(delta));
      for (const [key, value] of Object.entries(rest)) {
        if (value !== null || !(key in choice)) choice[key] = value;
      }
    }
    if (isObject(frame.usage)) usage = frame.usage;
  }
  const { choices: _, usage: __, object: ___, ...common } = head;
  const whole = choices.every((choice) => typeof choice.finish_reason === "string");
  if (!whole) return undefined;
  return { ...common, object: "chat.completion", choices, ...(usage === undefined ? {} : { usage }) };
}

function stream(answer: Json, like: readonly SentEvent[]): string[] {
  const recorded = frames(like);
  const deltas = recorded.flatMap(({ choices }) => objectsIn(choices).map(({ delta }) => objectIn(delta)));
  const size = pieceSize(deltas.map(({ content }) => textIn(content)));
  const { choices, usage, object: _, ...common } = answer;
  // Where usage was asked for, every frame has the field, null but in the last one.
  const counts = recorded.some((frame) => isObject(frame.usage));
  const nulls = recorded.some((frame) => frame.usage === null);
  const out: string[] = [];
  const frame = (choices: unknown[], more: Loose = nulls ? { usage: null } : {}) =>
    out.push(`data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", choices, ...more })}\n\n`);
  for (const { index, message, finish_reason, logprobs: _logprobs, ...rest } of objectsIn(choices)) {
    const give = (delta: Loose, reason: unknown = null) =>
      frame([{ index, delta, ...rest, logprobs: null, finish_reason: reason }]);
    const { content, tool_calls, ...others } = objectIn(message);
    give({ role: "assistant", ...others, content: content === null ? null : "" });
    for (const piece of cut(textIn(content), size)) give({ content: piece });
    objectsIn(tool_calls).forEach((call, at) => {
      const fn = objectIn(call.function);
      give({ tool_calls: [{ index: at, ...call, function: { ...fn, arguments: "" } }] });
      for (const piece of cut(textIn(fn.arguments), size)) {
        give({ tool_calls: [{ index: at, function: { arguments: piece } }] });
      }
    });
    give({}, finish_reason);
  }
  if (counts && isObject(usage)) frame([], { usage });
  out.push(`data: ${DONE}\n\n`);
  return out;
}

function choiceFlaw(choice: unknown, at: number): string | undefined {
  const place = `choices[${at}]`;
  if (!isObject(choice) || !isObject(choice.message)) return `${place} has no message`;
  const { role, content, tool_calls } = choice.message;
  if (role !== "assistant") return `${place}.message.role is not "assistant"`;
  if (typeof content !== "string" && content !== null && content !== undefined) {
    return `${place}.message.content is neither a text nor null`;
  }
  for (const call of objectsIn(tool_calls)) {
    const { name, arguments: json } = objectIn(call.function);
    if (typeof call.id !== "string") return `${place} calls a tool without an id`;
    if (call.type === "custom") continue;
    if (typeof name !== "string" || typeof json !== "string") {
      return `${place} calls a tool without a name, or with arguments that are no text`;
    }
  }
  if (typeof choice.finish_reason !== "string") return `${place}.finish_reason is missing`;
  const calls = Array.isArray(tool_calls) && tool_calls.length > 0;
  return choice.finish_reason === "tool_calls" && !calls
    ? `${place}.finish_reason is "tool_calls", and it calls no tool`
    : undefined;
}

function flaw(answer: unknown): string | undefined {
  if (!isObject(answer)) return "it is no JSON object";
  if (answer.object !== "chat.completion") return 'its object is not "chat.completion"';
  if (typeof answer.id !== "string") return "it has no id";
  if (!Array.isArray(answer.choices) || answer.choices.length === 0) return "it has no choices";
  for (const [at, choice] of answer.choices.entries()) {
    const wrong = choiceFlaw(choice, at);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** See the head of this file. */
export const EDIT_OPENAI_CHAT: EditFormat = {
  api: "chat",
  assemble,
  stream,
  flaw,
  streamFlaw(events) {
    const bodies = events.filter(({ data }) => data !== DONE);
    if (frames(events).length < bodies.length) return "one of its events is no JSON object";
    if (events.at(-1)?.data !== DONE) return `it does not end with ${DONE}`;
    if (frames(events).some(({ object }) => object !== "chat.completion.chunk")) {
      return 'one of its events is no "chat.completion.chunk"';
    }
    const whole = assemble(events);
    return whole === undefined ? "no finish_reason ends it" : flaw(whole);
  },
  withText(answer, text) {
    const [first, ...others] = objectsIn(answer.choices);
    const { tool_calls: _, function_call: __, refusal: ___, ...message } = objectIn(first?.message) as Loose;
    const calls = /^(tool_calls|function_call)$/.test(textIn(first?.finish_reason));
    const finish_reason = calls ? "stop" : first?.finish_reason;
    return {
      ...answer,
      choices: [{ ...first, message: { ...message, content: text }, finish_reason }, ...others],
    };
  },
  fresh: (model, text) => ({
    id: "chatcmpl-fork",
    object: "chat.completion",
    created: 0,
    model,
    choices: [{
      index: 0,
      message: { role: "assistant", content: text },
      logprobs: null,
      finish_reason: "stop",
    }],
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  }),
  error: (status) => ({
    error: {
      message: `tracefork fork: status ${status}`,
      type: status < 500 ? "invalid_request_error" : "server_error",
      param: null,
      code: null,
    },
  }),
};
