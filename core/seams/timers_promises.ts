/**
 * `node:timers/promises`. The platform's own functions are asked for their errors only: whether a value or an abort
 * comes first is settled where the program sees it.
 */

import type { Session } from "../session/session.ts";
import type { SeamContext } from "./context.ts";
import { asDelay } from "./delay.ts";
import { type AnyFunction, plain } from "./registry.ts";

/** `timers/promises`: the platform's own is asked for its errors, the session for the value. */
export function promisePatch(
  context: SeamContext,
  kind: "sleep" | "immediate",
): (original: AnyFunction) => AnyFunction {
  return (original) =>
    plain((...args: unknown[]) => {
      const session = context.session();
      if (session === undefined) return original(...args);
      const [delay, value, options] = kind === "immediate" ? [undefined, ...args] : args;
      return sleep(context, session, original, kind, delay, value, options);
    });
}

function sleep(
  context: SeamContext,
  session: Session,
  original: AnyFunction,
  kind: "sleep" | "immediate",
  delay: unknown,
  value: unknown,
  options: unknown,
): Promise<unknown> {
  const signal = (options as { signal?: AbortSignal } | undefined)?.signal;
  // Bad arguments and a signal that has fired already: the platform rejects, and nothing was asked for.
  const invalid = signal !== undefined && (typeof signal !== "object" || signal?.aborted !== false);
  const badDelay = delay !== undefined && typeof delay !== "number";
  const ref = (options as { ref?: unknown } | null | undefined)?.ref;
  const badOptions = (options !== undefined && (typeof options !== "object" || options === null)) ||
    (ref !== undefined && typeof ref !== "boolean");
  if (invalid || badDelay || badOptions) {
    const raw = () => kind === "immediate" ? original(value, options) : original(delay, value, options);
    return context.quietly(raw) as Promise<unknown>;
  }
  return new Promise((resolve, reject) => {
    const { nativeTimers } = context;
    let handle: { unref?(): void } | undefined;
    const over = () => {
      signal?.removeEventListener("abort", onAbort);
      nativeTimers.clearTimeout(handle as unknown as number);
    };
    // Whether the abort or the value comes first is settled where the program sees it, not in the platform.
    const onAbort = () => {
      over();
      op.cancel();
      const refuse = () => kind === "immediate" ? original(value, options) : original(delay, value, options);
      (context.quietly(refuse) as Promise<unknown>).catch(reject);
    };
    const op = session.open({ type: "timer", kind, delay: asDelay(delay ?? 1) }, () => {
      over();
      resolve(value);
    }, {
      start: (deliver, elapsed = 0) => {
        const fire = () => deliver({ type: "fire", value: new Uint8Array(0) });
        if (kind === "immediate") nativeTimers.setImmediate(fire);
        else {
          const rest = elapsed === 0 ? delay as number : Math.max(0, asDelay(delay ?? 1) - elapsed);
          handle = nativeTimers.setTimeout(fire, rest) as unknown as typeof handle;
        }
        if (ref === false) handle?.unref?.();
      },
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

export function intervalPatch(
  context: SeamContext,
  setIntervalNow: AnyFunction,
  clearIntervalNow: AnyFunction,
) {
  type Options = { signal?: AbortSignal; ref?: boolean };
  return (original: AnyFunction): AnyFunction => {
    // Built on the held `setInterval`, as the platforms build theirs; the original is asked for its errors.
    const ticks = async function* setInterval(delay?: unknown, value?: unknown, options?: Options) {
      const native = () => original(delay, value, options) as AsyncGenerator<unknown>;
      const signal = options?.signal;
      const odd = options !== undefined && (typeof options !== "object" || options === null);
      if (context.session() === undefined || odd || signal?.aborted) return yield* native();
      let waiting = 0;
      let wake: (() => void) | undefined;
      const handle = setIntervalNow(() => {
        waiting++;
        wake?.();
      }, delay) as { unref?(): void };
      if (options?.ref === false) handle.unref?.();
      const onAbort = () => {
        clearIntervalNow(handle);
        wake?.();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        while (true) {
          if (waiting === 0 && !signal?.aborted) await new Promise<void>((resolve) => wake = resolve);
          if (signal?.aborted) await native().next();
          for (; waiting > 0; waiting--) yield value;
        }
      } finally {
        clearIntervalNow(handle);
        signal?.removeEventListener("abort", onAbort);
      }
    };
    const generator = original.constructor.name === "AsyncGeneratorFunction";
    return generator ? ticks : plain((...args: Parameters<typeof ticks>) => ticks(...args));
  };
}
