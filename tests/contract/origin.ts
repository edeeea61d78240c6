/**
 * A hostile origin on 127.0.0.1, port 0. It speaks HTTP/1.1 by hand on `node:net`, so that the bytes on the
 * wire, their boundaries and the way a connection dies are the same whichever runtime hosts it.
 *
 * Every answer closes its connection unless its route says otherwise: a pooled connection that dies is retried
 * by some clients and not by others, and that would make error cases depend on what ran before them.
 * Not supported: pipelining, TLS, HTTP/2, `Expect: 100-continue`.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Buffer } from "node:buffer";
import { routes } from "./origin_routes.ts";

/** One parsed request. `rawHeaders` keeps order, case and repeats as the client sent them. */
export interface OriginRequest {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly rawHeaders: readonly (readonly [string, string])[];
  readonly framing: "none" | "length" | "chunked";
  readonly body: Uint8Array;
}

/** What a route may do with the connection of one request. */
export interface Exchange {
  readonly request: OriginRequest;
  readonly socket: Socket;
  readonly origin: OriginState;
}

/** What routes share: gates by key, requests waiting to race, counters, and a port that refuses. */
export interface OriginState {
  readonly gates: Map<string, Gate>;
  readonly waiting: Map<string, Socket[]>;
  readonly counters: Map<string, number>;
  /** A port of 127.0.0.1 where a connection is refused for as long as the origin lives. */
  readonly refusedPort: number;
}

/** A held response: `release` writes its next piece; `closed` settles when its connection is gone. */
export interface Gate {
  release(): void;
  readonly closed: Promise<void>;
}

export interface Origin {
  /** Without a slash at the end. */
  readonly url: string;
  readonly hostport: string;
  /** "METHOD target" of every request seen, in order of arrival. */
  readonly hits: string[];
  close(): Promise<void>;
}

/** Starts an origin. The caller closes it; open connections are destroyed then. */
export async function startOrigin(): Promise<Origin> {
  const hits: string[] = [];
  const sockets = new Set<Socket>();
  const state = { gates: new Map(), waiting: new Map(), counters: new Map(), refusedPort: 0 };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // Clients hang up at will here; what they see of it is the contract, what the origin sees is not.
    socket.on("error", () => {});
    socket.setNoDelay(true);
    readRequests(socket, (request) => {
      hits.push(`${request.method} ${request.target}`);
      const route = routes[request.path.split("/")[1] ?? ""] ?? routes["404"]!;
      route({ request, socket, origin: state });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  // The local port of an open outgoing connection can't be listened on by anybody else, yet nobody listens on
  // it: the one way to keep a refusing port without a race.
  const holder = connect(port, "127.0.0.1");
  holder.on("error", () => {});
  await new Promise<void>((resolve) => holder.once("connect", () => resolve()));
  state.refusedPort = holder.localPort!;
  return {
    url: `http://127.0.0.1:${port}`,
    hostport: `127.0.0.1:${port}`,
    hits,
    close: () =>
      new Promise<void>((resolve) => {
        holder.destroy();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function readRequests(socket: Socket, handle: (request: OriginRequest) => void): void {
  let pending = Buffer.alloc(0);
  socket.on("data", (data) => {
    pending = Buffer.concat([pending, data as Uint8Array]);
    // A TLS hello: no server that speaks plain HTTP would wait for the end of its "head".
    if (pending[0] === 0x16) return void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    const parsed = parseRequest(pending);
    if (parsed === undefined) return;
    pending = pending.subarray(parsed.length);
    handle(parsed.request);
  });
}

function parseRequest(data: Buffer): { request: OriginRequest; length: number } | undefined {
  const headEnd = data.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [first = "", ...lines] = data.subarray(0, headEnd).toString("latin1").split("\r\n");
  const rawHeaders = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  const header = (name: string) => rawHeaders.find(([key]) => key.toLowerCase() === name)?.[1];
  const [method = "", target = ""] = first.split(" ");
  const url = new URL(target, "http://origin");
  const start = headEnd + 4;
  const chunked = header("transfer-encoding") === "chunked";
  const length = header("content-length");
  const body = chunked ? dechunk(data, start) : sized(data, start, Number(length ?? 0));
  if (body === undefined) return undefined;
  const framing = chunked ? "chunked" : length === undefined ? "none" : "length";
  const { pathname: path, searchParams: query } = url;
  return {
    request: { method, target, path, query, rawHeaders, framing, body: body.bytes },
    length: body.end,
  };
}

function sized(data: Buffer, start: number, length: number): { bytes: Uint8Array; end: number } | undefined {
  const end = start + length;
  return data.length < end ? undefined : { bytes: data.subarray(start, end), end };
}

function dechunk(data: Buffer, start: number): { bytes: Uint8Array; end: number } | undefined {
  const parts: Uint8Array[] = [];
  for (let at = start;;) {
    const lineEnd = data.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = parseInt(data.subarray(at, lineEnd).toString("latin1"), 16);
    const end = lineEnd + 2 + size;
    if (data.length < end + 2) return undefined;
    if (size === 0) return { bytes: Buffer.concat(parts), end: end + 2 };
    parts.push(data.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
