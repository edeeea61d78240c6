/**
 * What reading a model exchange comes to, whichever API it went through, and the helpers that the readers of the
 * single APIs share. Recorded JSON can hold anything, so nothing is taken to be there or to have a type.
 */

/** The wire formats that can be read. */
export type ModelApi = "messages" | "chat" | "responses" | "generateContent";

/** What a request to a model says. */
export interface ModelRequest {
  readonly provider: "anthropic" | "openai" | "gemini";
  readonly api: ModelApi;
  /** As the request names it; undefined where it doesn't. */
  readonly model: string | undefined;
  /** How many messages (or input items) of conversation it carries, system prompt not counted where it is apart. */
  readonly messages: number;
  /** Text of the last message in the user's role that has any; tool results are not text. */
  readonly lastUserText: string | undefined;
  /** Names of the tools on offer; a built-in tool without a name stands with its type. */
  readonly tools: readonly string[];
}

/** A tool that the model called. */
export interface ToolCall {
  /** Empty where the API gives none. */
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it, which a stream that was cut off leaves incomplete. */
  readonly arguments: string;
}

/** Tokens as the API counted them. */
export interface Usage {
  /** The whole prompt, what came from a cache or went into one included. */
  readonly input: number;
  /** All that was generated, thinking included. */
  readonly output: number;
  /** Part of `input` that came from a cache; left out where there was none. */
  readonly cacheRead?: number;
  /** Part of `input` that went into a cache; left out where there was none. */
  readonly cacheWrite?: number;
}

/** What a model answered. */
export interface ModelAnswer {
  readonly api: ModelApi;
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly ToolCall[];
  /** Undefined where the API didn't tell both numbers, as in a stream that was cut off; never an estimate. */
  readonly usage: Usage | undefined;
  /** In the API's own words; undefined where the answer was cut off. */
  readonly stopReason: string | undefined;
  /** The error that ended a stream after it had begun. */
  readonly error: string | undefined;
}

export type Json = Readonly<Record<string, unknown>>;

/** One API: how its requests are told, and how both sides are read. */
export interface WireFormat {
  readonly provider: ModelRequest["provider"];
  readonly api: ModelApi;
  /** Matched against a URL's path; a group holds the model, where the path names it. */
  readonly path: RegExp;
  /** Undefined where the body is none of this API's. */
  readRequest(body: Json): Pick<ModelRequest, "messages" | "lastUserText" | "tools"> | undefined;
  /** Takes all frames of an answer, one or many. Undefined where they are none of this API's. */
  readResponse(frames: readonly Json[]): ModelAnswer | undefined;
}

/** A part of an answer, in the order in which the model gave it. */
export interface Block {
  readonly kind: "text" | "thinking" | "call" | "other";
  /** For a call: its arguments. */
  text: string;
  id: string;
  name: string;
}

/** A block with what is known of it so far. */
export function block(kind: Block["kind"], text = "", id = "", name = ""): Block {
  return { kind, text, id, name };
}

/**
 * Neighbouring blocks of text are one text (an API cuts a sentence where a citation begins); between texts that
 * something else divides stands a newline.
 */
function joined(blocks: readonly Block[], kind: "text" | "thinking"): string {
  let out = "";
  let divided = false;
  for (const each of blocks) {
    if (each.kind !== kind) divided = true;
    else if (each.text !== "") {
      out += divided && out !== "" ? `\n${each.text}` : each.text;
      divided = false;
    }
  }
  return out;
}

/** An answer from its parts. */
export function answerOf(
  api: ModelApi,
  blocks: readonly Block[],
  rest: Pick<ModelAnswer, "usage" | "stopReason" | "error">,
): ModelAnswer {
  return {
    api,
    text: joined(blocks, "text"),
    thinking: joined(blocks, "thinking"),
    toolCalls: blocks.filter(({ kind }) => kind === "call").map(({ id, name, text }) => ({
      id,
      name,
      arguments: text,
    })),
    ...rest,
  };
}

/** Usage, where both counts are known. */
export function usageOf(
  input: number | undefined,
  output: number | undefined,
  cacheRead = 0,
  cacheWrite = 0,
): Usage | undefined {
  if (input === undefined || output === undefined) return undefined;
  return {
    input,
    output,
    ...(cacheRead > 0 ? { cacheRead } : {}),
    ...(cacheWrite > 0 ? { cacheWrite } : {}),
  };
}

/** An object, or an empty one. */
export function objectIn(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Json : {};
}

/** The objects of an array, or none. */
export function objectsIn(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(objectIn) : [];
}

/** A text, or an empty one. */
export function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A text that says something, or undefined. */
export function wordIn(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A number, or undefined. */
export function numberIn(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** `type: message` of an error object, or undefined where it says nothing. */
export function errorIn(value: unknown): string | undefined {
  const { type, code, status, message } = objectIn(value);
  const name = wordIn(type) ?? wordIn(status) ?? wordIn(code) ?? numberIn(code)?.toString();
  return [name, wordIn(message)].filter((each) => each !== undefined).join(": ") || undefined;
}

/**
 * Text of the last user message that has any. A message's content is text, or parts of which `types` are text
 * (undefined: any part with a `text`).
 */
export function lastUserText(
  messages: readonly Json[],
  partsOf: (message: Json) => unknown,
  types: readonly string[] | undefined,
): string | undefined {
  for (const message of messages.toReversed()) {
    // Gemini lets the role of a single message out.
    if ((message.role ?? "user") !== "user") continue;
    const content = partsOf(message);
    const text = typeof content === "string" ? content : objectsIn(content)
      .filter(({ type }) => types === undefined || types.includes(textIn(type)))
      .map((part) => textIn(part.text)).filter((each) => each !== "").join("\n");
    if (text !== "") return text;
  }
  return undefined;
}
