/**
 * HAR 1.2, both ways: a run's exchanges as a HAR document, and a HAR document's entries as exchanges. A HAR file keeps
 * no value that a program drew, and of a body neither its pieces nor their times.
 */

import { fromBase64, spellBytes } from "../base/base64.ts";
import { utf8 } from "../base/bytes.ts";
import { VERSION } from "../base/version.ts";
import type { HeaderList } from "../tape/events.ts";
import type { Run } from "../store/runs.ts";
import type { Exchange, RunExchanges } from "./exchanges.ts";

/** What is unknown of a run that comes from a HAR file. */
export const HAR_UNKNOWN = [
  "values drawn (clock, ids, randomness)",
  "timers",
  "pieces of streamed answers",
  "environment",
  "output and exit code",
] as const;

const pairs = (headers: HeaderList) => headers.map(([name, value]) => ({ name, value }));

function headerOf(headers: HeaderList, wanted: string): string {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? "";
}

function queryOf(url: string): { name: string; value: string }[] {
  try {
    return [...new URL(url).searchParams].map(([name, value]) => ({ name, value }));
  } catch {
    return [];
  }
}

function entryOf(run: Run, exchange: Exchange): object {
  const { request, head, startedAt, headAt, endedAt, error, step, lane, end } = exchange;
  const ms = (from: number, to: number | undefined) => to === undefined ? 0 : (to - from) / 1000;
  const [wait, receive] = [ms(startedAt, headAt ?? endedAt), headAt === undefined ? 0 : ms(headAt, endedAt)];
  const sent = exchange.requestBody();
  const body = sent && spellBytes(sent);
  const got = spellBytes(exchange.responseBody());
  return {
    startedDateTime: new Date((run.created + startedAt) / 1000).toISOString(),
    time: wait + receive,
    request: {
      method: request.method,
      url: request.url,
      httpVersion: "unknown",
      cookies: [],
      headers: pairs(request.headers),
      queryString: queryOf(request.url),
      ...(body === undefined ? {} : {
        postData: {
          mimeType: headerOf(request.headers, "content-type"),
          text: body.data,
          ...(body.encoding === "base64" ? { encoding: "base64" } : {}),
        },
      }),
      headersSize: -1,
      bodySize: exchange.requestSize ?? 0,
    },
    response: {
      status: head?.status ?? 0,
      statusText: head?.statusText ?? "",
      httpVersion: "unknown",
      cookies: [],
      headers: pairs(head?.headers ?? []),
      content: {
        size: exchange.responseSize,
        mimeType: headerOf(head?.headers ?? [], "content-type"),
        text: got.data,
        ...(got.encoding === "base64" ? { encoding: "base64" } : {}),
      },
      redirectURL: "",
      headersSize: -1,
      bodySize: -1,
      ...(error === undefined ? {} : { _error: `${error.name}: ${error.message ?? ""}` }),
    },
    cache: {},
    timings: { send: 0, wait, receive },
    _tracefork: { step, lane, end },
  };
}

/** A run's exchanges as a HAR document. */
export function harOf(run: Run, found: RunExchanges): object {
  return {
    log: {
      version: "1.2",
      creator: { name: "tracefork", version: VERSION },
      pages: [],
      entries: found.exchanges.map((each) => entryOf(run, each)),
    },
  };
}

/** An exchange of a HAR file. Times are microseconds since 1970. */
export interface HarExchange {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array | undefined;
  /** Undefined where no answer came. */
  readonly response: {
    readonly status: number;
    readonly statusText: string;
    readonly headers: HeaderList;
    readonly body: Uint8Array;
  } | undefined;
  /** What the file says of a failure. */
  readonly error: string;
  readonly startedAt: number;
  readonly headAt: number;
  readonly endedAt: number;
}

type Json = Record<string, unknown>;

function objectOf(value: unknown, what: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new TypeError(`${what} is missing`);
}

const textOf = (value: unknown): string => typeof value === "string" ? value : "";
const numberOf = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;

function headersOf(value: unknown): HeaderList {
  return (Array.isArray(value) ? value : []).map((each) => {
    const { name, value } = objectOf(each, "a header");
    return [textOf(name), textOf(value)] as const;
    // HTTP/2's own, which no program sees.
  }).filter(([name]) => name !== "" && !name.startsWith(":"));
}

function bytesOf({ text, encoding }: Json): Uint8Array {
  return encoding === "base64" ? fromBase64(text) : utf8(textOf(text));
}

function postedBytes(posted: Json): Uint8Array {
  if (posted.text !== undefined || !Array.isArray(posted.params)) return bytesOf(posted);
  const fields = posted.params.map((each) => objectOf(each, "a field")).map((
    { name, value },
  ) => [textOf(name), textOf(value)]);
  return utf8(new URLSearchParams(fields).toString());
}

function exchangeOf(value: unknown): HarExchange {
  const entry = objectOf(value, "an entry");
  const request = objectOf(entry.request, "an entry's request");
  const response = objectOf(entry.response, "an entry's response");
  const timings = typeof entry.timings === "object" && entry.timings !== null ? entry.timings as Json : {};
  const started = Date.parse(textOf(entry.startedDateTime));
  if (Number.isNaN(started)) throw new TypeError("an entry's startedDateTime is no time");
  if (textOf(request.url) === "") throw new TypeError("an entry's request has no URL");
  const [total, receive] = [numberOf(entry.time), numberOf(timings.receive)];
  const startedAt = Math.round(started * 1000);
  const status = numberOf(response.status);
  return {
    method: textOf(request.method),
    url: textOf(request.url),
    headers: headersOf(request.headers),
    body: request.postData === undefined || request.postData === null
      ? undefined
      : postedBytes(objectOf(request.postData, "postData")),
    response: status === 0 ? undefined : {
      status: Math.trunc(status),
      statusText: textOf(response.statusText),
      headers: headersOf(response.headers),
      body: bytesOf(objectOf(response.content ?? {}, "an answer's content")),
    },
    error: textOf(response._error) || textOf(response.statusText) || "no answer came",
    startedAt,
    headAt: startedAt + Math.round(Math.max(0, total - receive) * 1000),
    endedAt: startedAt + Math.round(total * 1000),
  };
}

/** True for a JSON value that could be a HAR document. */
export function looksLikeHar(value: unknown): boolean {
  const { log } = (value ?? {}) as { log?: { entries?: unknown } };
  return Array.isArray(log?.entries);
}

/** A HAR document's exchanges, in the order in which they began. @throws TypeError where it is no HAR. */
export function parseHar(value: unknown): HarExchange[] {
  const entries = objectOf((value as Json).log, "log").entries as unknown[];
  return entries.map(exchangeOf).toSorted((a, b) => a.startedAt - b.startedAt);
}
