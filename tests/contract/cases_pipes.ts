/** Bodies through byte readers, pipes, Node streams, and server-sent events as they arrive. */
import { Readable } from "node:stream";
import type { CaseEnv, ContractCase } from "./contract.ts";
import { gatedUrl, gone, release } from "./cases_help.ts";
import { className, concat, describeError, outcome, readChunks, summary } from "./observe.ts";

type Run = (env: CaseEnv) => Promise<unknown>;

const byteReaders: Readonly<Record<string, Run>> = {
  "a reader into one's own buffer": async ({ url }) => {
    const response = await fetch(`${url}/bytes`);
    return await outcome(async () => {
      const reader = response.body!.getReader({ mode: "byob" });
      const parts: number[] = [];
      let sum = 0;
      for (let buffer = new ArrayBuffer(100);;) {
        const { done, value } = await reader.read(new Uint8Array(buffer));
        if (done) return { parts, sum, last: value?.length };
        parts.push(value.length);
        for (const byte of value) sum += byte;
        buffer = value.buffer as ArrayBuffer;
      }
    });
  },
  "a reader that waits for a minimum": async ({ url }) => {
    const response = await fetch(`${url}/drip`);
    return await outcome(async () => {
      const reader = response.body!.getReader({ mode: "byob" });
      const { value, done } = await reader.read(new Uint8Array(27), { min: 27 });
      await reader.cancel();
      return { text: new TextDecoder().decode(value), done };
    });
  },
  "a zero-length buffer": async ({ url }) => {
    const response = await fetch(`${url}/bytes`);
    const result = await outcome(() => response.body!.getReader({ mode: "byob" }).read(new Uint8Array(0)));
    return result;
  },
};

const pipes: Readonly<Record<string, Run>> = {
  "through TextDecoderStream, a character cut in two": async ({ url, measured }) => {
    const response = await fetch(`${url}/sse`);
    const parts: string[] = [];
    const decoder = new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>;
    for await (const part of response.body!.pipeThrough(decoder)) parts.push(part);
    measured["parts"] = parts.map(({ length }) => length);
    return { text: parts.join(""), locked: response.body!.locked, used: response.bodyUsed };
  },
  "through TransformStream, cancelled downstream": async (env) => {
    const response = await fetch(gatedUrl(env, "transform", ["a", "b"], "hold"));
    await release(env, "transform");
    const reader = response.body!.pipeThrough(new TransformStream<Uint8Array, Uint8Array>()).getReader();
    const first = (await reader.read()).value!;
    await reader.cancel("down");
    return { first: [...first], gone: await gone(env, "transform") };
  },
  "to a writable": async ({ url }) => {
    const response = await fetch(`${url}/big`);
    const chunks: Uint8Array[] = [];
    let closed = false;
    const sink = new WritableStream<Uint8Array>({
      write: (chunk) => void chunks.push(chunk),
      close: () => void (closed = true),
    });
    const piped = await outcome(() => response.body!.pipeTo(sink));
    return { piped, closed, ...summary(concat(chunks)) };
  },
  "to a writable that fails": async (env) => {
    const response = await fetch(gatedUrl(env, "sink", ["a"], "hold"));
    await release(env, "sink");
    const mine = new Error("disk full");
    const sink = new WritableStream({
      write() {
        throw mine;
      },
    });
    let seen: unknown;
    try {
      await response.body!.pipeTo(sink);
    } catch (error) {
      seen = error;
    }
    return { same: seen === mine, gone: await gone(env, "sink") };
  },
  "to a writable until a signal": async (env) => {
    const response = await fetch(gatedUrl(env, "signal", ["a"], "hold"));
    const controller = new AbortController();
    const got: number[] = [];
    const sink = new WritableStream<Uint8Array>({
      write(chunk) {
        got.push(chunk.length);
        controller.abort();
      },
    });
    const piped = outcome(() => response.body!.pipeTo(sink, { signal: controller.signal }));
    await release(env, "signal");
    return { piped: await piped, got, gone: await gone(env, "signal") };
  },
  "into a Node stream": async ({ url }) => {
    const response = await fetch(`${url}/big`);
    const readable = Readable.fromWeb(response.body as unknown as Parameters<typeof Readable.fromWeb>[0]);
    const chunks: Uint8Array[] = [];
    for await (const chunk of readable) chunks.push(chunk as Uint8Array);
    return { chunk: className(chunks[0]), ...summary(concat(chunks)) };
  },
  "into a Node stream that is destroyed": async (env) => {
    const response = await fetch(gatedUrl(env, "node", ["a"], "hold"));
    const readable = Readable.fromWeb(response.body as unknown as Parameters<typeof Readable.fromWeb>[0]);
    await release(env, "node");
    for await (const _ of readable) break;
    return { destroyed: readable.destroyed, gone: await gone(env, "node") };
  },
  "decompressed by hand": async ({ url }) => {
    const gzip = new Blob(["by hand "]).stream().pipeThrough(new CompressionStream("gzip"));
    const packed = concat(await readChunks(gzip));
    const hexes = Array.from(packed, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const response = await fetch(`${url}/hex?hex=${hexes}`);
    const text = await new Response(response.body!.pipeThrough(new DecompressionStream("gzip"))).text();
    return text;
  },
};

/** The events of a stream, split by hand, with the clock at each. */
async function events(response: Response): Promise<{ data: string[]; times: number[]; sizes: number[] }> {
  const [data, times, sizes]: [string[], number[], number[]] = [[], [], []];
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body!) {
    sizes.push(chunk.length);
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = parts.pop()!;
    for (const part of parts) {
      data.push(part);
      times.push(performance.now());
    }
  }
  return { data, times, sizes };
}

const live: Readonly<Record<string, Run>> = {
  "server-sent events arrive long before the last": async ({ url, measured }) => {
    const start = performance.now();
    const response = await fetch(`${url}/sse`);
    const { data, times, sizes } = await events(response);
    measured["sizes"] = sizes;
    measured["times"] = times.map((time) => time - start);
    return { data, early: times.at(-1)! - times[0]! > 60, manyChunks: sizes.length > 6 };
  },
  "four event streams side by side": async ({ url, measured }) => {
    const order: string[] = [];
    const all = await Promise.all(["a", "b", "c", "d"].map(async (id) => {
      const response = await fetch(`${url}/sse?id=${id}`);
      let length = 0;
      for await (const chunk of response.body!) {
        order.push(id);
        length += chunk.length;
      }
      return length;
    }));
    measured["order"] = order.join("");
    return all;
  },
  "one-byte chunks": async ({ url, measured }) => {
    const response = await fetch(`${url}/drip`);
    const chunks = await readChunks(response.body!);
    measured["sizes"] = chunks.map(({ length }) => length);
    return { text: new TextDecoder().decode(concat(chunks)), several: chunks.length > 5 };
  },
  "a slow head and a slow body": async ({ url }) => {
    const start = performance.now();
    const head = await (await fetch(`${url}/slow-headers`)).text();
    const between = performance.now();
    const body = await (await fetch(`${url}/slow-body`)).text();
    return { head, body, slow: [between - start > 40, performance.now() - between > 40] };
  },
  "a stream nobody reads": async (env) => {
    const response = await fetch(gatedUrl(env, "nobody", ["a"], "finish"));
    await release(env, "nobody");
    await release(env, "nobody");
    return { status: response.status, used: response.bodyUsed, text: await response.text() };
  },
  "an error in the caller's loop": async (env) => {
    const response = await fetch(gatedUrl(env, "thrower", ["a"], "hold"));
    await release(env, "thrower");
    let error: unknown;
    try {
      for await (const _ of response.body!) throw new RangeError("mine");
    } catch (caught) {
      error = caught;
    }
    return { error: describeError(error), gone: await gone(env, "thrower") };
  },
};

function named(theme: string, runs: Readonly<Record<string, Run>>): ContractCase[] {
  return Object.entries(runs).map(([name, run]) => ({ name: `${theme}: ${name}`, run }));
}

export const pipeCases: readonly ContractCase[] = [
  ...named("byte stream", byteReaders),
  ...named("pipe", pipes),
  ...named("live stream", live),
];
