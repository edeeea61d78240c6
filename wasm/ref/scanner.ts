/** The scanner in plain TypeScript. It saves no work at all: every body is compared, hashed and cut from its start. */

import type { Cut, Remembered, Scanner } from "../core.ts";
import { cutChunks } from "./chunks.ts";

const DEFAULT_BUDGET = 16 * 1024 * 1024;
const MOST_BODIES = 16;

const encoder = new TextEncoder();

interface Body {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

export class RefScanner implements Scanner {
  readonly #sha256: (data: Uint8Array) => Uint8Array;
  readonly #gear: Uint32Array;
  readonly #budget: number;
  /** Least recently used first. */
  #kept: Body[] = [];
  #lastId = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #ends: Uint32Array = new Uint32Array(0);
  #id: number | undefined;
  #base: Body | undefined;
  shared = 0;

  constructor(
    sha256: (data: Uint8Array) => Uint8Array,
    gear: Uint32Array,
    budget: number = DEFAULT_BUDGET,
  ) {
    this.#sha256 = sha256;
    this.#gear = gear;
    this.#budget = budget;
  }

  get size(): number {
    return this.#bytes.length;
  }

  get base(): number | undefined {
    return this.#base?.id;
  }

  load(body: Uint8Array | string): void {
    this.#bytes = typeof body === "string" ? encoder.encode(body) : body.slice();
    this.#ends = cutChunks(this.#bytes, this.#gear);
    this.#id = undefined;
    this.#base = undefined;
    this.shared = 0;
    if (this.#bytes.length > this.#budget) return;
    for (const other of this.#kept.toReversed()) {
      const shared = sharedPrefix(this.#bytes, other.bytes);
      if (shared > this.shared) [this.#base, this.shared] = [other, shared];
    }
    const base = this.#base;
    if (base !== undefined) this.#kept = [...this.#kept.filter((other) => other !== base), base];
  }

  view(from?: number, to?: number): Uint8Array {
    return this.#bytes.subarray(from, to);
  }

  digest(): Uint8Array {
    return this.#sha256(this.#bytes);
  }

  cut(): Cut {
    const ends = this.#ends;
    const theirs = this.#base?.ends ?? new Uint32Array(0);
    let reused = 0;
    while (reused < theirs.length && ends[reused] === theirs[reused] && ends[reused]! <= this.shared) {
      reused++;
    }
    return { ends: ends.slice(), reused };
  }

  chunkDigests(first: number): Uint8Array {
    const { ends } = this.cut();
    if (!(Number.isInteger(first) && first >= 0 && first <= ends.length)) {
      throw new RangeError(`Cannot hash chunks: asked from number ${first} on, there are ${ends.length}`);
    }
    const out = new Uint8Array((ends.length - first) * 32);
    for (let i = first; i < ends.length; i++) {
      out.set(this.#sha256(this.#bytes.subarray(ends[i - 1] ?? 0, ends[i])), (i - first) * 32);
    }
    return out;
  }

  remember(): Remembered {
    const ends = this.#ends;
    if (this.size > this.#budget) return { id: undefined, dropped: [] };
    if (this.#id !== undefined) return { id: this.#id, dropped: [] };
    const gone: Body[] = [];
    const base = this.#base;
    const least = base === undefined ? Infinity : Math.max(base.ends.at(-2) ?? 0, base.bytes.length / 2);
    if (this.shared >= least) gone.push(base!);
    const kept = this.#kept.filter((other) => !gone.includes(other));
    const bytes = () => kept.reduce((sum, other) => sum + other.bytes.length, this.size);
    while (kept.length >= MOST_BODIES || bytes() > this.#budget) gone.push(kept.shift()!);
    this.#id = ++this.#lastId;
    this.#kept = [...kept, { id: this.#id, bytes: this.#bytes, ends }];
    return { id: this.#id, dropped: gone.map((body) => body.id) };
  }
}

function sharedPrefix(a: Uint8Array, b: Uint8Array): number {
  const limit = Math.min(a.length, b.length);
  for (let i = 0; i < limit; i++) if (a[i] !== b[i]) return i;
  return limit;
}
