/**
 * Reads what a model exchange says, from the bytes of its request and response: Anthropic Messages, OpenAI chat
 * completions and Responses, Gemini generateContent, streamed or not. An answer is assembled over the whole of
 * its stream, so a word that was split over two deltas comes out whole. What is none of these, or no JSON, gives
 * undefined; so does an error that came instead of an answer. To add an API, write its file and name it here.
 */

import { fromUtf8 } from "../base/bytes.ts";
import { ANTHROPIC } from "./read_anthropic.ts";
import { parseJson, readFrames } from "./read_frames.ts";
import { GEMINI } from "./read_gemini.ts";
import { OPENAI_CHAT } from "./read_openai_chat.ts";
import { OPENAI_RESPONSES } from "./read_openai_responses.ts";
import {
  type Json,
  type ModelAnswer,
  type ModelRequest,
  objectIn,
  type WireFormat,
  wordIn,
} from "./read_shape.ts";

export type { ModelAnswer, ModelApi, ModelRequest, ToolCall, Usage } from "./read_shape.ts";

const FORMATS: readonly WireFormat[] = [ANTHROPIC, OPENAI_CHAT, OPENAI_RESPONSES, GEMINI];

function pathOf(url: string): string | undefined {
  try {
    return new URL(url).pathname.replace(/\/+$/, "");
  } catch {
    return undefined;
  }
}

/** What a request to a model says; undefined where it is none. `bytes` is its body. */
export function readRequest(url: string, bytes: Uint8Array): ModelRequest | undefined {
  const path = pathOf(url);
  for (const format of path === undefined ? [] : FORMATS) {
    const match = format.path.exec(path!);
    if (match === null) continue;
    const body: Json = objectIn(parseJson(fromUtf8(bytes)));
    const read = format.readRequest(body);
    if (read === undefined) continue;
    const { provider, api } = format;
    // What the path names wins: a body's `model` beside it is not what is called.
    return { provider, api, model: match[1] ?? wordIn(body.model), ...read };
  }
  return undefined;
}

/**
 * What a model answered; undefined where the body is no model's answer. `contentType` is the response's header,
 * `bytes` its whole body as the program got it, that is, decompressed.
 */
export function readResponse(contentType: string | undefined, bytes: Uint8Array): ModelAnswer | undefined {
  const frames = readFrames(contentType, bytes).map(objectIn);
  for (const format of FORMATS) {
    const answer = format.readResponse(frames);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
