/**
 * What a fork gives out at once behind its step: clocks that go on from the recorded time, and random values out of a
 * seed that the branch keeps. So the same fork draws the same values again, and differs from the first time only by
 * how long things took.
 */

import { utf8 } from "../base/bytes.ts";
import { toHex } from "../base/hex.ts";
import {
  BYTES,
  CLOCK,
  type DrawKind,
  INSTANT,
  MONOTONIC,
  PERFORMANCE,
  RANDOM,
  TEXT,
  UUID,
} from "../tape/draws.ts";
import type { Core } from "../../wasm/core.ts";

const CLOCKS = new Set([CLOCK.code, PERFORMANCE.code, MONOTONIC.code, INSTANT.code]);
const MILLION = 1_000_000n;

/** When and out of what. */
export interface ForkTimes {
  readonly core: Core;
  readonly seed: Uint8Array;
  readonly lane: number;
  /** The platform's monotonic clock, in milliseconds. */
  now(): number;
  /** When the recorded run began, and how long afterwards it was forked: microseconds. */
  readonly created: number;
  readonly forkedAt: number;
}

/** See the head of this file. */
export class ForkDraws {
  readonly #times: ForkTimes;
  readonly #last = new Map<number, unknown>();
  #started = 0;
  #block: Uint8Array = new Uint8Array(0);
  #blocks = 0;

  constructor(times: ForkTimes) {
    this.#times = times;
  }

  /** A value was served from the tape. */
  served(kind: DrawKind<unknown>, value: unknown): void {
    if (CLOCKS.has(kind.code)) this.#last.set(kind.code, value);
  }

  /** From now on time passes. */
  start(): void {
    this.#started = this.#times.now();
  }

  /** Microseconds since the recorded run began, as the branch counts them. */
  elapsed(): number {
    return this.#times.forkedAt + Math.round((this.#times.now() - this.#started) * 1000);
  }

  /** The next value. `real` is the platform's. */
  value<T>(kind: DrawKind<T>, real: () => T): T {
    return this.#valueOf(kind as DrawKind<unknown>, real) as T;
  }

  #valueOf(kind: DrawKind<unknown>, real: () => unknown): unknown {
    const passed = this.#times.now() - this.#started;
    const last = this.#last.get(kind.code);
    switch (kind.code) {
      case CLOCK.code:
        return Math.floor((last as number | undefined ?? this.#epoch()) + passed);
      case INSTANT.code:
        return (last as bigint | undefined ?? BigInt(Math.round(this.#epoch() * 1000)) * 1000n) +
          nanoseconds(passed);
      case PERFORMANCE.code:
        return last === undefined
          ? (real() as number) + this.#times.forkedAt / 1000
          : (last as number) + passed;
      case MONOTONIC.code:
        return last === undefined
          ? (real() as bigint) + nanoseconds(this.#times.forkedAt / 1000)
          : (last as bigint) + nanoseconds(passed);
      case RANDOM.code: {
        const bytes = new DataView(this.bytes(8).buffer);
        return Number(bytes.getBigUint64(0) >> 11n) / 2 ** 53;
      }
      case BYTES.code:
        return this.bytes((real() as Uint8Array).length);
      case UUID.code:
        return this.#uuid(real() as string);
      case TEXT.code:
        return this.#text(real() as string);
      default:
        return real();
    }
  }

  /** Milliseconds since 1970 at the fork, where the program has not read the clock before. */
  #epoch(): number {
    const { created, forkedAt } = this.#times;
    const clock = this.#last.get(CLOCK.code) as number | undefined;
    const instant = this.#last.get(INSTANT.code) as bigint | undefined;
    if (clock !== undefined) return clock;
    return instant === undefined ? (created + forkedAt) / 1000 : Number(instant / MILLION);
  }

  /** The next random bytes. */
  bytes(size: number): Uint8Array {
    const out = new Uint8Array(size);
    this.fill(out);
    return out;
  }

  /** Fills `out` with the next random bytes: SHA-256 of seed, lane and a counter, block after block. */
  fill(out: Uint8Array): void {
    const { core, seed, lane } = this.#times;
    for (let at = 0; at < out.length;) {
      if (this.#block.length === 0) {
        this.#block = core.sha256(
          utf8(`tracefork fork ${toHex(seed)} lane ${lane} block ${this.#blocks++}\n`),
        );
      }
      const part = this.#block.subarray(0, out.length - at);
      out.set(part, at);
      this.#block = this.#block.subarray(part.length);
      at += part.length;
    }
  }

  /** Of version 4, or of version 7 with the time of `real`, whichever that is. */
  #uuid(real: string): string {
    const hex = toHex(this.bytes(16));
    const variant = "89ab"[parseInt(hex[16]!, 16) & 3]!;
    const whole = real[14] === "7"
      ? `${real.slice(0, 13)}-7${hex.slice(13, 16)}`
      : `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}`;
    return `${whole}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  /** A boundary of a form: of the platform's shape, with other digits. */
  #text(real: string): string {
    return real.replace(/[0-9a-f]{8,}$/i, (tail) => {
      const digits = Array.from(this.bytes(tail.length), (byte) => byte % 10).join("");
      return digits;
    });
  }
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}
