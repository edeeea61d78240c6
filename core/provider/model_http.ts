/**
 * The HTTP side of the embedded model server: reads a request down to its checked body, writes JSON and the headers
 * that Anthropic's API sends with every answer. The rate limits in those headers are made up and bind nobody.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { checkRequest } from "./anthropic_check.ts";
import { estimateTokens, type MessagesRequest, type WireError } from "./anthropic_wire.ts";

const MAX_BODY = 32 * 1024 * 1024;
const RealDate = Date;

/** A request that has arrived: its text, and what becomes of it. */
export type Arrival =
  | { readonly text: string; readonly request: MessagesRequest }
  | { readonly text: string; readonly error: WireError };

/** Reads a request to its end and says why it is refused, if it is. */
export async function readArrival(incoming: IncomingMessage, apiKey: string | undefined): Promise<Arrival> {
  const text = await readBody(incoming);
  if (text === undefined) {
    return { text: "", error: { type: "request_too_large", message: "Request exceeds the maximum size" } };
  }
  const error = checkHead(incoming, apiKey);
  if (error !== undefined) return { text, error };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return { text, error: invalid(`The request body is not valid JSON: ${(error as Error).message}`) };
  }
  const problem = checkRequest(body);
  return problem === undefined ? { text, request: body as MessagesRequest } : { text, error: problem };
}

function checkHead(incoming: IncomingMessage, apiKey: string | undefined): WireError | undefined {
  const path = (incoming.url ?? "").split("?")[0];
  if (path !== "/v1/messages") return { type: "not_found_error", message: "Not Found" };
  if (incoming.method !== "POST") return { type: "method_not_allowed", message: "Method Not Allowed" };
  const bearer = incoming.headers.authorization?.replace(/^Bearer /, "");
  const key = String(incoming.headers["x-api-key"] ?? bearer ?? "");
  if (key === "") return { type: "authentication_error", message: "x-api-key header is required" };
  if (apiKey !== undefined && key !== apiKey) {
    return { type: "authentication_error", message: "invalid x-api-key" };
  }
  const version = incoming.headers["anthropic-version"];
  return version === undefined ? invalid("anthropic-version: header is required") : undefined;
}

function invalid(message: string): WireError {
  return { type: "invalid_request_error", message };
}

/** The body as text, or undefined when it is larger than the API takes. */
async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
  }
  return size > MAX_BODY ? undefined : await new Blob(chunks as BlobPart[]).text();
}

/** Sends a JSON document in one piece, compressed when `gzip` is set and the client takes it. */
export function sendJson(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string>,
  gzip = false,
): void {
  const plain = new TextEncoder().encode(JSON.stringify(body));
  const zipped = gzip && String(incoming.headers["accept-encoding"] ?? "").includes("gzip");
  const bytes = zipped ? gzipSync(plain) : plain;
  outgoing.writeHead(status, {
    ...headers,
    "content-type": "application/json",
    "content-length": String(bytes.length),
    ...(zipped ? { "content-encoding": "gzip", "vary": "Accept-Encoding" } : {}),
  });
  outgoing.end(bytes);
}

/**
 * The headers that every answer carries, refusals included.
 *
 * @param requests how many requests have arrived, taken as used up
 */
export function answerHeaders(requestId: string, requests: number, body: string): Record<string, string> {
  const headers: Record<string, string> = {
    "date": new RealDate().toUTCString(),
    "request-id": requestId,
    "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
  };
  const reset = new RealDate(RealDate.now() + 1000).toISOString().replace(/\.\d+Z$/, "Z");
  const tokens = estimateTokens(body);
  const limits = [["requests", 4000, requests], ["input-tokens", 400000, tokens], [
    "tokens",
    480000,
    tokens,
  ]] as const;
  for (const [name, most, used] of limits) {
    headers[`anthropic-ratelimit-${name}-limit`] = String(most);
    headers[`anthropic-ratelimit-${name}-remaining`] = String(Math.max(0, most - used));
    headers[`anthropic-ratelimit-${name}-reset`] = reset;
  }
  return headers;
}
