/**
 * Puts all seams in place, once for a process, and takes them away again. To add a surface, write a seam in a
 * file of its own and name it here.
 */

import type { AsyncLocalStorage } from "node:async_hooks";
import type { Session } from "../session/session.ts";
import { QUIRKS } from "../base/runtime.ts";
import { Builtins } from "./builtins.ts";
import { clockSeam } from "./clock.ts";
import { consoleClockSeam } from "./console_clock.ts";
import type { NativeTimers, Seam, SeamContext } from "./context.ts";
import { environmentSeam } from "./environment.ts";
import { fetchSeam } from "./fetch.ts";
import { guardSeam } from "./guard.ts";
import { randomSeam } from "./random.ts";
import { type AnyFunction, PatchRegistry } from "./registry.ts";
import { serverClockSeam } from "./server_clock.ts";
import { stdioSeam } from "./stdio.ts";
import { timersSeam } from "./timers.ts";
import { workSeam } from "./work.ts";

const SEAMS: readonly Seam[] = [
  stdioSeam,
  environmentSeam,
  guardSeam,
  randomSeam,
  clockSeam,
  consoleClockSeam,
  timersSeam,
  serverClockSeam,
  workSeam,
  fetchSeam,
];

type Storage = typeof AsyncLocalStorage;

/** The platform as it was before the first patch, and the way into and out of real calls. */
export interface Platform {
  readonly timers: NativeTimers;
  readonly now: () => number;
  readonly performanceNow: () => number;
  /** While on, patches pass through: a platform function may call another patched one. */
  readonly quiet: { on: boolean };
  /** True while a real call's own code runs. */
  inside(): boolean;
  runInside<T>(call: () => T): T;
  /** Runs `call` in the context in which the program began: outside of all real calls. */
  neutral<T>(call: () => T): T;
  readonly builtins: Builtins;
  /** For the beginning of each turn in which something is handed to the program. */
  beginTurn(): void;
  /** How many calls went to the network for real. */
  readonly crossings: { network: number };
}

/** Takes the platform's functions before anything is patched. */
export function takePlatform(): Platform {
  const builtins = new Builtins();
  const { AsyncLocalStorage: Local } = builtins.get<{ AsyncLocalStorage: Storage }>("node:async_hooks")!;
  const inside = new Local<true>();
  const neutral = Local.snapshot() as <T>(call: () => T) => T;
  // Entered by a snapshot, not by `run`, which leaves a trace of itself in the context it returns to: Node then
  // makes an object for each microtask, which shows in the stack of an uncaught error, and a replay, in which no
  // real call runs, would not.
  const enter = neutral(() => inside.run(true, () => Local.snapshot())) as <T>(call: () => T) => T;
  const { setTimeout, clearTimeout, setInterval, setImmediate } = globalThis;
  const { now } = Date;
  const clock = performance.now.bind(performance);
  const nextTick = globalThis.process.nextTick.bind(globalThis.process);
  const nothing = () => {};
  return {
    builtins,
    timers: {
      setTimeout,
      clearTimeout,
      setInterval,
      setImmediate: (callback) =>
        neutral(() => {
          const handle = setImmediate(callback);
          // With another one behind it, Node always drains microtasks from the same place: an uncaught error
          // that has no stack prints that place.
          if (QUIRKS.pairedImmediates) setImmediate(() => {});
          return handle;
        }),
    },
    quiet: { on: false },
    // Real calls leave ticks behind, a replay has none, and Node drains microtasks from another place then: what it
    // prints of an error in a microtask names the place. With a tick in every turn it is always the same one.
    // Bun tells of rejections when the next immediate runs: with one asked for in every turn that is at once.
    beginTurn: QUIRKS.pairedImmediates
      ? () => nextTick(nothing)
      : QUIRKS.rejectionsWait
      ? () => void neutral(() => setImmediate(nothing))
      : nothing,
    crossings: { network: 0 },
    now: () => now(),
    performanceNow: clock,
    inside: () => inside.getStore() === true,
    runInside: (call) => enter(call),
    neutral: (call) => neutral(call),
  };
}

/** Seams in place. */
export interface Installed {
  readonly registry: PatchRegistry;
  /** Puts the platform back. */
  undo(): void;
}

/** Installs all seams. `session` tells which session holds a call; undefined lets it pass. */
export function installSeams(platform: Platform, session: () => Session | undefined): Installed {
  const registry = new PatchRegistry();
  const { AsyncLocalStorage: Local } = platform.builtins.get<{ AsyncLocalStorage: Storage }>(
    "node:async_hooks",
  )!;
  const context: SeamContext = {
    registry,
    builtins: platform.builtins,
    nativeTimers: platform.timers,
    session: () => platform.quiet.on || platform.inside() ? undefined : session(),
    crossed: () => void platform.crossings.network++,
    quietly(call) {
      const before = platform.quiet.on;
      platform.quiet.on = true;
      try {
        return call();
      } finally {
        platform.quiet.on = before;
      }
    },
    bindContext: <F extends AnyFunction>(callback: F) => {
      // Not `Local.bind`: Bun's loses `this`.
      const inContext = Local.snapshot() as unknown as (run: AnyFunction) => unknown;
      return function (this: unknown, ...args: unknown[]) {
        return inContext(() => Reflect.apply(callback, this, args));
      } as unknown as F;
    },
  };
  for (const seam of SEAMS) seam(context);
  platform.builtins.publish(registry);
  return { registry, undo: () => registry.undoAll() };
}
