/** Network errors: before the head, in the body, and of URLs that lead nowhere. */
import process from "node:process";
import type { CaseEnv, ContractCase } from "./contract.ts";
import { deferred, gatedUrl, outcomes, refusedUrl, release } from "./cases_help.ts";
import { className, describeError, failure, outcome, readAtLeast, readChunks } from "./observe.ts";

/** Reads a stream that breaks: the pieces seen, then the error at each later look. */
async function breaking(env: CaseEnv, key: string, pieces: readonly string[], end: string): Promise<unknown> {
  const response = await fetch(gatedUrl(env, key, pieces, end));
  const reader = response.body!.getReader();
  const seen: string[] = [];
  for (const piece of pieces) {
    await release(env, key);
    seen.push(await readAtLeast(reader, piece.length));
  }
  await release(env, key);
  const error = await failure(() => reader.read());
  const again = await failure(() => reader.read());
  const closed = await failure(() => reader.closed);
  return {
    seen,
    error: describeError(error),
    again: again === error ? "the same error" : describeError(again),
    closed: closed === error ? "the same error" : describeError(closed),
    cancel: await outcome(() => reader.cancel()),
    text: await outcome(() => response.text()),
    used: response.bodyUsed,
  };
}

/** An unhandled rejection, as the process hears of it. */
async function unhandled(start: () => void): Promise<unknown> {
  const heard = deferred<unknown>();
  const listener = (reason: unknown, promise: unknown): void =>
    heard.resolve({ reason: describeError(reason), promise: className(promise) });
  process.on("unhandledRejection", listener);
  const timer = setTimeout(() => heard.resolve("nothing heard"), 2000);
  start();
  const seen = await heard.promise;
  clearTimeout(timer);
  process.off("unhandledRejection", listener);
  return seen;
}

export const errorCases: readonly ContractCase[] = [
  {
    name: "network error: a refused port",
    run: async (env) => {
      const target = await refusedUrl(env);
      return await outcome(() => fetch(`${target}/x`));
    },
  },
  ...["reset", "close", "garbage"].map((path): ContractCase => ({
    name: `network error: ${path} before the head`,
    run: ({ url }) => outcome(() => fetch(`${url}/${path}`)),
  })),
  {
    name: "network error: reset of a POST",
    run: ({ url }) => outcome(() => fetch(`${url}/reset`, { method: "POST", body: "x" })),
  },
  {
    name: "network error: a host that does not exist",
    run: () => outcome(() => fetch("http://no-such-host.invalid/x")),
  },
  {
    name: "network error: TLS to a port that speaks none",
    run: ({ url }) => outcome(() => fetch(`${url.replace("http:", "https:")}/json`)),
  },
  {
    name: "network error: URLs that can't be fetched",
    run: () =>
      outcomes({
        unsupported: () => fetch("ftp://127.0.0.1/x"),
        unknown: () => fetch("nope:x"),
        about: () => fetch("about:blank"),
        javascript: () => fetch("javascript:1"),
        "no host": () => fetch("http://"),
        "bad port": () => fetch("http://127.0.0.1:99999/"),
        "blocked port": () => fetch("http://127.0.0.1:1/"),
        "bad brackets": () => fetch("http://[::g]/"),
      }),
  },
  {
    name: "network error: each failure has its own error",
    async run({ url }) {
      const [a, b] = [await failure(() => fetch(`${url}/reset`)), await failure(() => fetch(`${url}/reset`))];
      return { same: a === b, stack: typeof (a as Error).stack };
    },
  },
  {
    name: "network error: after it the next request goes through",
    async run({ url }) {
      await failure(() => fetch(`${url}/reset`));
      return await (await fetch(`${url}/text`)).text();
    },
  },
  {
    name: "network error: among answers in Promise.allSettled",
    async run({ url }) {
      const settled = await Promise.allSettled(
        ["json", "reset", "text"].map((path) => fetch(`${url}/${path}`)),
      );
      return settled.map((one) => one.status === "fulfilled" ? one.value.status : className(one.reason));
    },
  },
  ...[0, 1, 3].map((count): ContractCase => ({
    name: `body error: reset after ${count} pieces`,
    run: (env) => breaking(env, `reset-${count}`, ["one", "two", "three"].slice(0, count), "reset"),
  })),
  {
    name: "body error: the connection closes in the middle of a chunked body",
    run: (env) => breaking(env, "close-2", ["one", "two"], "close"),
  },
  ...["text", "json", "arrayBuffer", "bytes", "blob"].map((method): ContractCase => ({
    name: `body error: a truncated body read by ${method}`,
    run: async ({ url }) => {
      const response = await fetch(`${url}/truncated`);
      const result = await outcome(() => response[method as "text"]());
      return { result, used: response.bodyUsed, again: await outcome(() => response.text()) };
    },
  })),
  {
    // Bun says that the type is wrong, or that the connection broke if it knows of that first.
    name: "body error: a truncated body read by formData",
    run: async ({ url, measured }) => {
      const response = await fetch(`${url}/truncated`);
      measured["result"] = await outcome(() => response.formData());
      measured["again"] = await outcome(() => response.text());
      return response.bodyUsed;
    },
  },
  {
    name: "body error: a truncated chunked body",
    run: async ({ url }) => {
      const response = await fetch(`${url}/truncated-chunked`);
      return await outcome(() => response.text());
    },
  },
  {
    name: "body error: both clones hear of it",
    async run(env) {
      const response = await fetch(gatedUrl(env, "clones", ["a"], "reset"));
      const clone = response.clone();
      await release(env, "clones");
      const readers = [response.body!.getReader(), clone.body!.getReader()];
      const seen = await Promise.all(readers.map((reader) => readAtLeast(reader, 1)));
      await release(env, "clones");
      const errors = await Promise.all(readers.map((reader) => failure(() => reader.read())));
      return { seen, errors: errors.map((error) => describeError(error)), same: errors[0] === errors[1] };
    },
  },
  {
    name: "body error: through a pipe",
    async run(env) {
      const response = await fetch(gatedUrl(env, "pipe", ["a"], "reset"));
      const reader = response.body!.pipeThrough(new TransformStream<Uint8Array, Uint8Array>()).getReader();
      await release(env, "pipe");
      const seen = await readAtLeast(reader, 1);
      await release(env, "pipe");
      return { seen, error: describeError(await failure(() => reader.read())) };
    },
  },
  {
    name: "body error: in for await",
    async run(env) {
      const response = await fetch(gatedUrl(env, "loop", ["a"], "reset"));
      const seen: number[] = [];
      await release(env, "loop");
      const error = await failure(async () => {
        for await (const chunk of response.body!) {
          seen.push(chunk.length);
          await release(env, "loop");
        }
      });
      return { seen, error: describeError(error) };
    },
  },
  {
    name: "body error: in a body nobody reads",
    async run(env) {
      const response = await fetch(gatedUrl(env, "unread-reset", [], "reset"));
      await release(env, "unread-reset");
      return { status: response.status, later: await outcome(() => readChunks(response.body!)) };
    },
  },
  {
    name: "unhandled: a fetch that nobody awaits",
    run: ({ url }) => unhandled(() => void fetch(`${url}/reset`)),
  },
  {
    name: "unhandled: a fetch aborted before the call",
    run: ({ url }) => unhandled(() => void fetch(`${url}/json`, { signal: AbortSignal.abort("gone") })),
  },
  {
    name: "unhandled: a body read that nobody awaits",
    run: async ({ url }) => {
      const response = await fetch(`${url}/truncated`);
      return await unhandled(() => void response.text());
    },
  },
  {
    name: "unhandled: a rejection that is caught in time makes no noise",
    async run({ url }) {
      let heard = 0;
      const listener = (): void => void heard++;
      process.on("unhandledRejection", listener);
      const errors = await Promise.all([1, 2, 3].map(() => failure(() => fetch(`${url}/reset`))));
      await new Promise((resolve) => setTimeout(resolve, 20));
      process.off("unhandledRejection", listener);
      return { heard, errors: errors.map(className) };
    },
  },
];
