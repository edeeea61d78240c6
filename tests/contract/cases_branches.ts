/** A body in two: tee, clone, wrapped, sent on. */
import type { CaseEnv, ContractCase } from "./contract.ts";
import { deferred, gatedUrl, loose, release } from "./cases_help.ts";
import { concat, decodeLatin1 as decode, outcome, readChunks, summary, tag } from "./observe.ts";

const runs: Readonly<Record<string, (env: CaseEnv) => Promise<unknown>>> = {
  "tee: both see all": async ({ url }) => {
    const response = await fetch(`${url}/big`);
    const [left, right] = response.body!.tee();
    const parts = await Promise.all([readChunks(left), readChunks(right)]);
    return { sums: parts.map((chunks) => summary(concat(chunks))), locked: response.body!.locked };
  },
  "tee: one is cancelled": async (env) => {
    const response = await fetch(gatedUrl(env, "tee", ["a", "b"]));
    const [left, right] = response.body!.tee();
    // A cancelled branch settles only with the other, so its promise is awaited at the end.
    const cancelled = outcome(() => left.cancel("mine"));
    const reader = right.getReader();
    await release(env, "tee");
    const first = decode((await reader.read()).value);
    await release(env, "tee");
    const second = decode((await reader.read()).value);
    await reader.cancel("yours");
    return { first, second, cancelled: await cancelled };
  },
  "tee: chunks are shared or not": async ({ url }) => {
    const [left, right] = (await fetch(`${url}/bytes`)).body!.tee();
    const [a, b] = [await left.getReader().read(), await right.getReader().read()];
    return { same: a.value === b.value, sameBuffer: a.value!.buffer === b.value!.buffer };
  },
  "clone: read side by side, piece by piece": async (env) => {
    const response = await fetch(gatedUrl(env, "clone", ["a", "b"]));
    const readers = [response.clone().body!.getReader(), response.body!.getReader()] as const;
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      await release(env, "clone");
      for (const reader of readers) seen.push(decode((await reader.read()).value));
    }
    return seen;
  },
  "clone: one is cancelled, the other goes on": async (env) => {
    const response = await fetch(gatedUrl(env, "clone-cancel", ["a", "b"]));
    const clone = response.clone();
    const cancelled = outcome(() => clone.body!.cancel());
    const reader = response.body!.getReader();
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      await release(env, "clone-cancel");
      const { done, value } = await reader.read();
      seen.push(done ? "(end)" : decode(value));
    }
    const settled = deferred<unknown>();
    const timer = setTimeout(() => settled.resolve("pending"), 100);
    void cancelled.then(settled.resolve);
    const result = await settled.promise;
    clearTimeout(timer);
    return { seen, cancelled: result };
  },
  "the body in a new Response": async ({ url }) => {
    const response = await fetch(`${url}/json`);
    const wrapped = new Response(response.body, { status: 201 });
    const same = wrapped.body === response.body;
    return { same, text: await wrapped.text(), used: response.bodyUsed, status: wrapped.status };
  },
  "the body sent on as a request": async ({ url, measured }) => {
    const { body } = await fetch(`${url}/bytes`);
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    const { length, framing } = await (await fetch(`${url}/echo`, init)).json();
    // Bun knows the length of a body that has arrived whole, and then sends no chunks.
    measured["framing"] = framing;
    return length;
  },
  "members of the stream": async ({ url }) => {
    const { body } = await fetch(`${url}/json`);
    const seen = {
      instance: body instanceof ReadableStream,
      prototype: Object.getPrototypeOf(body) === ReadableStream.prototype,
      tag: tag(body),
      ownKeys: Object.keys(body!),
      iterator: typeof loose(body)[Symbol.asyncIterator],
    };
    await body!.cancel();
    return seen;
  },
};

export const branchCases: readonly ContractCase[] = Object.entries(runs).map(([name, run]) => ({
  name: `stream: ${name}`,
  run,
}));
