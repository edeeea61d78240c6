/**
 * Draws: values that the program asks for and gets at once. Each kind has one codec here, writer beside
 * reader. Draws between two other events travel in one packed event; clocks are deltas to the lane's last
 * reading, so that a clock draw usually costs two or three bytes.
 */

import type { Reader, Writer } from "../base/bytes.ts";

/** The lane's last clock readings, which deltas are taken from. Writer and reader each keep one. */
export interface DrawMemo {
  /** Milliseconds since the epoch. */
  clock: number;
  /** Seconds of the monotonic clock. */
  monotonic: number;
  /** Seconds since the epoch of the nanosecond clock. */
  instant: number;
}

/** The memo that a lane starts with. */
export function newDrawMemo(): DrawMemo {
  return { clock: 0, monotonic: 0, instant: 0 };
}

/** How one kind of draw is named, written and read. */
export interface DrawKind<T> {
  readonly name: string;
  /** The byte that announces it in a pack. Never reused for another meaning. */
  readonly code: number;
  write(to: Writer, value: T, memo: DrawMemo): void;
  read(from: Reader, memo: DrawMemo): T;
  /** One line for people. */
  show(value: T): string;
}

const BILLION = 1_000_000_000n;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function nanoseconds(key: "monotonic" | "instant", name: string, code: number): DrawKind<bigint> {
  return {
    name,
    code,
    write(to, value, memo) {
      // Doubles hold nanoseconds up to 104 days; beyond, the slow division of big integers.
      const small = value <= SAFE ? Number(value) : -1;
      const seconds = small >= 0 ? Math.floor(small / 1e9) : Number(value / BILLION);
      to.zigzag(seconds - memo[key]).varint(small >= 0 ? small - seconds * 1e9 : Number(value % BILLION));
      memo[key] = seconds;
    },
    read(from, memo) {
      memo[key] += from.zigzag();
      return BigInt(memo[key]) * BILLION + BigInt(from.varint());
    },
    show: (value) => `${value} ns`,
  };
}

/** `Date.now()`, `new Date()`, `Date()`: integer milliseconds since the epoch. */
export const CLOCK: DrawKind<number> = {
  name: "clock",
  code: 1,
  write(to, value, memo) {
    to.zigzag(value - memo.clock);
    memo.clock = value;
  },
  read(from, memo) {
    memo.clock += from.zigzag();
    return memo.clock;
  },
  show: (value) => new Date(value).toISOString(),
};

/** A float that must come back bit by bit. */
function float(name: string, code: number): DrawKind<number> {
  return {
    name,
    code,
    write: (to, value) => void to.f64(value),
    read: (from) => from.f64(),
    show: (value) => String(value),
  };
}

/** `performance.now()` and its kin: milliseconds. */
export const PERFORMANCE = float("performance", 2);
/** `process.hrtime()` and `.bigint()`, `Bun.nanoseconds()`. */
export const MONOTONIC = nanoseconds("monotonic", "hrtime", 3);
/** `Temporal.Now`: nanoseconds since the epoch. */
export const INSTANT = nanoseconds("instant", "temporal", 4);
/** `Math.random()`. */
export const RANDOM = float("random", 5);

/** Random bytes, however they were asked for. */
export const BYTES: DrawKind<Uint8Array> = {
  name: "bytes",
  code: 6,
  write: (to, value) => void to.bytes(value),
  read: (from) => from.bytes().slice(),
  show: (value) => {
    const head = Array.from(value.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return value.length > 16 ? `${head}… (${value.length} bytes)` : head;
  },
};

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Value of a hexadecimal digit's character code. */
function nibble(code: number): number {
  return code <= 57 ? code - 48 : (code | 32) - 87;
}

/** `randomUUID()`, as text of 36 characters. */
export const UUID: DrawKind<string> = {
  name: "uuid",
  code: 7,
  write(to, value) {
    for (let i = 0; i < 36; i += 2) {
      if (i === 8 || i === 13 || i === 18 || i === 23) i++;
      to.u8(nibble(value.charCodeAt(i)) << 4 | nibble(value.charCodeAt(i + 1)));
    }
  },
  read(from) {
    const b = from.raw(16);
    const hex = (at: number) => HEX[b[at]!]! + HEX[b[at + 1]!]!;
    return `${hex(0)}${hex(2)}-${hex(4)}-${hex(6)}-${hex(8)}-${hex(10)}${hex(12)}${hex(14)}`;
  },
  show: (value) => value,
};

/** An integer of up to 52 bits: `randomInt()`, and counters of the platform. */
export const INTEGER: DrawKind<number> = {
  name: "integer",
  code: 8,
  write: (to, value) => void to.zigzag(value),
  read: (from) => from.zigzag(),
  show: (value) => String(value),
};

/** Text that the platform chose: a multipart boundary, a time zone. */
export const TEXT: DrawKind<string> = {
  name: "text",
  code: 9,
  write: (to, value) => void to.text(value),
  read: (from) => from.text(),
  show: (value) => JSON.stringify(value),
};

/** All kinds by code: what a reader of packs needs. */
export const DRAW_KINDS: ReadonlyMap<number, DrawKind<unknown>> = new Map(
  [CLOCK, PERFORMANCE, MONOTONIC, INSTANT, RANDOM, BYTES, UUID, INTEGER, TEXT].map((
    kind,
  ) => [kind.code, kind as DrawKind<unknown>]),
);
