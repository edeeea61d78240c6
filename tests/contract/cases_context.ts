/** What surrounds a call: async context that follows it, and stacks that name the caller. */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import process from "node:process";
import * as timersPromises from "node:timers/promises";
import type { CaseEnv, ContractCase } from "./contract.ts";
import { gatedUrl, release } from "./cases_help.ts";
import { failure } from "./observe.ts";

const storage = new AsyncLocalStorage<string>();

/** What the store holds when `start` calls back. */
function heldIn(start: (note: () => void) => void): Promise<string> {
  return new Promise((resolve) => start(() => resolve(storage.getStore() ?? "nothing")));
}

type Run = (env: CaseEnv) => Promise<unknown>;

const context: Readonly<Record<string, Run>> = {
  "over fetch and its body": ({ url }) =>
    storage.run("mine", async () => {
      const response = await fetch(`${url}/json`);
      const head = storage.getStore();
      await response.text();
      return [head, storage.getStore()];
    }),
  "over a failing fetch": ({ url }) =>
    storage.run("mine", async () => {
      await failure(() => fetch(`${url}/reset`));
      return storage.getStore();
    }),
  "in a then": ({ url }) =>
    storage.run(
      "mine",
      () => fetch(`${url}/json`).then((response) => response.text()).then(() => storage.getStore()),
    ),
  "over the reads of a stream": (env) =>
    storage.run("mine", async () => {
      const response = await fetch(gatedUrl(env, "context", ["a"]));
      const seen: unknown[] = [];
      await release(env, "context");
      await release(env, "context");
      for await (const _ of response.body!) seen.push(storage.getStore());
      return [...seen, storage.getStore()];
    }),
  "of eight callers at once, each its own": ({ url }) =>
    Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        storage.run(`caller ${i}`, async () => {
          await new Promise((resolve) => setTimeout(resolve, 8 - i));
          await (await fetch(`${url}/echo`, { method: "POST", body: `${i}` })).text();
          return storage.getStore();
        })),
    ),
  "in timers": () =>
    storage.run("mine", () =>
      Promise.all([
        heldIn((note) => setTimeout(note, 1)),
        heldIn((note) => setImmediate(note)),
        heldIn((note) => process.nextTick(note)),
        heldIn((note) => queueMicrotask(note)),
        heldIn((note) => {
          const handle = setInterval(() => {
            clearInterval(handle);
            note();
          }, 1);
        }),
        heldIn((note) => void timersPromises.setTimeout(1).then(note)),
        heldIn((note) => void timersPromises.setImmediate().then(note)),
      ])),
  "in a callback of node:crypto": () => storage.run("mine", () => heldIn((note) => randomBytes(4, note))),
  "in a listener of AbortSignal.timeout": () =>
    storage.run("mine", async () => {
      const signal = AbortSignal.timeout(5);
      return await heldIn((note) => signal.addEventListener("abort", note));
    }),
  "outside of it there is none": async ({ url }) => {
    storage.run("mine", () => void failure(() => fetch(`${url}/json`)));
    await (await fetch(`${url}/json`)).text();
    return storage.getStore() ?? "nothing";
  },
  "by enterWith": async ({ url }) =>
    await storage.run("outer", async () => {
      storage.enterWith("entered");
      await (await fetch(`${url}/json`)).text();
      return storage.getStore();
    }),
  "in a snapshot": async ({ url }) => {
    const inside = storage.run("mine", () => AsyncLocalStorage.snapshot());
    await (await fetch(`${url}/json`)).text();
    return inside(() => storage.getStore());
  },
};

async function namedCaller(call: () => Promise<unknown>): Promise<unknown> {
  return await call();
}

const stacks: Readonly<Record<string, Run>> = {
  "of a network error": async ({ url }) => {
    const error = await failure(() => namedCaller(() => fetch(`${url}/reset`))) as Error;
    return { named: error.stack?.includes("namedCaller"), first: error.stack?.split("\n")[0] };
  },
  "of a bad argument": async () => {
    const error = await failure(() => namedCaller(() => fetch("http://["))) as Error;
    return { named: error.stack?.includes("namedCaller") };
  },
  "of a second read": async ({ url }) => {
    const response = await fetch(`${url}/json`);
    await response.text();
    const error = await failure(() => namedCaller(() => response.text())) as Error;
    return { named: error.stack?.includes("namedCaller") };
  },
  "of a body that breaks": async ({ url }) => {
    const response = await fetch(`${url}/truncated`);
    const error = await failure(() => namedCaller(() => response.text())) as Error;
    return { named: error.stack?.includes("namedCaller") };
  },
};

export const contextCases: readonly ContractCase[] = [
  ...Object.entries(context).map(([name, run]) => ({ name: `context: ${name}`, run })),
  ...Object.entries(stacks).map(([name, run]) => ({ name: `stack: ${name}`, run })),
];
