/**
 * Notices that the process ends, in whatever way JavaScript can notice it. The callback may come several
 * times; the last one is last. A signal's default action and a crash run no JavaScript: what was not yet in
 * the file then is lost, a few milliseconds at most.
 */

import { QUIRKS } from "../base/runtime.ts";
import type { PatchRegistry } from "../seams/registry.ts";
import { plain } from "../seams/registry.ts";

/** What is done about an error that most likely ends the process. */
export interface Doom {
  /** Nobody handles the error, as far as can be told. */
  pause(): void;
  /** Somebody does: the program goes on. */
  resume(): void;
}

/**
 * Tells of errors that nobody catches. Bun and Deno go on for a while then: with what is handed to the program in
 * the same turn of the loop. How much that is would be up to the world, and no replay could come to the same.
 * `setImmediate` is the platform's own.
 */
export function watchUncaught(doom: Doom, setImmediate: (callback: () => void) => unknown): void {
  if (QUIRKS.livesOnAfterError) watchMonitor(doom);
  if (QUIRKS.errorsAreEvents) watchEvents(doom, setImmediate);
}

function watchMonitor(doom: Doom): void {
  const target = globalThis.process;
  target.on("uncaughtExceptionMonitor", () => {
    if (target.listenerCount("uncaughtException") > 0 || target.hasUncaughtExceptionCaptureCallback()) return;
    doom.pause();
  });
  // A rejection need not end the process where the user says so.
  const options = [...target.execArgv, target.env.BUN_OPTIONS ?? ""].join(" ");
  if (/--unhandled-rejections[= ](?!throw|strict)/.test(options)) return;
  const onRejection = (reason: unknown) => {
    if (target.listenerCount("unhandledRejection") > 1) return;
    target.removeListener("unhandledRejection", onRejection);
    doom.pause();
    // Now nobody handles it, and the platform says so as it does.
    void Promise.reject(reason);
  };
  target.on("unhandledRejection", onRejection);
}

function watchEvents(doom: Doom, setImmediate: (callback: () => void) => unknown): void {
  const { addEventListener, queueMicrotask } = globalThis as unknown as {
    addEventListener(type: string, listener: (event: { readonly defaultPrevented: boolean }) => void): void;
    queueMicrotask(callback: () => void): void;
  };
  for (const type of ["error", "unhandledrejection"]) {
    addEventListener(type, (event) => {
      doom.pause();
      // The program's own listeners come later, and may prevent it.
      queueMicrotask(() => event.defaultPrevented && doom.resume());
      // Nor does an event end anything that the program itself has sent: then it is still there two turns later.
      setImmediate(() => setImmediate(() => doom.resume()));
    });
  }
}

/**
 * Calls `flush` when something may end the process, with true where it most likely does, and `end` when it is
 * ending.
 */
export function watchEnding(
  registry: PatchRegistry,
  flush: (last?: boolean) => void,
  end: (code: number) => void,
): void {
  const target = globalThis.process;
  // After the program's own listeners, where the runtime goes through `process.emit` (Node, Deno).
  // On the process itself: its class shares `emit` with every other emitter.
  registry.own(target, "emit", (original) =>
    plain(function (this: unknown, ...args: unknown[]) {
      try {
        return Reflect.apply(original, this, args);
      } finally {
        if (args[0] === "exit") end(Number(args[1] ?? 0));
      }
    }));
  target.on("exit", (code) => end(code));
  for (const key of ["kill", "abort", "reallyExit"]) {
    registry.method(target, key, (original) =>
      plain(function (this: unknown, ...args: unknown[]) {
        flush();
        return Reflect.apply(original, this, args);
      }));
  }
  const { Deno, addEventListener } = globalThis as unknown as {
    Deno?: object;
    addEventListener?: (type: string, listener: () => void) => void;
  };
  if (Deno === undefined) return;
  for (const key of ["exit", "kill"]) {
    registry.method(Deno, key, (original) =>
      plain(function (this: unknown, ...args: unknown[]) {
        flush(key === "exit");
        return Reflect.apply(original, this, args);
      }));
  }
  // An uncaught error ends Deno without an `exit` event; these are told first.
  for (const type of ["error", "unhandledrejection", "unload"]) addEventListener?.(type, () => flush(true));
}
