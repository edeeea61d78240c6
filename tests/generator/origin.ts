/**
 * The world that random agents talk to: an HTTP origin whose answers are really random: latencies, wording, chunking,
 * refusals, resets. Only the path says what sort of answer comes (`words.mjs` has the list). No test may expect a
 * value from it: two runs differ on purpose, and only a recording can tell what a run saw.
 *
 * `deno run -A tests/generator/origin.ts` (or bun, node) serves until it is stopped and prints its URL, for the
 * hand-debugging of one seed.
 */

import { Buffer } from "node:buffer";
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Uint8Array;
}

const WORDS = [
  "plan",
  "tool",
  "call",
  "naïve",
  "answer",
  "日本",
  "retry",
  "why",
  "🦊",
  "token",
  "maybe",
  "done",
];

const chance = (p: number): boolean => Math.random() < p;
const words = (count: number): string =>
  Array.from({ length: count }, () => WORDS[randomInt(WORDS.length)]).join(" ");

/** 0 to 40 ms, in a quarter of the cases none at all. */
async function latency(): Promise<void> {
  if (!chance(0.25)) await pause(Math.random() * 40);
}

const content = () => ({
  id: randomUUID(),
  value: Math.random(),
  count: randomInt(100),
  text: words(randomInt(2, 20)),
  at: Date.now(),
});

function head(
  response: ServerResponse,
  status: number,
  type: string,
  extra: Record<string, string> = {},
): void {
  response.writeHead(status, {
    "content-type": type,
    "x-id": randomBytes(4).toString("hex"),
    ...(chance(0.2) ? { "set-cookie": ["a=1", `b=${randomInt(1000)}`] } : {}),
    ...extra,
  });
}

/** Writes `bytes` in random pieces, which may end inside a character; with `ms`, waits between them. */
async function pieces(response: ServerResponse, bytes: Uint8Array, count: number, ms: number): Promise<void> {
  const cuts = Array.from({ length: count - 1 }, () => randomInt(bytes.length + 1)).sort((a, b) => a - b);
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    if (to > from) response.write(bytes.subarray(from, to));
    from = to;
    if (ms > 0) await pause(Math.random() * ms);
  }
}

async function json({ response }: Call): Promise<void> {
  await latency();
  const text = JSON.stringify(content());
  if (chance(0.5)) {
    head(response, 200, "application/json", { "content-length": String(Buffer.byteLength(text)) });
  } else head(response, 200, "application/json");
  await pieces(response, Buffer.from(text), randomInt(1, 4), chance(0.5) ? 6 : 0);
}

async function echo({ request, response, url, body }: Call): Promise<void> {
  await latency();
  head(response, 200, "application/json");
  const said = { ...content(), method: request.method, query: url.search, length: body.length };
  response.write(
    JSON.stringify({ ...said, agent: request.headers["x-agent"], body: Buffer.from(body).toString() }),
  );
}

async function text({ response }: Call): Promise<void> {
  await latency();
  head(response, 200, "text/plain; charset=utf-8");
  await pieces(response, Buffer.from(words(randomInt(1, 80))), randomInt(1, 8), chance(0.5) ? 8 : 0);
}

/** Events in chunks that ignore their borders; sometimes several events come at once. */
async function sse({ response }: Call): Promise<void> {
  await latency();
  head(response, 200, "text/event-stream");
  const events = Array.from(
    { length: randomInt(2, 9) },
    (_, index) =>
      `event: delta\nid: ${index}\ndata: ${JSON.stringify({ index, text: words(randomInt(1, 5)) })}\n\n`,
  );
  const bytes = Buffer.from(`${events.join("")}data: [DONE]\n\n`);
  await pieces(response, bytes, randomInt(1, events.length + 3), chance(0.7) ? 12 : 0);
}

async function slow({ response }: Call): Promise<void> {
  if (chance(0.5)) await latency();
  head(response, 200, "text/plain; charset=utf-8");
  response.flushHeaders();
  for (let i = randomInt(3, 7); i > 0; i--) {
    await pause(4 + Math.random() * 16);
    response.write(`${words(3)}\n`);
  }
}

/**
 * More than one read of a socket, so that slow readers and unread halves meet back-pressure. The connection is
 * closed afterwards: an unread body keeps a Node 24 process alive until then, 6 s with keep-alive.
 */
async function big({ response }: Call): Promise<void> {
  await latency();
  head(response, 200, "application/octet-stream", { connection: "close" });
  await pieces(response, randomBytes(randomInt(40_000, 200_000)), randomInt(1, 6), chance(0.5) ? 5 : 0);
}

async function empty({ response }: Call): Promise<void> {
  await latency();
  if (chance(0.5)) head(response, 204, "text/plain");
  else head(response, 200, "text/plain", chance(0.5) ? { "content-length": "0" } : {});
}

async function gzip({ response }: Call): Promise<void> {
  await latency();
  head(response, 200, "application/json", { "content-encoding": "gzip" });
  const packed = gzipSync(JSON.stringify({ ...content(), more: words(randomInt(50, 400)) }));
  await pieces(response, packed, randomInt(1, 4), chance(0.5) ? 6 : 0);
}

async function redirect({ response }: Call): Promise<void> {
  await latency();
  const to = ["/json", "/text", "/empty", "/redirect", "/flaky"][randomInt(5)] ?? "/json";
  head(response, [301, 302, 303, 307, 308][randomInt(5)] ?? 302, "text/plain", { location: to });
}

/** Refuses more than half of the time, in the ways that make an SDK try again. */
async function flaky(call: Call): Promise<void> {
  if (chance(0.4)) return await json(call);
  await latency();
  const status = [429, 500, 529, 503][randomInt(4)] ?? 500;
  const wait: Record<string, string> = chance(0.5)
    ? { "retry-after": "0", "retry-after-ms": String(randomInt(1, 20)) }
    : {};
  head(call.response, status, "application/json", wait);
  if (chance(0.8)) {
    call.response.write(JSON.stringify({ error: { type: "overloaded_error", id: randomUUID() } }));
  }
}

/** The connection ends before any head, by a close or a reset. */
async function reset(call: Call): Promise<void> {
  if (chance(0.3)) return await json(call);
  await latency();
  hangUp(call.request);
}

/** The connection ends inside the body, whose length may have been promised. */
async function cut(call: Call): Promise<void> {
  if (chance(0.25)) return await sse(call);
  await latency();
  head(call.response, 200, "text/event-stream", chance(0.5) ? { "content-length": "5000" } : {});
  await pieces(call.response, Buffer.from(`data: ${words(20)}\n\n`), randomInt(1, 4), 8);
  if (chance(0.7)) await pause(Math.random() * 5);
  hangUp(call.request);
}

function hangUp(request: IncomingMessage): void {
  const { socket } = request;
  if (chance(0.5) && "resetAndDestroy" in socket) socket.resetAndDestroy();
  else socket.destroy();
}

const ANSWERS: Record<string, (call: Call) => Promise<void>> = {
  "/json": json,
  "/echo": echo,
  "/text": text,
  "/sse": sse,
  "/slow": slow,
  "/big": big,
  "/empty": empty,
  "/gzip": gzip,
  "/redirect": redirect,
  "/flaky": flaky,
  "/reset": reset,
  "/cut": cut,
  "/mixed": (call) => [json, text, sse, empty, gzip, flaky, reset, cut][randomInt(8)]?.(call) ?? json(call),
};

/**
 * `/near/12` is with the program after about 12 ms, next to which it has set a timer or an abort. Of these a
 * loopback exchange and two coarse timers take some 5: measured, either side wins often.
 */
async function near(call: Call, ms: number): Promise<void> {
  await pause(Math.max(0, ms - 8 + Math.random() * 10));
  head(call.response, 200, "application/json");
  call.response.write(JSON.stringify(content()));
  if (chance(0.3)) await pause(Math.random() * 4);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const received: Uint8Array[] = [];
  for await (const chunk of request) received.push(chunk);
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const call: Call = { request, response, url, body: Buffer.concat(received) };
  const wanted = /^\/near\/(\d+)$/.exec(url.pathname);
  const way = ANSWERS[url.pathname];
  if (wanted) await near(call, Number(wanted[1]));
  else if (way) await way(call);
  else response.writeHead(404);
  if (!response.destroyed && !response.writableEnded) response.end();
}

/** Starts an origin on a free port of 127.0.0.1. */
export async function startGeneratorOrigin(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    // Programs hang up in the middle all the time; that ends their call and nothing else.
    response.on("error", () => {});
    answer(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

if (import.meta.main) {
  const { url } = await startGeneratorOrigin();
  console.log(url);
  process.on("SIGTERM", () => process.exit(0));
}
