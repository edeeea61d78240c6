/**
 * Timers: `setTimeout`, `setInterval`, `setImmediate` and their clears, `node:timers`,
 * `node:timers/promises`, `AbortSignal.timeout`, `Bun.sleep`.
 *
 * The program always gets the platform's own handle, so `ref`, `unref` and `hasRef` are the platform's. When
 * recording, it is the platform that fires; on replay the handle waits for ever and the session fires.
 * Not held: `MessageChannel`, `requestIdleCallback`, `Atomics.wait`.
 */

import type { TimerKind } from "../tape/events.ts";
import type { Op } from "../session/session.ts";
import type { SeamContext } from "./context.ts";
import { patchAbortTimeout } from "./abort_timeout.ts";
import { asDelay, FOREVER } from "./delay.ts";
import { type AnyFunction, plain } from "./registry.ts";
import { intervalPatch, promisePatch } from "./timers_promises.ts";

/** What `util.promisify` looks for. */
const PROMISIFIED = Symbol.for("nodejs.util.promisify.custom");

interface Timer {
  op: Op;
  readonly again: () => void;
}

/** Timers by handle, and by number for those who clear by number. */
class Handles {
  readonly #byObject = new WeakMap<object, Timer>();
  readonly #byNumber = new Map<number, Timer>();

  set(handle: unknown, timer: Timer): void {
    if (typeof handle === "object" && handle !== null) this.#byObject.set(handle, timer);
    else this.#byNumber.set(Number(handle), timer);
  }

  get(handle: unknown): Timer | undefined {
    if (typeof handle === "object" && handle !== null) return this.#byObject.get(handle);
    return this.#byNumber.get(Number(handle));
  }

  /** A handle whose number was taken (`+handle`): from now on it is found by number too. */
  number(handle: object, number: number): void {
    const timer = this.#byObject.get(handle);
    if (timer !== undefined) this.#byNumber.set(number, timer);
  }

  drop(handle: unknown): void {
    if (typeof handle !== "object") this.#byNumber.delete(Number(handle));
  }
}

/** True for a delay that every platform takes without a word. */
function isOrdinary(delay: unknown): boolean {
  if (typeof delay === "bigint" || typeof delay === "symbol") return false;
  const value = Number(delay ?? 1);
  return value >= 0 && value <= FOREVER;
}

/**
 * Fires a timer that was made in a replay and that a fork goes on with: its handle waits for ever. It keeps no
 * process alive, because the handle does, or doesn't, as the program wants it.
 */
class OwnTimer {
  readonly #context: SeamContext;
  readonly #kind: TimerKind;
  readonly #delay: number;
  #handle: unknown;

  constructor(context: SeamContext, kind: TimerKind, delay: number) {
    this.#context = context;
    this.#kind = kind;
    this.#delay = delay;
  }

  start(fire: () => void, elapsed = 0): void {
    const { nativeTimers } = this.#context;
    if (this.#kind === "immediate") return void nativeTimers.setImmediate(fire);
    const again = () => {
      if (this.#kind === "interval") this.#arm(again, this.#delay);
      fire();
    };
    this.#arm(again, this.#delay - elapsed);
  }

  #arm(fire: () => void, delay: number): void {
    this.#handle = this.#context.nativeTimers.setTimeout(fire, Math.max(0, delay));
    unref(this.#handle);
  }

  stop(): void {
    this.#context.nativeTimers.clearTimeout(this.#handle as number);
  }
}

/** Keeps a timer from keeping the process alive. */
function unref(handle: unknown): void {
  (handle as { unref?(): void }).unref?.();
  const { Deno } = globalThis as unknown as { Deno?: { unrefTimer(id: number): void } };
  if (typeof handle === "number") Deno?.unrefTimer(handle);
}

function timerPatch(
  context: SeamContext,
  handles: Handles,
  kind: TimerKind,
): (original: AnyFunction) => AnyFunction {
  return (original) =>
    plain(function (this: unknown, callback: AnyFunction, ...rest: unknown[]) {
      const session = context.session();
      if (session === undefined || typeof callback !== "function") {
        return Reflect.apply(original, this, [callback, ...rest]);
      }
      const [delay, args] = kind === "immediate" ? [0, rest] : [rest[0], rest.slice(1)];
      const bound = context.bindContext(callback);
      // A delay that the platform warns about goes to it as it is, for the sake of the warning.
      const waits = session.mode === "replay" && isOrdinary(delay);
      let handle: unknown = undefined;
      let fire: () => void = () => {};
      // An interval with an odd delay is the platform's, which goes on with it by itself.
      const own = waits || (session.mode === "replay" && kind !== "interval");
      const later = own ? new OwnTimer(context, kind, asDelay(delay)) : undefined;
      const onFire = () => {
        if (kind !== "interval") handles.drop(handle);
        if (waits && kind === "timeout") context.nativeTimers.clearTimeout(handle as number);
        // The platform calls back with the handle as `this` where handles are objects.
        Reflect.apply(bound, typeof handle === "object" ? handle : globalThis, args);
      };
      const open = () =>
        session.open({ type: "timer", kind, delay: asDelay(delay) }, onFire, {
          start: (deliver, elapsed) => {
            fire = () => deliver({ type: "fire", value: new Uint8Array(0) });
            later?.start(fire, elapsed);
          },
          cancel: () => later?.stop(),
        });
      // The platform first: what it throws for an odd delay leaves nothing behind.
      handle = context.quietly(() =>
        kind === "immediate"
          ? Reflect.apply(original, this, [() => fire()])
          : Reflect.apply(original, this, [() => fire(), waits ? FOREVER : delay])
      );
      const op = open();
      const timer: Timer = {
        op,
        again: () => {
          timer.op.cancel();
          timer.op = open();
        },
      };
      handles.set(handle, timer);
      return handle;
    });
}

function clearPatch(context: SeamContext, handles: Handles): (original: AnyFunction) => AnyFunction {
  return (original) =>
    plain(function (this: unknown, handle?: unknown) {
      if (context.session() !== undefined && handle !== undefined && handle !== null) {
        handles.get(handle)?.op.cancel();
        handles.drop(handle);
      }
      return Reflect.apply(original, this, [handle]);
    });
}

/** Node's and Bun's handle classes: what re-arms, ends or numbers a timer. */
function patchHandleClass(context: SeamContext, handles: Handles, sample: unknown): void {
  if (typeof sample !== "object" || sample === null) return;
  const { registry } = context;
  const prototype = Object.getPrototypeOf(sample) as object;
  registry.method(
    prototype,
    "refresh",
    (original) =>
      plain(function (this: object) {
        if (context.session() !== undefined) handles.get(this)?.again();
        return Reflect.apply(original, this, []);
      }),
  );
  for (const key of ["close", Symbol.dispose]) {
    registry.method(
      prototype,
      key,
      (original) =>
        plain(function (this: object) {
          if (context.session() !== undefined) handles.get(this)?.op.cancel();
          return Reflect.apply(original, this, []);
        }),
    );
  }
  registry.method(
    prototype,
    Symbol.toPrimitive,
    (original) =>
      plain(function (this: object, ...args: unknown[]) {
        const number = Reflect.apply(original, this, args) as number;
        handles.number(this, number);
        return number;
      }),
  );
}

/** Patches timers. */
export function timersSeam(context: SeamContext): void {
  const { registry, builtins } = context;
  const handles = new Handles();
  const sample = setTimeout(() => {}, 0);
  clearTimeout(sample);
  patchHandleClass(context, handles, sample);
  const immediate = setImmediate(() => {});
  clearImmediate(immediate);
  if (typeof immediate === "object" && Object.getPrototypeOf(immediate) !== Object.getPrototypeOf(sample)) {
    registry.method(
      Object.getPrototypeOf(immediate) as object,
      Symbol.dispose,
      (original) =>
        plain(function (this: object) {
          if (context.session() !== undefined) handles.get(this)?.op.cancel();
          return Reflect.apply(original, this, []);
        }),
    );
  }
  const module = builtins.get<Record<string, unknown>>("node:timers") ?? {};
  const promises = builtins.get<Record<string, AnyFunction>>("node:timers/promises");
  const table: Record<string, (original: AnyFunction) => AnyFunction> = {
    setTimeout: timerPatch(context, handles, "timeout"),
    setInterval: timerPatch(context, handles, "interval"),
    setImmediate: timerPatch(context, handles, "immediate"),
    clearTimeout: clearPatch(context, handles),
    clearInterval: clearPatch(context, handles),
    clearImmediate: clearPatch(context, handles),
  };
  for (const [key, make] of Object.entries(table)) {
    const shared = module[key] === (globalThis as unknown as Record<string, unknown>)[key];
    registry.method(globalThis, key, make);
    // Where the module exports the global's own function, it must go on doing so.
    builtins.patch(registry, "node:timers", {
      [key]: shared ? () => (globalThis as unknown as Record<string, AnyFunction>)[key]! : make,
    });
  }
  if (promises !== undefined) {
    builtins.patch(registry, "node:timers/promises", {
      setTimeout: promisePatch(context, "sleep"),
      setImmediate: promisePatch(context, "immediate"),
      setInterval: intervalPatch(context, globalThis.setInterval, globalThis.clearInterval),
    });
    for (const key of ["setTimeout", "setImmediate"] as const) {
      const held = globalThis[key];
      const descriptor = Object.getOwnPropertyDescriptor(held, PROMISIFIED);
      if (descriptor?.configurable !== true) continue;
      const { enumerable, writable, value } = descriptor;
      Object.defineProperty(
        held,
        PROMISIFIED,
        value === undefined
          ? { ...descriptor, get: () => promises[key] }
          : { enumerable, writable, configurable: true, value: promises[key] },
      );
    }
    // Deno's `node:timers` carries another object of the same functions.
    const inner = module.promises as Record<string, AnyFunction> | undefined;
    if (inner !== undefined && inner !== promises) {
      for (const key of ["setTimeout", "setImmediate", "setInterval"]) {
        registry.method(inner, key, () => promises[key]!);
      }
    }
    const scheduler = (promises as unknown as { scheduler?: object }).scheduler;
    if (scheduler !== undefined) {
      const sleepNow = promises.setTimeout!;
      const immediateNow = promises.setImmediate!;
      registry.method(
        scheduler,
        "wait",
        () => plain((delay: number, options?: object) => sleepNow(delay, undefined, options)),
      );
      registry.method(scheduler, "yield", () => plain(() => immediateNow()));
    }
  }
  patchAbortTimeout(context);
  const bun = (globalThis as unknown as { Bun?: object }).Bun;
  if (bun !== undefined) {
    registry.method(bun, "sleep", (original) =>
      plain((delay: unknown) => {
        const session = context.session();
        if (session === undefined) return original(delay);
        const ms = delay instanceof Date ? delay.getTime() - Date.now() : delay;
        return new Promise<void>((resolve) => void globalThis.setTimeout(resolve, Number(ms)));
      }));
  }
}
