/**
 * Changes a recorded answer and keeps it valid for its provider: text, fields, status and headers, also of a streamed
 * answer, which is put together, changed, and cut into events of the same kinds again. And says why an answer is none
 * that its provider could have given. Anthropic's Messages and OpenAI's chat completions; of others, plain JSON.
 */

import { fromUtf8, utf8 } from "../base/bytes.ts";
import { EDIT_ANTHROPIC } from "./edit_anthropic.ts";
import { EDIT_OPENAI_CHAT } from "./edit_openai_chat.ts";
import { setAt } from "./edit_path.ts";
import type { EditFormat } from "./edit_shape.ts";
import { parseEvents, parseJson, type SentEvent } from "./read_frames.ts";
import { readRequest } from "./read.ts";
import { objectIn } from "./read_shape.ts";

const FORMATS: readonly EditFormat[] = [EDIT_ANTHROPIC, EDIT_OPENAI_CHAT];

type Headers = readonly (readonly [name: string, value: string])[];

/** An answer as the program gets it. */
export interface WireAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** In the pieces in which it comes. */
  readonly chunks: readonly Uint8Array[];
}

/** The request that is answered. */
export interface WireRequest {
  readonly url: string;
  readonly body: Uint8Array;
}

/** Thrown for a change that can't be made. */
export class EditError extends Error {}

interface Asked {
  readonly format: EditFormat | undefined;
  readonly model: string;
  readonly streamed: boolean;
}

function asked({ url, body }: WireRequest): Asked {
  const read = readRequest(url, body);
  const format = FORMATS.find(({ api }) => api === read?.api);
  const streamed = objectIn(parseJson(fromUtf8(body))).stream === true;
  return { format, model: read?.model ?? "unknown", streamed };
}

/** The whole body. */
export function wholeBody(chunks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Headers with one set, in its place where it is there. */
export function withHeader(headers: Headers, name: string, value: string): Headers {
  const own = (each: readonly [string, string]) => each[0].toLowerCase() === name.toLowerCase();
  if (!headers.some(own)) return [...headers, [name.toLowerCase(), value]];
  let set = false;
  return headers.flatMap((each) => {
    if (!own(each)) return [each];
    if (set) return [];
    set = true;
    return [[each[0], value] as const];
  });
}

function headerOf(headers: Headers, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}

/** The answer with another body: what its headers say of a body follows. */
export function withBody(answer: WireAnswer, chunks: readonly Uint8Array[], type?: string): WireAnswer {
  let { headers } = answer;
  if (type !== undefined) headers = withHeader(headers, "content-type", type);
  if (headerOf(headers, "content-length") !== undefined) {
    headers = withHeader(
      headers,
      "content-length",
      String(chunks.reduce((sum, { length }) => sum + length, 0)),
    );
  }
  return { ...answer, headers, chunks };
}

function isStream(answer: WireAnswer, text: string): boolean {
  const type = headerOf(answer.headers, "content-type") ?? "";
  return type.includes("text/event-stream") && !/^\s*[[{]/.test(text);
}

/** Reads an answer, lets `change` at it, and writes it as it came: in one piece, or as a stream. */
function changed(
  request: WireRequest,
  answer: WireAnswer,
  change: (format: EditFormat | undefined, json: unknown, model: string) => unknown,
): WireAnswer {
  const { format, model, streamed } = asked(request);
  const text = fromUtf8(wholeBody(answer.chunks));
  const failed = answer.status >= 400 || answer.chunks.length === 0;
  if (!failed && isStream(answer, text)) {
    if (format === undefined) throw new EditError("it is a stream of an API that is not known");
    const events = parseEvents(text);
    const whole = format.assemble(events);
    if (whole === undefined) {
      throw new EditError("the recorded stream is cut off, so there is no whole answer to change");
    }
    return streamOf(answer, format, change(format, whole, model), events);
  }
  const json = failed ? undefined : parseJson(text);
  if (!failed && json === undefined) throw new EditError("the recorded answer is no JSON");
  const after = change(format, json, model);
  const ok = failed ? { ...answer, status: 200, statusText: "OK" } : answer;
  if (failed && streamed && format !== undefined) return streamOf(ok, format, after, []);
  return withBody(ok, [utf8(JSON.stringify(after))], failed ? "application/json" : undefined);
}

function streamOf(
  answer: WireAnswer,
  format: EditFormat,
  json: unknown,
  like: readonly SentEvent[],
): WireAnswer {
  const type = like.length === 0 ? "text/event-stream; charset=utf-8" : undefined;
  return withBody(answer, format.stream(objectIn(json), like).map(utf8), type);
}

/** The answer saying this text and nothing else. @throws EditError where it is none of a known model API. */
export function editText(request: WireRequest, answer: WireAnswer, text: string): WireAnswer {
  return changed(request, answer, (format, json, model) => {
    if (format === undefined) {
      throw new EditError("it is no answer of Anthropic's Messages or OpenAI's chat completions");
    }
    return json === undefined ? format.fresh(model, text) : format.withText(objectIn(json), text);
  });
}

/** The answer with `value` at `path`. @throws EditError where there is no such place. */
export function editAt(request: WireRequest, answer: WireAnswer, path: string, value: unknown): WireAnswer {
  return changed(request, answer, (_, json) => {
    if (json === undefined) throw new EditError("the step has no recorded answer that could be edited");
    try {
      return setAt(json, path, value);
    } catch (error) {
      throw new EditError((error as Error).message);
    }
  });
}

/**
 * The answer with this body. A whole answer of a known model API becomes a stream where a stream was asked for.
 */
export function replaceAnswerBody(request: WireRequest, answer: WireAnswer, body: Uint8Array): WireAnswer {
  const { format, streamed } = asked(request);
  const json = parseJson(fromUtf8(body));
  if (format !== undefined && streamed && json !== undefined && format.flaw(json) === undefined) {
    const recorded = fromUtf8(wholeBody(answer.chunks));
    const like = isStream(answer, recorded) ? parseEvents(recorded) : [];
    return streamOf(answer, format, json, like);
  }
  const events = /^(event|data|id|retry|):/.test(fromUtf8(body.subarray(0, 16)));
  const told = headerOf(answer.headers, "content-type") ?? "";
  const type = events && !told.includes("text/event-stream")
    ? "text/event-stream; charset=utf-8"
    : json !== undefined && !told.includes("json")
    ? "application/json"
    : undefined;
  return withBody(answer, events ? eventChunks(body) : [body], type);
}

/** A stream's events, one piece each. */
function eventChunks(body: Uint8Array): Uint8Array[] {
  return fromUtf8(body).split(/(?<=\n\n|\r\n\r\n)/).filter((each) => each !== "").map(utf8);
}

/** An error's answer with the body that its provider sends with it, where the provider is known. */
export function errorAnswer(request: WireRequest, answer: WireAnswer): WireAnswer {
  const { format } = asked(request);
  if (format === undefined) return answer;
  return withBody(answer, [utf8(JSON.stringify(format.error(answer.status)))], "application/json");
}

/** Why the provider could not have given this answer; undefined where it could, or where it is not known. */
export function answerFlaw(request: WireRequest, answer: WireAnswer): string | undefined {
  const { format, streamed } = asked(request);
  if (format === undefined) return undefined;
  const text = fromUtf8(wholeBody(answer.chunks));
  if (answer.status >= 400) {
    return objectIn(parseJson(text)).error === undefined
      ? `status ${answer.status} comes with a JSON body that has an error`
      : undefined;
  }
  if (answer.status !== 200) return `${answer.status} is no status of this API`;
  const stream = isStream(answer, text);
  if (stream !== streamed) {
    return streamed ? "a stream was asked for, and it is none" : "no stream was asked for";
  }
  if (stream) return format.streamFlaw(parseEvents(text));
  const json = parseJson(text);
  return json === undefined ? "it is no JSON" : format.flaw(json);
}
