/** The digest index over the compiled module: wasm/assembly/digest_index.ts, and an instance for each index. */

import type { DigestIndex } from "./core.ts";
import { type Exports, instantiate } from "./module.ts";

/** Records of a fresh index: with their slots they fit into the memory that an instance has from the start. */
const FIRST_CAPACITY = 256;

/** Bytes of memory that a cleared index keeps. */
const KEEP = 1024 * 1024;

/** An empty index. */
export function createDigestIndex(): DigestIndex {
  return new WasmDigestIndex();
}

/** Throws RangeError unless `digest` can be a key. */
function checkDigest(digest: Uint8Array): void {
  if (digest.length !== 32) {
    throw new RangeError(`Cannot look up a digest: it has ${digest.length} bytes, need 32`);
  }
}

/** Throws RangeError unless `value` can be held. */
function checkValue(value: number): void {
  if (value >>> 0 !== value) {
    throw new RangeError(`Cannot hold ${value} in a digest index: need a whole number below 2^32`);
  }
}

class WasmDigestIndex implements DigestIndex {
  #wasm: Exports;
  #key: Uint8Array;
  #size = 0;

  constructor() {
    this.#wasm = instantiate();
    this.#key = viewKey(this.#wasm);
    this.#wasm.beginIndex(FIRST_CAPACITY);
  }

  get size(): number {
    return this.#size;
  }

  get(digest: Uint8Array): number | undefined {
    this.#find(digest);
    const value = this.#wasm.get();
    return value < 0 ? undefined : value;
  }

  set(digest: Uint8Array, value: number): void {
    checkValue(value);
    this.#find(digest);
    const more = this.#wasm.set(value);
    if (more < 0) throw noMemory();
    this.#size += more;
  }

  add(digest: Uint8Array, value: number): void {
    checkValue(value);
    this.#find(digest);
    if (this.#wasm.add(value) === 0) throw noMemory();
    this.#size++;
  }

  take(digest: Uint8Array): number | undefined {
    this.#find(digest);
    const value = this.#wasm.take();
    if (value < 0) return undefined;
    this.#size--;
    return value;
  }

  clear(): void {
    // A memory can't shrink: an index that has grown much gives up its instance.
    if (this.#wasm.memory.buffer.byteLength > KEEP) {
      this.#wasm = instantiate();
      this.#key = viewKey(this.#wasm);
    }
    this.#wasm.beginIndex(FIRST_CAPACITY);
    this.#size = 0;
  }

  /** Puts the digest where the module looks for it. The view is detached when the memory has grown since. */
  #find(digest: Uint8Array): void {
    checkDigest(digest);
    if (this.#key.length === 0) this.#key = viewKey(this.#wasm);
    this.#key.set(digest);
  }
}

function viewKey(wasm: Exports): Uint8Array {
  return new Uint8Array(wasm.memory.buffer, wasm.KEY.value, 32);
}

function noMemory(): RangeError {
  return new RangeError("Cannot grow a digest index: the memory doesn't suffice");
}
