/** Timers as promises: promisified, and of `node:timers/promises`. */
import * as timersPromises from "node:timers/promises";
import { promisify } from "node:util";
import type { ContractCase } from "./contract.ts";
import { outcomes } from "./cases_help.ts";
import { describeError, failure, outcome } from "./observe.ts";

export const timersPromisesCases: readonly ContractCase[] = [
  {
    name: "timers: promisified",
    async run() {
      const wait = promisify(setTimeout) as unknown as (ms: number, value: string) => Promise<string>;
      const turn = promisify(setImmediate) as unknown as (value: string) => Promise<string>;
      return [await outcome(() => wait(1, "value")), await outcome(() => turn("turn"))];
    },
  },
  {
    name: "timers/promises: values",
    async run() {
      const call = timersPromises.setTimeout(1, "value");
      return [
        call instanceof Promise,
        await call,
        await timersPromises.setTimeout(1),
        await timersPromises.setTimeout(),
        await timersPromises.setImmediate("turn"),
        await timersPromises.scheduler.wait(1),
        await timersPromises.scheduler.yield(),
      ];
    },
  },
  {
    name: "timers/promises: aborted",
    async run() {
      const reason = new RangeError("mine");
      const running = new AbortController();
      const call = failure(() => timersPromises.setTimeout(5000, undefined, { signal: running.signal }));
      running.abort(reason);
      const error = await call as { cause?: unknown };
      const before = await failure(() =>
        timersPromises.setTimeout(5, 0, { signal: AbortSignal.abort(reason) })
      );
      const turn = await failure(() => timersPromises.setImmediate(0, { signal: AbortSignal.abort() }));
      return {
        error: describeError(error),
        cause: error.cause === reason,
        before: describeError(before),
        turn: describeError(turn),
      };
    },
  },
  {
    name: "timers/promises: bad arguments",
    run: () => {
      const wait = timersPromises.setTimeout as unknown as (...args: unknown[]) => Promise<unknown>;
      return outcomes({
        signal: () => wait(1, 0, { signal: "none" }),
        options: () => wait(1, 0, 42),
        ref: () => wait(1, 0, { ref: "yes" }),
        delay: () => wait("x", 7),
      });
    },
  },
  {
    name: "timers/promises: an interval, left by break",
    async run() {
      const seen: string[] = [];
      for await (const value of timersPromises.setInterval(2, "tick")) {
        seen.push(value);
        if (seen.length === 3) break;
      }
      return seen;
    },
  },
  {
    name: "timers/promises: an interval, aborted",
    async run() {
      const controller = new AbortController();
      const seen: string[] = [];
      const error = await failure(async () => {
        for await (const value of timersPromises.setInterval(2, "tick", { signal: controller.signal })) {
          seen.push(value);
          if (seen.length === 2) controller.abort();
        }
      });
      return { seen, error: describeError(error) };
    },
  },
];
