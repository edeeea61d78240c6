/** Timers as their callers see them: handles, arguments, errors. */
import * as nodeTimers from "node:timers";
import process from "node:process";
import type { ContractCase } from "./contract.ts";
import { deferred, loose, outcomes } from "./cases_help.ts";
import { className, describeError, outcome, tag } from "./observe.ts";

/** The global timers without the types of one runtime: handles differ, and odd arguments are the point. */
type Start = (callback?: unknown, delay?: unknown, ...args: unknown[]) => unknown;
type Stop = (handle?: unknown) => unknown;
interface Timers {
  readonly setTimeout: Start;
  readonly setInterval: Start;
  readonly setImmediate: Start;
  readonly clearTimeout: Stop;
  readonly clearInterval: Stop;
  readonly clearImmediate: Stop;
}
const globals = globalThis as unknown as Timers;
const named = nodeTimers as unknown as Timers;

/** What a handle shows. Its number is drawn by the runtime and left out. */
function describeHandle(handle: unknown): unknown {
  if (typeof handle !== "object" || handle === null) return { type: typeof handle };
  const held = loose(handle);
  const members = ["ref", "unref", "hasRef", "refresh", "close", Symbol.toPrimitive, Symbol.dispose];
  return {
    type: typeof handle,
    class: className(handle),
    tag: tag(handle),
    members: members.map((key) => [String(key), typeof held[key]]),
    coerced: typeof held[Symbol.toPrimitive] === "function" ? typeof Number(handle) : "none",
  };
}

async function handles(timers: Timers): Promise<unknown> {
  const timeout = timers.setTimeout(() => {}, 1000);
  const interval = timers.setInterval(() => {}, 1000);
  const immediate = timers.setImmediate(() => {});
  const seen = {
    timeout: describeHandle(timeout),
    interval: describeHandle(interval),
    immediate: describeHandle(immediate),
  };
  const cleared = [
    timers.clearTimeout(timeout),
    timers.clearInterval(interval),
    timers.clearImmediate(immediate),
  ];
  return { ...seen, cleared };
}

async function callbacks(timers: Timers): Promise<unknown> {
  const seen: Record<string, unknown> = {};
  const done = deferred<void>();
  const holder = { handle: undefined as unknown };
  holder.handle = timers.setTimeout(
    function (this: unknown, ...args: unknown[]) {
      seen["timeout"] = { this: className(this), isHandle: this === holder.handle, args };
      timers.setImmediate(function (this: unknown, ...rest: unknown[]) {
        seen["immediate"] = { this: className(this), args: rest };
        const interval = timers.setInterval(
          function (this: unknown, ...more: unknown[]) {
            seen["interval"] = { this: className(this), isHandle: this === interval, args: more };
            timers.clearInterval(interval);
            done.resolve();
          },
          1,
          "i",
        );
      }, "m");
    },
    1,
    "a",
    undefined,
    { b: 1 },
  );
  await done.promise;
  return seen;
}

function badCallbacks(timers: Timers): Promise<unknown> {
  // Strings of code are left out: one runtime runs them.
  return outcomes(Object.fromEntries(
    ([["none", undefined], ["null", null], ["number", 1], ["object", {}]] as const).flatMap((
      [name, value],
    ) => [
      [`timeout ${name}`, () => timers.clearTimeout(timers.setTimeout(value, 1))],
      [`interval ${name}`, () => timers.clearInterval(timers.setInterval(value, 1))],
      [`immediate ${name}`, () => timers.clearImmediate(timers.setImmediate(value))],
    ]),
  ));
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const both: readonly (readonly [string, Timers])[] = [["globals", globals], ["node:timers", named]];

export const timerCases: readonly ContractCase[] = [
  ...both.flatMap(([name, timers]): ContractCase[] => [
    { name: `timers of ${name}: handles`, run: () => handles(timers) },
    { name: `timers of ${name}: this and arguments`, run: () => callbacks(timers) },
    { name: `timers of ${name}: callbacks that are none`, run: () => badCallbacks(timers) },
    {
      name: `timers of ${name}: clearing`,
      async run() {
        const fired: string[] = [];
        const note = (text: string) => () => fired.push(text);
        timers.clearTimeout(timers.setTimeout(note("cleared"), 1));
        timers.clearInterval(timers.setTimeout(note("cleared as interval"), 1));
        timers.clearTimeout(timers.setInterval(note("interval cleared as timeout"), 1));
        timers.clearImmediate(timers.setImmediate(note("immediate")));
        const byNumber = timers.setTimeout(note("by number"), 1);
        timers.clearTimeout(Number(byNumber));
        const byText = timers.setTimeout(note("by text"), 1);
        timers.clearTimeout(String(Number(byText)));
        const odd = await outcomes({
          none: () => timers.clearTimeout(),
          null: () => timers.clearTimeout(null),
          text: () => timers.clearTimeout("no timer"),
          object: () => timers.clearTimeout({}),
          number: () => timers.clearTimeout(987654321),
          twice: () => {
            const handle = timers.setTimeout(() => {}, 1);
            timers.clearTimeout(handle);
            timers.clearTimeout(handle);
          },
        });
        await after(20);
        return { fired, odd };
      },
    },
    {
      name: `timers of ${name}: an interval that stops itself`,
      async run() {
        const done = deferred<number>();
        let count = 0;
        const handle = timers.setInterval(() => {
          if (++count < 4) return;
          timers.clearInterval(handle);
          done.resolve(count);
        }, 2);
        const seen = await done.promise;
        await after(10);
        return [seen, count];
      },
    },
  ]),
  {
    name: "timers: ref, unref and refresh",
    async run() {
      const handle = loose(setTimeout(() => {}, 1000));
      if (typeof handle["unref"] !== "function") {
        clearTimeout(handle as unknown as number);
        return "handles without members";
      }
      const call = (key: string): unknown => (handle[key] as () => unknown).call(handle);
      const states = [
        call("hasRef"),
        call("unref") === handle,
        call("hasRef"),
        call("ref") === handle,
        call("hasRef"),
      ];
      const refreshed = call("refresh") === handle;
      const closed = call("close") === handle;
      return { states, refreshed, closed };
    },
  },
  {
    name: "timers: refresh fires again",
    async run() {
      let count = 0;
      const handle = setTimeout(() => count++, 5) as unknown as { refresh?: () => void };
      if (handle.refresh === undefined) {
        clearTimeout(handle as unknown as number);
        return "no refresh";
      }
      await after(20);
      handle.refresh();
      await after(20);
      return count;
    },
  },
  {
    name: "timers: Symbol.dispose clears",
    async run() {
      let fired = false;
      const handle = setTimeout(() => fired = true, 5) as unknown as { [Symbol.dispose]?: () => void };
      if (handle[Symbol.dispose] === undefined) {
        clearTimeout(handle as unknown as number);
        return "no dispose";
      }
      handle[Symbol.dispose]!();
      await after(20);
      return { fired };
    },
  },
  {
    name: "timers: odd delays",
    async run() {
      const fired: string[] = [];
      const delays: readonly unknown[] = [undefined, null, 0, "3", 1.7, true];
      for (const delay of delays) globals.setTimeout(() => fired.push(String(delay)), delay);
      const symbol = await outcome(() => globals.clearTimeout(globals.setTimeout(() => {}, Symbol("s"))));
      const big = await outcome(() => globals.clearTimeout(globals.setTimeout(() => {}, 10n)));
      await after(30);
      return { fired: fired.toSorted(), symbol, big };
    },
  },
  {
    name: "noisy: delays below zero, not a number, too large",
    async run() {
      const warnings: unknown[] = [];
      const listener = (warning: Error): void => void warnings.push([warning.name, warning.message]);
      process.on("warning", listener);
      const fired: string[] = [];
      for (const delay of [-5, NaN, {}, 2 ** 31]) globals.setTimeout(() => fired.push(String(delay)), delay);
      await after(30);
      process.off("warning", listener);
      return { fired: fired.toSorted(), warned: warnings.length > 0 };
    },
  },
  {
    name: "timers: an error in a callback reaches the process",
    async run() {
      const heard = deferred<unknown>();
      const listener = (error: unknown): void => heard.resolve(describeError(error));
      process.on("uncaughtException", listener);
      const timer = setTimeout(() => heard.resolve("nothing heard"), 2000);
      setTimeout(() => {
        throw new RangeError("from a timer");
      }, 1);
      const seen = await heard.promise;
      clearTimeout(timer);
      process.off("uncaughtException", listener);
      return seen;
    },
  },
];
