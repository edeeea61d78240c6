/**
 * Randomness: `Math.random`, Web Crypto's `randomUUID` and `getRandomValues`, and `node:crypto`'s sync and
 * callback forms. Not held: generated key pairs, signatures with random nonces, `crypto.subtle`.
 *
 * The platform's function runs in both modes before the draw, so that what it throws for bad arguments is
 * thrown just so, and nothing is drawn then.
 */

import { QUIRKS } from "../base/runtime.ts";
import { BYTES, INTEGER, RANDOM, UUID } from "../tape/draws.ts";
import type { Session } from "../session/session.ts";
import { buildError, describeError } from "../session/error_shape.ts";
import type { SeamContext } from "./context.ts";
import { type AnyFunction, plain } from "./registry.ts";

type Callback = (error: unknown, value?: unknown) => void;

/** The bytes behind a view or a buffer: all, or from `offset` on as many as `size` says, in the view's own elements. */
function bytesOf(target: ArrayBufferView | ArrayBuffer, offset = 0, size?: number): Uint8Array {
  const bytes = ArrayBuffer.isView(target)
    ? new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
    : new Uint8Array(target);
  const width = (target as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
  return bytes.subarray(offset * width, size === undefined ? undefined : (offset + size) * width);
}

/** Draws what a platform function has just written into `bytes`. */
function drawInto(session: Session, bytes: Uint8Array): void {
  bytes.set(session.draw(BYTES, () => bytes.slice(), ({ length }) => length === bytes.length));
}

/** A number from 0 up to 1 out of a session's own randomness. */
function ownNumber(random: (bytes: Uint8Array) => void): number {
  const bytes = new Uint8Array(8);
  random(bytes);
  return Number(new DataView(bytes.buffer).getBigUint64(0) >> 11n) / 2 ** 53;
}

/** What `randomInt` gives for this range out of a session's own randomness; the platform's `value` where it has none. */
function ownInteger({ random }: Session, [a, b]: readonly (number | undefined)[], value: number): number {
  if (random === undefined) return value;
  const [least, end] = b === undefined ? [0, a!] : [a!, b];
  return least + Math.floor(ownNumber(random) * (end - least));
}

/** True for what `randomInt` gives when asked so. */
function isBetween(value: number, [a, b]: readonly (number | undefined)[]): boolean {
  return b === undefined ? value >= 0 && value < a! : value >= a! && value < b;
}

function patchGlobals({ registry, session, quietly }: SeamContext): void {
  const random = Math.random;
  registry.method(Math, "random", () =>
    ({
      random() {
        const held = session();
        return held === undefined ? random() : held.draw(RANDOM, random);
      },
    }).random);
  const web = globalThis.crypto;
  registry.method(
    web,
    "randomUUID",
    (original) =>
      plain(function (this: unknown) {
        const value = quietly(() => Reflect.apply(original, this, [])) as string;
        return session()?.draw(UUID, () => value) ?? value;
      }),
  );
  registry.method(
    web,
    "getRandomValues",
    (original) =>
      plain(function (this: unknown, ...args: unknown[]) {
        const result = quietly(() => Reflect.apply(original, this, args));
        const held = session();
        if (held !== undefined) drawInto(held, bytesOf(args[0] as ArrayBufferView));
        return result;
      }),
  );
  const bun = (globalThis as unknown as { Bun?: object }).Bun;
  if (bun !== undefined) {
    registry.method(bun, "randomUUIDv7", (original) =>
      plain((...args: unknown[]) => {
        const value = quietly(() => original(...args)) as unknown;
        const held = session();
        if (held === undefined || typeof value !== "string") return value;
        return args[0] === undefined || args[0] === "hex" ? held.draw(UUID, () => value) : value;
      }));
  }
}

/** A callback form: `value` was made by the sync form; the platform's async one decides when it comes. */
function later(
  context: SeamContext,
  session: Session,
  bytes: Uint8Array,
  /** How many bytes were asked for; 0 where that depends on the value. */
  size: number,
  start: (done: (error: unknown) => void) => void,
  callback: (error: unknown, bytes: Uint8Array) => void,
): void {
  const bound = context.bindContext(callback);
  session.open({ type: "timer", kind: "bytes", delay: size }, (delivery) => {
    if (delivery.type === "fire") bound(null, delivery.value);
    else if (delivery.type === "fail") bound(delivery.original ?? buildError(delivery.error), bytes);
  }, {
    start: (deliver) =>
      context.quietly(() =>
        start((error) =>
          deliver(
            error
              ? { type: "fail", error: describeError(error), original: error }
              : { type: "fire", value: bytes.slice() },
          )
        )
      ),
  });
}

function patchNodeCrypto(context: SeamContext): void {
  const { registry, session, builtins } = context;
  const crypto = builtins.get<Record<string, AnyFunction>>("node:crypto");
  if (crypto === undefined) return;
  const { randomBytes, randomFillSync } = crypto as Record<string, AnyFunction>;
  const nativeValues = globalThis.crypto.getRandomValues;
  const bytes = () =>
    plain((size: number, callback?: Callback) => {
      const held = session();
      if (held === undefined) {
        return callback === undefined ? randomBytes!(size) : randomBytes!(size, callback);
      }
      if (callback !== undefined && typeof callback !== "function") return randomBytes!(size, callback);
      const value = context.quietly(() => randomBytes!(size)) as Uint8Array;
      if (callback === undefined) {
        drawInto(held, bytesOf(value));
        return value;
      }
      later(context, held, value, value.length, (done) => randomBytes!(size, done), (error, drawn) => {
        bytesOf(value).set(drawn);
        callback(error, value);
      });
    });
  const replacements: Record<string, (original: AnyFunction) => AnyFunction> = {
    randomUUID: (original) =>
      plain((options?: unknown) => {
        const value = context.quietly(() => original(...(options === undefined ? [] : [options]))) as string;
        return session()?.draw(UUID, () => value) ?? value;
      }),
    randomBytes: bytes,
    pseudoRandomBytes: bytes,
    rng: bytes,
    prng: bytes,
    randomInt: (original) =>
      plain((...args: unknown[]) => {
        const held = session();
        const callback = args.at(-1);
        if (held === undefined) return original(...args);
        if (typeof callback !== "function") {
          const value = ownInteger(
            held,
            args as number[],
            context.quietly(() => original(...args)) as number,
          );
          return held.draw(INTEGER, () => value, (drawn) => isBetween(drawn, args as number[]));
        }
        const range = args.slice(0, -1) as number[];
        const value = ownInteger(held, range, context.quietly(() => original(...range)) as number);
        if (QUIRKS.randomIntAtOnce) {
          const drawn = held.draw(INTEGER, () => value, (recorded) => isBetween(recorded, range));
          return (callback as Callback)(null, drawn);
        }
        const text = new TextEncoder().encode(String(value));
        later(context, held, text, 0, (done) => original(...range, done), (error, drawn) => {
          // Node passes undefined here, and null in the others.
          (callback as Callback)(error ?? undefined, Number(new TextDecoder().decode(drawn)));
        });
      }),
    randomFillSync: (original) =>
      plain((target: ArrayBufferView | ArrayBuffer, ...rest: unknown[]) => {
        const result = context.quietly(() => original(target, ...rest));
        const held = session();
        if (held !== undefined) drawInto(held, bytesOf(target, ...rest as number[]));
        return result;
      }),
    randomFill: (original) =>
      plain((target: ArrayBufferView | ArrayBuffer, ...rest: unknown[]) => {
        const held = session();
        const callback = rest.at(-1);
        if (held === undefined || typeof callback !== "function") return original(target, ...rest);
        const copy = bytesOf(target).slice();
        // The sync form on a copy throws for a bad offset or size as the async one would.
        const view = ArrayBuffer.isView(target) && target.constructor !== DataView
          ? new (target.constructor as new (b: ArrayBuffer) => ArrayBufferView)(copy.buffer)
          : copy;
        const range = rest.slice(0, -1) as number[];
        context.quietly(() => randomFillSync!(view, ...range));
        const part = bytesOf(view, ...range);
        later(context, held, part, part.length, (done) => randomBytes!(1, done), (error, drawn) => {
          bytesOf(target, ...range).set(drawn);
          (callback as Callback)(error, target);
        });
      }),
  };
  if (crypto.getRandomValues !== undefined) {
    replacements.getRandomValues = (original) =>
      plain((target: ArrayBufferView) => {
        const held = session();
        if (held === undefined) return original(target);
        // Not `original`: that calls the global one's method, which would draw a second time.
        const result = Reflect.apply(nativeValues, globalThis.crypto, [target]);
        drawInto(held, bytesOf(target));
        return result;
      });
  }
  builtins.patch(registry, "node:crypto", replacements);
}

/** Patches randomness. */
export function randomSeam(context: SeamContext): void {
  patchNodeCrypto(context);
  patchGlobals(context);
}
