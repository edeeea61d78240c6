/** `AbortSignal.timeout`. */

import { QUIRKS } from "../base/runtime.ts";
import type { SeamContext } from "./context.ts";
import { asDelay, FOREVER } from "./delay.ts";
import { plain } from "./registry.ts";

function timeoutError(): DOMException {
  const error = new DOMException(QUIRKS.timeoutMessage, "TimeoutError");
  // Bun gives a DOMException that a program makes no stack, but its own have one.
  if (error.stack === undefined) {
    const value = `TimeoutError: ${QUIRKS.timeoutMessage}`;
    Object.defineProperty(error, "stack", { value, writable: true, configurable: true });
  }
  return error;
}

/**
 * `AbortSignal.timeout`: a timer that keeps no process alive, and a signal that it aborts. Where a listener
 * keeps the platform's own timer alive (Deno, which then has methods of its own on the prototype), it does so
 * here.
 */
export function patchAbortTimeout(context: SeamContext): void {
  const { registry, session, bindContext, quietly, nativeTimers } = context;
  const timers = new WeakMap<object, { ref(on: boolean): void }>();
  registry.method(AbortSignal, "timeout", (original) =>
    plain(function (this: unknown, ...args: unknown[]) {
      const held = session();
      // Asked first for what it throws; its own signal is of no further use.
      const native = quietly(() => Reflect.apply(original, this, args)) as AbortSignal;
      if (held === undefined) return native;
      const delay = asDelay(args[0]);
      const controller = new AbortController();
      const abort = (reason: unknown) => controller.abort(reason);
      const bound = QUIRKS.signalKeepsContext ? bindContext(abort) : abort;
      let handle: { ref?(): void; unref?(): void } | undefined;
      held.open({ type: "timer", kind: "signal", delay }, () => {
        bound(timeoutError());
      }, {
        start: (deliver, elapsed = 0) => {
          const fire = () => deliver({ type: "fire", value: new Uint8Array(0) });
          const rest = Math.min(Math.max(0, delay - elapsed), FOREVER);
          handle = nativeTimers.setTimeout(fire, rest) as unknown as typeof handle;
          handle?.unref?.();
        },
      });
      timers.set(controller.signal, { ref: (on) => on ? handle?.ref?.() : handle?.unref?.() });
      return controller.signal;
    }));
  for (const [key, keep] of [["addEventListener", true], ["removeEventListener", false]] as const) {
    if (!Object.hasOwn(AbortSignal.prototype, key)) continue;
    registry.method(
      AbortSignal.prototype,
      key,
      (original) =>
        plain(function (this: object, ...args: unknown[]) {
          if (args[0] === "abort") timers.get(this)?.ref(keep);
          return Reflect.apply(original, this, args);
        }),
    );
  }
}
