/** The digest index in plain TypeScript: two maps by the digest's hex. */

import type { DigestIndex } from "../core.ts";

export class RefDigestIndex implements DigestIndex {
  readonly #values = new Map<string, number>();
  readonly #queues = new Map<string, number[]>();

  get size(): number {
    let size = this.#values.size;
    for (const queue of this.#queues.values()) size += queue.length;
    return size;
  }

  get(digest: Uint8Array): number | undefined {
    return this.#values.get(keyOf(digest));
  }

  set(digest: Uint8Array, value: number): void {
    check(value);
    this.#values.set(keyOf(digest), value);
  }

  add(digest: Uint8Array, value: number): void {
    check(value);
    const key = keyOf(digest);
    const queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, [value]);
    else queue.push(value);
  }

  take(digest: Uint8Array): number | undefined {
    return this.#queues.get(keyOf(digest))?.shift();
  }

  clear(): void {
    this.#values.clear();
    this.#queues.clear();
  }
}

function keyOf(digest: Uint8Array): string {
  if (digest.length !== 32) {
    throw new RangeError(`Cannot look up a digest: it has ${digest.length} bytes, need 32`);
  }
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function check(value: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
    throw new RangeError(`Cannot hold ${value} in a digest index: need a whole number below 2^32`);
  }
}
