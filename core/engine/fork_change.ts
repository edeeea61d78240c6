/** From what a user wants to be changed at a step to what is served there. */

import type { Exchange } from "../analyse/exchanges.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { TraceforkError } from "../base/errors.ts";
import type { ForkChange } from "../preload/fork_orders.ts";
import {
  answerFlaw,
  editAt,
  EditError,
  editText,
  errorAnswer,
  replaceAnswerBody,
  type WireAnswer,
  withHeader,
} from "../provider/edit.ts";
import type { FailureKind } from "../session/fork_errors.ts";

/** What is to be changed at a step. Nothing at all: the recorded answer is served again. */
export interface ChangeWish {
  readonly step: number;
  /** A file's content: a body, or JSON with `status`, `headers` and `body`. */
  readonly response?: Uint8Array;
  readonly text?: string;
  readonly edits: readonly (readonly [path: string, value: unknown])[];
  readonly status?: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly error?: FailureKind;
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  204: "No Content",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  409: "Conflict",
  413: "Payload Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

interface WholeResponse {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly body?: unknown;
}

/** JSON that describes a whole response; undefined where the bytes are a body. */
function wholeResponse(bytes: Uint8Array): WholeResponse | undefined {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const keys = Object.keys(value);
  const own = keys.every((key) => ["status", "headers", "body"].includes(key));
  return own && keys.some((key) => key === "body" || key === "status") ? value as WholeResponse : undefined;
}

function recordedAnswer(exchange: Exchange): WireAnswer {
  const { head } = exchange;
  if (head === undefined) return { status: 200, statusText: "OK", headers: [], chunks: [] };
  const { status, statusText, headers } = head;
  return { status, statusText, headers, chunks: exchange.chunks.map((chunk) => exchange.chunkBody(chunk)) };
}

function withStatus(answer: WireAnswer, status: number): WireAnswer {
  return { ...answer, status, statusText: STATUS_TEXTS[status] ?? "" };
}

function withResponse(
  request: { url: string; body: Uint8Array },
  answer: WireAnswer,
  bytes: Uint8Array,
): WireAnswer {
  const whole = wholeResponse(bytes);
  const ok = answer.status >= 400 ? withStatus(answer, 200) : answer;
  if (whole === undefined) return replaceAnswerBody(request, ok, bytes);
  const { status, headers, body } = whole;
  let out = status === undefined ? ok : withStatus(ok, status);
  if (headers !== undefined) {
    const list = Array.isArray(headers) ? headers : Object.entries(headers);
    out = {
      ...out,
      headers: list.map(([name, value]) => [String(name).toLowerCase(), String(value)] as const),
    };
  }
  if (body === undefined) return status !== undefined && status >= 400 ? errorAnswer(request, out) : out;
  const data = utf8(typeof body === "string" ? body : JSON.stringify(body));
  return replaceAnswerBody(request, out, data);
}

/** What is changed, in a few words, for people and for the branch to keep. */
export function describeWish(wish: ChangeWish): string {
  const parts = [
    ...(wish.error === undefined ? [] : [`error ${wish.error}`]),
    ...(wish.response === undefined ? [] : [`response of ${wish.response.length} bytes`]),
    ...(wish.text === undefined ? [] : [`text ${JSON.stringify(wish.text.slice(0, 60))}`]),
    ...wish.edits.map(([path, value]) => `${path} = ${JSON.stringify(value).slice(0, 60)}`),
    ...(wish.status === undefined ? [] : [`status ${wish.status}`]),
    ...wish.headers.map(([name]) => `header ${name}`),
  ];
  return parts.join(", ") || "as recorded";
}

function refused(step: number, why: string, hint: string): TraceforkError {
  return new TraceforkError("TF_RESPONSE_INVALID", `Cannot serve this at step ${step}: ${why}`, { hint });
}

/** Base64 of bytes. */
function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/**
 * What is served at `exchange`; undefined where nothing is changed. `laneStep` is its number among its lane's.
 * @throws TraceforkError TF_RESPONSE_INVALID where it can't be made, or its provider could not have given it and
 *   `force` is off.
 */
export function makeChange(
  wish: ChangeWish,
  exchange: Exchange,
  laneStep: number,
  force: boolean,
): ForkChange | undefined {
  const { step } = wish;
  const { url } = exchange.request;
  if (wish.error !== undefined) {
    return { lane: exchange.lane, step: laneStep, answer: { error: wish.error, url } };
  }
  if (describeWish(wish) === "as recorded") return undefined;
  const request = { url, body: exchange.requestBody() ?? new Uint8Array(0) };
  let answer = recordedAnswer(exchange);
  try {
    if (wish.response !== undefined) answer = withResponse(request, answer, wish.response);
    if (wish.text !== undefined) answer = editText(request, answer, wish.text);
    for (const [path, value] of wish.edits) answer = editAt(request, answer, path, value);
  } catch (error) {
    if (!(error instanceof EditError)) throw error;
    throw refused(
      step,
      error.message,
      `\`tracefork show\` shows the recorded answer; --response FILE gives a whole one`,
    );
  }
  if (wish.status !== undefined) {
    const before = answer.status;
    answer = withStatus(answer, wish.status);
    const bodyGiven = wish.response !== undefined || wish.text !== undefined || wish.edits.length > 0;
    if (!bodyGiven && wish.status >= 400 && before < 400) answer = errorAnswer(request, answer);
  }
  for (const [name, value] of wish.headers) {
    answer = { ...answer, headers: withHeader(answer.headers, name, value) };
  }
  const flaw = force ? undefined : answerFlaw(request, answer);
  if (flaw !== undefined) {
    throw refused(step, `it is no valid answer for this request: ${flaw}`, "--force serves it anyway");
  }
  const { status, statusText, headers, chunks } = answer;
  return {
    lane: exchange.lane,
    step: laneStep,
    answer: {
      status,
      statusText,
      headers,
      chunks: chunks.filter(({ length }) => length > 0).map(base64),
      ...(exchange.head === undefined ? {} : { kind: exchange.head.kind }),
    },
  };
}
