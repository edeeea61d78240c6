/**
 * Reads what a program asks of `fetch`: one description of the request, its body as bytes or as something to
 * be read first, and a way to send it for real. `Request` itself does the normalising, so that what is
 * recorded is what the platform would send.
 */

import { QUIRKS } from "../base/runtime.ts";
import { TEXT } from "../tape/draws.ts";
import { replaceBytes, utf8 } from "../base/bytes.ts";
import type { RequestAsk, Session } from "../session/session.ts";
import type { SeamContext } from "./context.ts";

export type NativeFetch = typeof globalThis.fetch;
type Init = RequestInit & { duplex?: string };

/** A request that is understood. */
export interface PreparedRequest {
  readonly ask: RequestAsk;
  readonly signal: AbortSignal | undefined;
  /** Where the body must be read first: resolves to its bytes. Called in both modes. */
  readonly read: (() => Promise<Uint8Array>) | undefined;
  /** A streamed body: `read` feeds what it reads to this callback too. */
  readonly streamed: boolean;
  /** Calls the platform. `body` replaces the program's where it was read first, `to` the URL where it is given. */
  send(
    fetch: NativeFetch,
    signal: AbortSignal,
    body: BodyInit | undefined,
    to: string | undefined,
  ): Promise<Response>;
  /** Feeds a streamed body's chunks to the platform. Set by whoever sends. */
  feed: ((chunk: unknown) => void) | undefined;
  /** Ends a streamed body, or fails it. Set by whoever sends. */
  close: ((error: { reason: unknown } | undefined) => void) | undefined;
}

/** Boundaries that the platforms make up by themselves. */
const NATIVE_BOUNDARY =
  /^(?:-{4,}formdata-\w+-\d+|-*(?:WebKit|webkit)FormBoundary[\w-]+|-{20,}\d+|-+\w{20,})$/;

function isStream(body: unknown): body is ReadableStream {
  return typeof ReadableStream !== "undefined" && body instanceof ReadableStream;
}

function isIterable(body: unknown): boolean {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body && !isStream(body);
}

/** A body that is known at once: text, or bytes of its own. Undefined where it has to be read first. */
function bodyNow(body: unknown): Uint8Array | { readonly text: string } | undefined {
  if (typeof body === "string") return { text: body };
  if (body instanceof URLSearchParams) return { text: body.toString() };
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  }
  if (body instanceof ArrayBuffer) return new Uint8Array(body.slice(0));
  if (body instanceof Blob || body instanceof FormData || isStream(body) || isIterable(body)) {
    return undefined;
  }
  return { text: String(body) };
}

function boundaryOf(contentType: string | null): string | undefined {
  const found = /^multipart\/form-data;\s*boundary="?([^";]+)"?$/i.exec(contentType ?? "")?.[1];
  return found !== undefined && NATIVE_BOUNDARY.test(found) ? found : undefined;
}

/** What else changes what is sent or how it is answered. */
function optionsOf(request: Request): string {
  const { redirect, integrity } = request;
  return [redirect === "follow" ? "" : `redirect=${redirect}`, integrity ? `integrity=${integrity}` : ""]
    .filter(Boolean).join(" ");
}

/**
 * Understands a call of `fetch`. Where it can't leave the process, only `init` comes back, for the platform's own
 * `fetch`.
 */
export function prepareRequest(
  context: SeamContext,
  session: Session,
  input: RequestInfo | URL,
  given: Init | undefined,
): { prepared: PreparedRequest } | { native: Init | undefined; local?: boolean } {
  const source = input instanceof Request ? input : undefined;
  const init = given && readOnce(given);
  if (given !== undefined && given !== null && typeof given !== "object") {
    return { prepared: asGiven(input, given) };
  }
  const signal = init?.signal === null ? undefined : init?.signal ?? source?.signal ?? undefined;
  if (signal !== undefined && !(signal instanceof AbortSignal)) return { prepared: asGiven(input, init) };
  // Rejected at once by every platform, with this signal's own reason.
  if (signal?.aborted) return { native: init };
  const body = init?.body ?? undefined;
  const stream = isStream(body) || isIterable(body);
  // Deno and Node use the source up by copying it, and refuse a used one; Bun does neither.
  if (source?.bodyUsed === true && body === undefined) return { prepared: asGiven(input, init) };
  let request: Request;
  try {
    // A signal would be followed by the copy for nothing, and a long text encoded (Node: 0.9 ms for a megabyte).
    const light = typeof body === "string" && body.length > 0 ? { body: " " } : {};
    request = context.quietly(() => new Request(input, { ...init, signal: null, ...light }));
  } catch {
    return { prepared: asGiven(input, init) };
  }
  if (!/^https?:/.test(request.url)) {
    const goesOut = QUIRKS.strangeSchemesGoOut && !/^(?:data|blob|file):/.test(request.url);
    return goesOut ? { prepared: asGiven(input, init) } : { native: init, local: true };
  }

  const headers = [...request.headers] as [string, string][];
  const now = body === undefined ? undefined : bodyNow(body);
  const fromRequest = body === undefined && source !== undefined && request.body !== null;
  const later = stream || fromRequest || (body !== undefined && now === undefined);
  const native = later && !stream ? boundaryOf(request.headers.get("content-type")) : undefined;
  const boundary = native === undefined ? undefined : session.draw(TEXT, () => native);
  if (native !== undefined && boundary !== undefined && native !== boundary) {
    for (const header of headers) {
      if (header[0].toLowerCase() === "content-type") header[1] = header[1].replace(native, boundary);
    }
  }

  const prepared: PreparedRequest = {
    ask: {
      type: "request",
      method: request.method,
      url: request.url,
      headers,
      body: later ? "later" : now,
      options: optionsOf(request),
    },
    signal,
    streamed: stream,
    feed: undefined,
    close: undefined,
    read: !later
      ? undefined
      : stream
      ? () => drain(request.body!, (chunk) => prepared.feed?.(chunk))
      : async () => {
        const from = fromRequest && !source.bodyUsed ? source : request;
        const bytes = new Uint8Array(await from.arrayBuffer());
        return native === undefined || boundary === undefined || native === boundary
          ? bytes
          : replaceBytes(bytes, utf8(native), utf8(boundary));
      },
    send(fetch, ours, bytes, to) {
      // A request is sent elsewhere as a copy of itself with another URL.
      const target = to === undefined ? input : source === undefined ? to : new Request(to, source);
      if (!later) return fetch(target, { ...init, signal: ours });
      if (stream) return fetch(target, { ...init, body: bytes, signal: ours, duplex: "half" } as Init);
      const whole = to === undefined ? request : new Request(to, request);
      return fetch(new Request(whole, { body: bytes as BodyInit, signal: ours }));
    },
  };
  return { prepared };
}

function textOf(input: unknown): string {
  try {
    return input instanceof Request ? input.url : String(input);
  } catch {
    return "";
  }
}

/**
 * A call that `Request` refuses. The platform's `fetch` most likely refuses it too, but that is for the platform
 * to say (Bun takes more than its `Request` does), and for the tape to keep.
 */
function asGiven(input: RequestInfo | URL, init: unknown): PreparedRequest {
  return {
    ask: {
      type: "request",
      method: "",
      url: textOf(input),
      headers: [],
      body: undefined,
      options: "as given",
    },
    signal: undefined,
    read: undefined,
    streamed: false,
    feed: undefined,
    close: undefined,
    send: (fetch) => init === undefined ? fetch(input) : fetch(input, init as RequestInit),
  };
}

/** Members that the platforms read off `init` wherever they stand, own or inherited. */
const MEMBERS = new Set([
  "method",
  "headers",
  "body",
  "referrer",
  "referrerPolicy",
  "mode",
  "credentials",
  "cache",
  "redirect",
  "integrity",
  "keepalive",
  "signal",
  "duplex",
]);

/** A copy of `init`, of which each member is read once, as the platform reads it. */
function readOnce(init: Init): Init {
  if (typeof init !== "object") return init;
  const copy: Record<string, unknown> = {};
  const read = (key: string) => {
    const value = init[key as keyof Init];
    if (value !== undefined) copy[key] = value;
  };
  for (const key of Object.keys(init)) if (!MEMBERS.has(key)) read(key);
  MEMBERS.forEach(read);
  return copy as Init;
}

/** Reads a program's stream to its end, as fast as it gives: in both modes by this code, in the same order. */
async function drain(body: ReadableStream, feed: (chunk: unknown) => void): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const take = (chunk: unknown) => {
    feed(chunk);
    if (ArrayBuffer.isView(chunk)) {
      parts.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice());
    } else if (typeof chunk === "string") parts.push(utf8(chunk));
  };
  const reader = body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) take(piece.value);
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
