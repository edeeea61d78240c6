/** How the origin writes: heads, whole answers, chunks and the three ways a connection can end. */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Exchange } from "./origin.ts";

export type HeaderList = readonly (readonly [string, string])[];

export interface Answer {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeaderList;
  readonly body?: string | Uint8Array;
  /** Leaves `content-length` out, for answers that may not have one. */
  readonly unsized?: boolean;
}

/** Writes a head. Latin-1 on the wire, as HTTP has it: a header value may hold bytes above 127. */
export function writeHead(socket: Socket, status: number, statusText: string, headers: HeaderList): void {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(Buffer.from(`HTTP/1.1 ${status} ${statusText}\r\n${lines}\r\n`, "latin1"));
}

/** A whole answer at once. For HEAD the body is left out and its length kept. */
export function answer({ request, socket }: Exchange, reply: Answer): void {
  const body = Buffer.from(reply.body as string ?? "");
  const length: HeaderList = reply.unsized ? [] : [["content-length", String(body.length)]];
  const headers = [...reply.headers ?? [], ...length, ["connection", "close"]] as HeaderList;
  writeHead(socket, reply.status ?? 200, reply.statusText ?? "OK", headers);
  if (request.method !== "HEAD" && body.length > 0) socket.write(body);
  socket.end();
}

export function answerJson(exchange: Exchange, value: unknown, headers: HeaderList = []): void {
  const body = JSON.stringify(value);
  answer(exchange, { headers: [["content-type", "application/json"], ...headers], body });
}

/** The head of an answer whose chunks come later. */
export function startChunked({ socket }: Exchange, type: string, headers: HeaderList = []): void {
  const framing: HeaderList = [["transfer-encoding", "chunked"], ["connection", "close"]];
  writeHead(socket, 200, "OK", [["content-type", type], ...headers, ...framing]);
}

/** One chunk in one write, so that a client that waits for it gets it in one piece. */
export function writeChunk(socket: Socket, data: string | Uint8Array): boolean {
  const bytes = Buffer.from(data as string);
  return socket.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF]));
}

export function endChunked(socket: Socket): void {
  socket.end("0\r\n\r\n");
}

/** Writes the chunks `gap` milliseconds apart, the first at once, then ends. Stops when the client is gone. */
export function drip(socket: Socket, chunks: readonly (string | Uint8Array)[], gap: number): void {
  const next = (at: number): void => {
    if (socket.destroyed) return;
    const chunk = chunks[at];
    if (chunk === undefined) return endChunked(socket);
    writeChunk(socket, chunk);
    timer = setTimeout(() => next(at + 1), gap);
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  socket.on("close", () => clearTimeout(timer));
  next(0);
}

const CRLF = Buffer.from("\r\n");
