/**
 * Notices that the process ends, in whatever way JavaScript can notice it. The callback may come several
 * times; the last one is last. A signal's default action and a crash run no JavaScript: what was not yet in
 * the file then is lost, a few milliseconds at most.
 */

import type { PatchRegistry } from "../seams/registry.ts";
import { plain } from "../seams/registry.ts";

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
