/** A response's body as a stream: readers, partial reads, cancel, boundaries. */
import type { CaseEnv, ContractCase } from "./contract.ts";
import { gatedUrl, gone, outcomes, release } from "./cases_help.ts";
import {
  className,
  concat,
  decodeLatin1,
  failure,
  outcome,
  readAtLeast,
  readChunks,
  summary,
  tag,
} from "./observe.ts";

const decode = decodeLatin1;

/** A gated stream, opened, with its reader; each `next` releases one piece and reads it. */
async function open(env: CaseEnv, key: string, chunks: readonly string[], end?: string) {
  const response = await fetch(gatedUrl(env, key, chunks, end));
  const reader = response.body!.getReader();
  const next = async (): Promise<string> => {
    await release(env, key);
    const { done, value } = await reader.read();
    return done ? "(end)" : decode(value);
  };
  return { response, reader, next };
}

type Run = (env: CaseEnv) => Promise<unknown>;

const reading: Readonly<Record<string, Run>> = {
  "pieces come as they were written": async (env) => {
    const { reader, next } = await open(env, "pieces", ["one", "tw\xc3", "\xa4o", "x"]);
    const seen = [await next(), await next(), await next(), await next(), await next()];
    const closed = await outcome(() => reader.closed);
    return { seen, closed, after: await reader.read() };
  },
  "what chunks are": async ({ url }) => {
    const response = await fetch(`${url}/bytes`);
    const [chunk] = await readChunks(response.body!);
    const { byteOffset, length, buffer } = chunk!;
    return {
      class: className(chunk),
      byteOffset,
      length,
      own: buffer.byteLength === length,
      buffer: tag(buffer),
    };
  },
  "a chunk may be overwritten": async (env) => {
    const response = await fetch(gatedUrl(env, "overwrite", ["abc"]));
    const clone = response.clone();
    await release(env, "overwrite");
    await release(env, "overwrite");
    for await (const chunk of response.body!) chunk.fill(7);
    return await clone.text();
  },
  "a chunk of a body that was there at once may be overwritten": async ({ url, measured }) => {
    const response = await fetch(`${url}/bytes`);
    const clone = response.clone();
    for await (const chunk of response.body!) chunk.fill(7);
    // Bun shares the bytes with the clone if all of them had arrived when it was made.
    measured["clone"] = summary(await clone.bytes());
    return "read";
  },
  "a chunk's buffer may be moved away": async ({ url }) => {
    const response = await fetch(`${url}/bytes`);
    const [chunk] = await readChunks(response.body!);
    return await outcome(() => structuredClone(chunk!, { transfer: [chunk!.buffer as ArrayBuffer] }).length);
  },
  "locked and used as reading goes on": async ({ url }) => {
    const response = await fetch(`${url}/json`);
    const { body } = response;
    const state = () => [body!.locked, response.bodyUsed, response.body === body];
    const states = [state()];
    const reader = body!.getReader();
    states.push(state());
    await reader.read();
    states.push(state());
    reader.releaseLock();
    states.push(state());
    const rest = await outcome(() => response.text());
    return { states, rest };
  },
  "text while locked": async ({ url }) => {
    const response = await fetch(`${url}/json`);
    const reader = response.body!.getReader();
    const errors = await outcomes({
      text: () => response.text(),
      json: () => response.json(),
      again: () => response.body!.getReader(),
      tee: () => response.body!.tee(),
      cancel: () => response.body!.cancel(),
    });
    reader.releaseLock();
    return { errors, after: await outcome(() => response.text()) };
  },
  "a read that waits when the lock goes": async (env) => {
    const { reader, response } = await open(env, "waiting", [], "hold");
    const waiting = failure(() => reader.read());
    const released = await outcome(() => reader.releaseLock());
    const error = await outcome(async () => Promise.reject(await waiting));
    await response.body!.cancel();
    return { released, error, later: await outcome(() => reader.read()) };
  },
  "two reads wait at once": async (env) => {
    const { reader, response } = await open(env, "two-reads", ["a", "b"]);
    const reads = [reader.read(), reader.read(), reader.read()];
    await release(env, "two-reads");
    const first = await reads[0]!;
    await release(env, "two-reads");
    const second = await reads[1]!;
    await release(env, "two-reads");
    return [decode(first.value), decode(second.value), (await reads[2]!).done, response.bodyUsed];
  },
  "for await": async ({ url, measured }) => {
    const response = await fetch(`${url}/drip`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body!) chunks.push(chunk);
    measured["chunks"] = chunks.map(({ length }) => length);
    return { text: decode(concat(chunks)), locked: response.body!.locked, used: response.bodyUsed };
  },
  "a big body, chunk by chunk": async ({ url, measured }) => {
    const chunks = await readChunks((await fetch(`${url}/big`)).body!);
    const sizes = chunks.map(({ length }) => length);
    measured["sizes"] = sizes;
    return summary(concat(chunks));
  },
  "by textStream, where there is one": async ({ url, measured }) => {
    const response = await fetch(`${url}/sse`);
    const { textStream } = response as unknown as { textStream?: () => ReadableStream<string> };
    if (textStream === undefined) return await response.body!.cancel();
    const parts: string[] = [];
    const reader = textStream.call(response).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
    measured["parts"] = parts.map(({ length }) => length);
    return { text: parts.join(""), used: response.bodyUsed };
  },
  "for await that breaks cancels": async (env) => {
    const response = await fetch(gatedUrl(env, "break", ["a", "b", "c"], "hold"));
    await release(env, "break");
    let seen = "";
    for await (const chunk of response.body!) {
      seen = decode(chunk);
      break;
    }
    return { seen, gone: await gone(env, "break"), after: await outcome(() => readChunks(response.body!)) };
  },
  "values that keep the stream": async (env) => {
    const response = await fetch(gatedUrl(env, "keep", ["a", "b"]));
    await release(env, "keep");
    const seen: string[] = [];
    for await (const chunk of response.body!.values({ preventCancel: true })) {
      seen.push(decode(chunk));
      break;
    }
    await release(env, "keep");
    await release(env, "keep");
    for await (const chunk of response.body!) seen.push(decode(chunk));
    return seen;
  },
};

const cancelling: Readonly<Record<string, Run>> = {
  "cancel after two pieces closes the connection": async (env) => {
    const { reader, next, response } = await open(env, "cancel", ["a", "b", "c"], "hold");
    const seen = [await next(), await next()];
    const cancelled = await outcome(() => reader.cancel("enough"));
    const closed = await outcome(() => reader.closed);
    const after = await reader.read();
    return { seen, cancelled, closed, after, gone: await gone(env, "cancel"), used: response.bodyUsed };
  },
  "cancel of an unread body": async (env) => {
    const response = await fetch(gatedUrl(env, "unread", ["a"], "hold"));
    const cancelled = await outcome(() => response.body!.cancel());
    const closed = await gone(env, "unread");
    return { cancelled, closed, used: response.bodyUsed, text: await outcome(() => response.text()) };
  },
  "cancel after the end": async ({ url }) => {
    const response = await fetch(`${url}/json`);
    await response.text();
    return await outcome(() => response.body!.cancel());
  },
  "cancel while a read waits": async (env) => {
    const { reader } = await open(env, "cancel-wait", [], "hold");
    const waiting = outcome(() => reader.read());
    const cancelled = await outcome(() => reader.cancel("enough"));
    return { cancelled, waiting: await waiting };
  },
  "an endless stream is left": async ({ url }) => {
    const response = await fetch(`${url}/infinite`);
    const reader = response.body!.getReader();
    const text = await readAtLeast(reader, 100_000);
    await reader.cancel();
    return [/^x+$/.test(text), (await reader.read()).done];
  },
  "an answer left after [DONE]": async ({ url }) => {
    const response = await fetch(`${url}/sse-done`);
    const reader = response.body!.getReader();
    const text = await readAtLeast(reader, "data: one\n\ndata: [DONE]\n\n".length);
    return { text, cancelled: await outcome(() => reader.cancel()) };
  },
};

function named(theme: string, runs: Readonly<Record<string, Run>>): ContractCase[] {
  return Object.entries(runs).map(([name, run]) => ({ name: `${theme}: ${name}`, run }));
}

export const streamCases: readonly ContractCase[] = [
  ...named("stream", reading),
  ...named("stream", cancelling),
];
