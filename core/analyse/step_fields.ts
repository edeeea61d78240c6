/**
 * What differs between an exchange and its counterpart, field by field: JSON by path, other text as a whole. A streamed
 * answer is compared by what it says, and where that is equal by its events and by how it came in pieces.
 */

import { fromUtf8, sameBytes, utf8 } from "../base/bytes.ts";
import { toHex } from "../base/hex.ts";
import { readFrames } from "../provider/read_frames.ts";
import { type ModelAnswer, readResponse } from "../provider/read.ts";
import type { ErrorShape, HeaderList } from "../tape/events.ts";
import type { Exchange } from "./exchanges.ts";
import type { Ignore, Path } from "./ignore.ts";
import { isShallow, parseShallow } from "./shallow_json.ts";
import { canonical, diffJson, type JsonChange, strip } from "./json_diff.ts";

const BODY = { request: ["request", "body"], response: ["response", "body"] } as const;

/** Header values by name in lower case; several of one name as a list. */
function headerFields(headers: HeaderList): Record<string, string | string[]> {
  const fields = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    fields.set(key, [...fields.get(key) ?? [], value]);
  }
  return Object.fromEntries(
    [...fields].map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  );
}

function requestFields({ request }: Exchange): object {
  const { method, url, headers, options } = request;
  return { method, url, headers: headerFields(headers), ...(options === "" ? {} : { options }) };
}

/**
 * Header names in their order, where nothing else about the headers differs. Nothing with a rule for any header: what
 * is left out has no place either.
 */
function headerOrder(
  a: HeaderList,
  b: HeaderList,
  side: "request" | "response",
  ignore: Ignore,
): JsonChange[] {
  const names = (headers: HeaderList) => headers.map(([name]) => name.toLowerCase());
  const [namesA, namesB] = [names(a), names(b)];
  const path = [side, "header_order"];
  const ignored = ignore.covers(path) || ignore.covers([side, "headers"]) ||
    [...namesA, ...namesB].some((name) => ignore.covers([side, "headers", name]));
  const same = canonical(headerFields(a)) === canonical(headerFields(b));
  return ignored || !same || namesA.join("\n") === namesB.join("\n") ? [] : [whole(path, namesA, namesB)];
}

/** An error without its stack, which tells where the code lies. */
function errorFields(error: ErrorShape): object {
  const { class: name, message, fields, cause, errors } = error;
  return {
    class: name || error.name,
    ...(message === undefined ? {} : { message }),
    ...(fields === "{}" || fields === "" ? {} : { fields: parseShallow(fields) ?? fields }),
    ...(cause === undefined ? {} : { cause: errorFields(cause) }),
    ...(errors.length === 0 ? {} : { errors: errors.map(errorFields) }),
  };
}

function responseFields({ head, end, error }: Exchange): object {
  return {
    ...(head === undefined ? {} : {
      status: head.status,
      status_text: head.statusText,
      ...(head.url === undefined ? {} : { url: head.url }),
      redirected: head.redirected,
      type: head.kind,
      headers: headerFields(head.headers),
    }),
    end,
    ...(error === undefined ? {} : { error: errorFields(error) }),
  };
}

function answerFields(answer: ModelAnswer): object {
  const { text, thinking, toolCalls, usage, stopReason, error } = answer;
  return {
    text,
    thinking,
    tool_calls: toolCalls.map(({ id, name, arguments: json }) => ({
      id,
      name,
      arguments: parseShallow(json) ?? json,
    })),
    ...(usage === undefined ? {} : {
      usage: {
        input: usage.input,
        output: usage.output,
        cache_read: usage.cacheRead ?? 0,
        cache_write: usage.cacheWrite ?? 0,
      },
    }),
    ...(stopReason === undefined ? {} : { stop_reason: stopReason }),
    ...(error === undefined ? {} : { error }),
  };
}

function whole(path: Path, a: unknown, b: unknown): JsonChange {
  return { path, pathB: undefined, a, b };
}

/** Text where both are text, else sizes and the beginnings of their bytes. */
function asText(path: Path, a: Uint8Array, b: Uint8Array): JsonChange {
  const [textA, textB] = [fromUtf8(a), fromUtf8(b)];
  if (!textA.includes("\ufffd") && !textB.includes("\ufffd")) return whole(path, textA, textB);
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const show = (bytes: Uint8Array) =>
    `${bytes.length} bytes, from byte ${at} on: ${toHex(bytes.subarray(at, at + 16))}`;
  return whole(path, show(a), show(b));
}

/** A body that is one JSON document. */
function document(bytes: Uint8Array): { readonly value: unknown } | undefined {
  const text = fromUtf8(bytes);
  const value = /^\s*[[{]/.test(text) ? parseShallow(text) : undefined;
  return value === undefined ? undefined : { value };
}

/** Values of bodies whose bytes differ. None where all that differs is ignored. */
function structured(a: unknown, b: unknown, path: Path, ignore: Ignore): JsonChange[] | "the layout" {
  const changes = diffJson(a, b, path, ignore);
  if (changes.length > 0) return changes;
  // Equal fields in bytes that differ: another order of keys, other blanks. A rule asks for fields alone.
  return strip(a, path, ignore).hit || strip(b, path, ignore).hit ? [] : "the layout";
}

/** Bodies that differ in some byte. */
function differentBodies(a: Uint8Array, b: Uint8Array, path: Path, ignore: Ignore): JsonChange[] {
  const [docA, docB] = [document(a), document(b)];
  const found = docA && docB && structured(docA.value, docB.value, path, ignore);
  return found === undefined || found === "the layout" ? [asText(path, a, b)] : found;
}

function contentType({ head }: Exchange): string | undefined {
  return head?.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
}

/** The documents of an answer that came in several. */
function streamOf(exchange: Exchange, bytes: Uint8Array) {
  const type = contentType(exchange);
  const doc = document(bytes);
  // Gemini streams one array; anybody else's array is just that.
  const pieces = doc === undefined || type?.includes("text/event-stream") === true ||
    (Array.isArray(doc.value) && readResponse(type, bytes) !== undefined);
  const events = pieces && isShallow(fromUtf8(bytes)) ? readFrames(type, bytes) : [];
  return events.length === 0 ? undefined : { events };
}

/** Bodies of answers of which at least one was streamed; undefined where what differs can only be shown as text. */
function differentStreams(a: Exchange, b: Exchange, bytesA: Uint8Array, bytesB: Uint8Array, ignore: Ignore) {
  const [answerA, answerB] = [readResponse(contentType(a), bytesA), readResponse(contentType(b), bytesB)];
  if (answerA !== undefined && answerB !== undefined) {
    const path = ["response", "answer"];
    const [saidA, saidB] = [answerFields(answerA), answerFields(answerB)];
    const changes = diffJson(saidA, saidB, path, ignore);
    // What says something else is streamed as something else: once that is ignored, so are the pieces.
    if (changes.length > 0 || canonical(saidA) !== canonical(saidB)) return changes;
  }
  const [streamA, streamB] = [streamOf(a, bytesA), streamOf(b, bytesB)];
  if (streamA === undefined || streamB === undefined) return undefined;
  const found = structured(streamA.events, streamB.events, ["response", "events"], ignore);
  return found === "the layout" ? undefined : found;
}

function sameChunks(a: Exchange, b: Exchange): boolean {
  return a.chunks.length === b.chunks.length &&
    a.chunks.every(({ size, digest }, i) =>
      size === b.chunks[i]!.size && sameBytes(digest, b.chunks[i]!.digest)
    );
}

/** Bodies tell more than headers. */
function headersLast(changes: readonly JsonChange[]): JsonChange[] {
  const isHeader = ({ path }: JsonChange) => String(path[1]).startsWith("header");
  return [...changes.filter((each) => !isHeader(each)), ...changes.filter(isHeader)];
}

/** Fields in which two exchanges' requests differ. @throws TraceforkError TF_TAPE_DAMAGED where a body can't be read. */
export function diffRequest(a: Exchange, b: Exchange, ignore: Ignore): JsonChange[] {
  return headersLast(requestChanges(a, b, ignore));
}

function requestChanges(a: Exchange, b: Exchange, ignore: Ignore): JsonChange[] {
  const changes = [
    ...diffJson(requestFields(a), requestFields(b), ["request"], ignore),
    ...headerOrder(a.request.headers, b.request.headers, "request", ignore),
  ];
  if (ignore.covers(BODY.request)) return changes;
  const [refA, refB] = [a.request.body, b.request.body];
  if (typeof refA === "object" && typeof refB === "object" && sameBytes(refA.digest, refB.digest)) {
    return changes;
  }
  const [bytesA, bytesB] = [a.requestBody(), b.requestBody()];
  if (bytesA === undefined || bytesB === undefined) {
    const show = (bytes: Uint8Array | undefined) => bytes === undefined ? undefined : fromUtf8(bytes);
    return bytesA === bytesB ? changes : [...changes, whole(BODY.request, show(bytesA), show(bytesB))];
  }
  return sameBytes(bytesA, bytesB)
    ? changes
    : [...changes, ...differentBodies(bytesA, bytesB, BODY.request, ignore)];
}

/** Fields in which two exchanges' responses differ. @throws as `diffRequest` does. */
export function diffResponse(a: Exchange, b: Exchange, ignore: Ignore): JsonChange[] {
  return headersLast(responseChanges(a, b, ignore));
}

function responseChanges(a: Exchange, b: Exchange, ignore: Ignore): JsonChange[] {
  const changes = [
    ...diffJson(responseFields(a), responseFields(b), ["response"], ignore),
    ...headerOrder(a.head?.headers ?? [], b.head?.headers ?? [], "response", ignore),
  ];
  if (ignore.covers(BODY.response) || sameChunks(a, b)) return changes;
  const [bytesA, bytesB] = [a.responseBody(), b.responseBody()];
  if (sameBytes(bytesA, bytesB)) {
    const sizes = ({ chunks }: Exchange) => chunks.map(({ size }) => size);
    const path = ["response", "chunks"];
    return ignore.covers(path) ? changes : [...changes, whole(path, sizes(a), sizes(b))];
  }
  const streamed = [streamOf(a, bytesA), streamOf(b, bytesB)].some((each) => each !== undefined);
  const found = streamed ? differentStreams(a, b, bytesA, bytesB, ignore) : undefined;
  return [...changes, ...(found ?? differentBodies(bytesA, bytesB, BODY.response, ignore))];
}

/**
 * A text that is equal for requests that differ in nothing but what is ignored. `digest` is any hash without
 * collisions, 32 bytes.
 */
export function requestKey(
  exchange: Exchange,
  ignore: Ignore,
  digest: (bytes: Uint8Array) => Uint8Array,
): string {
  const fields = canonical(strip(requestFields(exchange), ["request"], ignore).value);
  return toHex(digest(utf8(`${fields}\n${toHex(bodyKey(exchange, ignore, digest))}`)));
}

function bodyKey(exchange: Exchange, ignore: Ignore, digest: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const { body } = exchange.request;
  // The tape has the digest of a whole body; nothing need be read.
  if (ignore.nothing && typeof body === "object") return body.digest;
  const bytes = ignore.covers(BODY.request) ? undefined : exchange.requestBody();
  if (bytes === undefined) return new Uint8Array(0);
  const doc = ignore.nothing ? undefined : document(bytes);
  const stripped = doc && strip(doc.value, BODY.request, ignore);
  return digest(stripped?.hit === true ? utf8(canonical(stripped.value)) : bytes);
}
