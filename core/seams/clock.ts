/**
 * The clock: `Date` in every form, `Intl`'s default now, `performance`, `process.hrtime`, `Temporal.Now`.
 * Not held: `Event.timeStamp`, file times, `process.cpuUsage`.
 */

import { CLOCK, INSTANT, MONOTONIC, PERFORMANCE } from "../tape/draws.ts";
import type { SeamContext } from "./context.ts";
import { disguise, plain } from "./registry.ts";

const BILLION = 1_000_000_000n;

function patchDate({ registry, session }: SeamContext): void {
  const Native = Date;
  const now = Native.now;
  const proxy: DateConstructor = new Proxy(Native, {
    construct(target, args, newTarget): object {
      const held = args.length === 0 ? session() : undefined;
      return Reflect.construct(
        target,
        held === undefined ? args : [held.draw(CLOCK, now)],
        newTarget === proxy ? target : newTarget,
      );
    },
    apply(target) {
      const held = session();
      return held === undefined ? target() : new target(held.draw(CLOCK, now)).toString();
    },
  });
  disguise(proxy, Native);
  registry.value(globalThis, "Date", () => proxy);
  registry.value(Native.prototype, "constructor", () => proxy);
  registry.method(Native, "now", () =>
    ({
      now() {
        const held = session();
        return held === undefined ? now() : held.draw(CLOCK, now);
      },
    }).now);
}

function patchIntl({ registry, session }: SeamContext): void {
  const now = Date.now;
  const prototype = Intl.DateTimeFormat.prototype;
  const bound = new WeakMap<object, (date?: Date | number) => string>();
  registry.getter(prototype, "format", (original) =>
    function (this: Intl.DateTimeFormat) {
      const native = Reflect.apply(original, this, []) as (date?: Date | number) => string;
      let wrapped = bound.get(native);
      if (wrapped === undefined) {
        wrapped = disguise(plain((date) => native(date ?? (session() && now()))), native);
        bound.set(native, wrapped);
      }
      return wrapped;
    });
  registry.method(
    prototype,
    "formatToParts",
    (original) =>
      plain(function (this: unknown, date?: Date | number) {
        return Reflect.apply(original, this, [date ?? (session() && now())]);
      }),
  );
}

function patchPerformance({ registry, session }: SeamContext): void {
  const clock = globalThis.performance;
  const now = () => clock.now();
  registry.method(clock, "now", (original) => {
    const real = () => Reflect.apply(original, clock, []) as number;
    return {
      now(this: unknown) {
        const held = this === clock ? session() : undefined;
        return held === undefined ? Reflect.apply(original, this, []) : held.draw(PERFORMANCE, real);
      },
    }.now;
  });
  registry.getter(clock, "timeOrigin", (original) =>
    function (this: unknown) {
      const real = () => Reflect.apply(original, this, []) as number;
      return (this === clock ? session() : undefined)?.draw(PERFORMANCE, real) ?? real();
    });
  registry.method(
    clock,
    "mark",
    (original) =>
      plain(function (this: unknown, name: string, options?: { startTime?: number }) {
        const start = session() && options?.startTime === undefined ? { startTime: now() } : undefined;
        return Reflect.apply(original, this, [name, ...(start || options ? [{ ...options, ...start }] : [])]);
      }),
  );
  registry.method(
    clock,
    "measure",
    (original) =>
      plain(function (this: unknown, name: string, start?: unknown, end?: string) {
        if (session() === undefined || end !== undefined) {
          return Reflect.apply(original, this, [name, start, end]);
        }
        if (typeof start !== "object" || start === null) {
          return Reflect.apply(original, this, [name, { start: start ?? 0, end: now() }]);
        }
        const given = start as { end?: unknown; duration?: unknown };
        const open = given.end === undefined && given.duration === undefined;
        return Reflect.apply(original, this, [name, open ? { ...given, end: now() } : given]);
      }),
  );
}

function patchProcess({ registry, session, builtins, quietly }: SeamContext): void {
  const target = globalThis.process;
  const nativeHr = target.hrtime;
  const nativeBig = nativeHr.bigint.bind(nativeHr);
  const big = plain(() => session()?.draw(MONOTONIC, nativeBig) ?? nativeBig());
  disguise(big, nativeHr.bigint);
  registry.method(target, "hrtime", (original) => {
    const hrtime = plain(function (this: unknown, previous?: [number, number]) {
      const held = session();
      if (held === undefined) return Reflect.apply(original, this, [previous]);
      // Throws for what is no pair.
      if (previous !== undefined) quietly(() => Reflect.apply(original, this, [previous]));
      const ns = held.draw(MONOTONIC, nativeBig);
      let [seconds, rest] = [Number(ns / BILLION), Number(ns % BILLION)];
      if (previous !== undefined) {
        seconds -= previous[0];
        rest -= previous[1];
        if (rest < 0) [seconds, rest] = [seconds - 1, rest + 1e9];
      }
      return [seconds, rest];
    });
    disguise(hrtime, original);
    Object.defineProperty(hrtime, "bigint", {
      value: big,
      writable: true,
      configurable: true,
      enumerable: true,
    });
    return hrtime;
  });
  // `method` copied the original's own properties over; `bigint` must be the held one.
  Object.defineProperty(target.hrtime, "bigint", {
    value: big,
    writable: true,
    configurable: true,
    enumerable: true,
  });
  registry.method(
    target,
    "uptime",
    (original) =>
      plain(function (this: unknown) {
        const real = () => Reflect.apply(original, this, []) as number;
        return session()?.draw(PERFORMANCE, real) ?? real();
      }),
  );
  builtins.touch("node:process");
}

interface TemporalNow {
  instant(): { epochNanoseconds: bigint };
  timeZoneId(): string;
}
interface ZonedLike {
  toPlainDate(): unknown;
  toPlainTime(): unknown;
  toPlainDateTime(): unknown;
}
interface TemporalLike {
  Now: TemporalNow & Record<string, unknown>;
  Instant: { fromEpochNanoseconds(ns: bigint): { toZonedDateTimeISO(zone: unknown): ZonedLike } };
}

function patchTemporal({ registry, session, quietly }: SeamContext): void {
  const temporal = (globalThis as unknown as { Temporal?: TemporalLike }).Temporal;
  if (temporal === undefined) return;
  const { Now, Instant } = temporal;
  const nativeInstant = Now.instant.bind(Now);
  const ns = () => nativeInstant().epochNanoseconds;
  const forms: Record<string, (zoned: ZonedLike) => unknown> = {
    zonedDateTimeISO: (zoned) => zoned,
    plainDateISO: (zoned) => zoned.toPlainDate(),
    plainTimeISO: (zoned) => zoned.toPlainTime(),
    plainDateTimeISO: (zoned) => zoned.toPlainDateTime(),
  };
  registry.method(
    Now,
    "instant",
    (original) =>
      plain(function (this: unknown) {
        const held = session();
        return held === undefined
          ? Reflect.apply(original, this, [])
          : Instant.fromEpochNanoseconds(held.draw(INSTANT, ns));
      }),
  );
  for (const [key, form] of Object.entries(forms)) {
    registry.method(
      Now,
      key,
      (original) =>
        plain(function (this: unknown, zone?: unknown) {
          const held = session();
          if (held === undefined) return Reflect.apply(original, this, zone === undefined ? [] : [zone]);
          // Throws for what is no time zone.
          if (zone !== undefined) quietly(() => Reflect.apply(original, this, [zone]));
          const instant = Instant.fromEpochNanoseconds(held.draw(INSTANT, ns));
          return form(instant.toZonedDateTimeISO(zone ?? Now.timeZoneId()));
        }),
    );
  }
}

function patchBun({ registry, session }: SeamContext): void {
  const bun = (globalThis as unknown as { Bun?: { nanoseconds(): number } }).Bun;
  if (bun === undefined) return;
  registry.method(
    bun,
    "nanoseconds",
    (original) => plain(() => session()?.draw(PERFORMANCE, original as () => number) ?? original()),
  );
}

/** Patches the clock. */
export function clockSeam(context: SeamContext): void {
  patchPerformance(context);
  patchProcess(context);
  patchTemporal(context);
  patchBun(context);
  patchDate(context);
  patchIntl(context);
}
