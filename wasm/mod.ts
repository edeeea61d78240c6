/**
 * The Core over the compiled AssemblyScript module (wasm/assembly). What hashes whole messages has one instance whose
 * memory is never grown: longer messages pass through in slices, and a hasher's state lives in JavaScript and is
 * copied in and out. Scanners and digest indexes have an instance each, and their memory goes when they are dropped.
 * Not for several threads at once: give each worker its own Core.
 */

import type { Core, Hasher } from "./core.ts";
import { createDigestIndex } from "./digest_index.ts";
import { packMidstate, unpackMidstate } from "./midstate.ts";
import { type Exports, instantiate } from "./module.ts";
import { createScanner } from "./scanner.ts";

export type { Core, DigestIndex, Hasher, Scanner } from "./core.ts";

const encoder = new TextEncoder();

/** A Core with an instance of its own. The module is decoded and compiled the first time. */
export function createWasmCore(): Core {
  const engine = new Engine(instantiate());
  return {
    sha256: (data) => engine.sha256(data),
    sha256Text: (text) => engine.sha256Text(text),
    chainNext: (link, event) => engine.chainNext(link, event),
    hasher: () => new WasmHasher(engine),
    sha256Many: (messages) => engine.sha256Many(messages),
    scanner: createScanner,
    digestIndex: createDigestIndex,
  };
}

/** One instance and the views of its memory, which stay valid because that memory is never grown. */
class Engine {
  readonly wasm: Exports;
  readonly io: Uint8Array;
  /** The first block of `io`. */
  readonly head: Uint8Array;
  readonly state: Uint8Array;
  readonly link: Uint8Array;
  readonly digest: Uint8Array;
  /** Address and length of each message of a batch. */
  readonly messages: Uint32Array;
  readonly digests: Uint8Array;

  constructor(wasm: Exports) {
    const view = (at: WebAssembly.Global, size: number) => new Uint8Array(wasm.memory.buffer, at.value, size);
    this.wasm = wasm;
    this.io = view(wasm.IO, wasm.IO_SIZE.value);
    this.head = view(wasm.IO, 64);
    this.state = view(wasm.STATE, 32);
    this.link = view(wasm.LINK, 32);
    this.digest = view(wasm.DIGEST, 32);
    const batch = wasm.BATCH.value;
    this.messages = new Uint32Array(wasm.memory.buffer, wasm.MESSAGES.value, batch * 2);
    this.digests = view(wasm.DIGESTS, batch * 32);
  }

  sha256(data: Uint8Array): Uint8Array {
    if (data.length <= this.io.length) {
      this.io.set(data);
      this.wasm.hash(data.length);
    } else {
      this.wasm.begin();
      this.wasm.finish(this.absorb(0, data), data.length);
    }
    return new Uint8Array(this.digest);
  }

  sha256Many(data: readonly Uint8Array[]): Uint8Array {
    const { io, wasm, messages } = this;
    const out = new Uint8Array(data.length * 32);
    const base = wasm.IO.value;
    const longest = io.length / 4;
    const batch = wasm.BATCH.value;
    let [count, filled, first] = [0, 0, 0];
    const flush = () => {
      wasm.many(count);
      out.set(this.digests.subarray(0, count * 32), first * 32);
      [count, filled] = [0, 0];
    };
    for (let i = 0; i < data.length; i++) {
      const message = data[i]!;
      const size = message.length;
      if (size > longest) {
        flush();
        out.set(this.sha256(message), i * 32);
        continue;
      }
      if (count === batch || filled + size > io.length) flush();
      if (count === 0) first = i;
      io.set(message, filled);
      messages[2 * count] = base + filled;
      messages[2 * count + 1] = size;
      filled += size;
      count++;
    }
    flush();
    return out;
  }

  chainNext(link: Uint8Array, event: Uint8Array): Uint8Array {
    if (link.length !== 32) throw new RangeError(`Cannot chain: the link has ${link.length} bytes, need 32`);
    this.link.set(link);
    let length = event.length;
    this.wasm.begin();
    if (length <= this.io.length) this.io.set(event);
    else length = this.absorb(0, event);
    this.wasm.link(length, event.length);
    return new Uint8Array(this.digest);
  }

  sha256Text(text: string): Uint8Array {
    const { io, wasm } = this;
    // UTF-8 has at most three bytes for each unit of UTF-16.
    const most = Math.floor((io.length - 64) / 3);
    if (text.length <= most) {
      wasm.hash(encoder.encodeInto(text, io).written);
      return new Uint8Array(this.digest);
    }
    wasm.begin();
    let pending = 0;
    let total = 0;
    for (let at = 0; at < text.length;) {
      let end = Math.min(at + most, text.length);
      if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--;
      const { written } = encoder.encodeInto(text.slice(at, end), io.subarray(pending));
      pending = this.consume(pending + written);
      total += written;
      at = end;
    }
    wasm.finish(pending, total);
    return new Uint8Array(this.digest);
  }

  /**
   * Hashes `data` after the `pending` bytes that lie at IO already, up to the last whole block.
   * Returns how many bytes then lie at IO, waiting for the rest of their block.
   */
  absorb(pending: number, data: Uint8Array): number {
    for (let at = 0; at < data.length;) {
      const size = Math.min(data.length - at, this.io.length - pending);
      this.io.set(size === data.length ? data : data.subarray(at, at + size), pending);
      pending = this.consume(pending + size);
      at += size;
    }
    return pending;
  }

  /** Hashes the whole blocks among the first `filled` bytes of IO, moves the rest to the front, returns its size. */
  consume(filled: number): number {
    const rest = filled % 64;
    this.wasm.blocks(filled >>> 6);
    if (rest > 0) this.io.copyWithin(0, filled - rest, filled);
    return rest;
  }
}

class WasmHasher implements Hasher {
  readonly #engine: Engine;
  /** The chaining value as the module keeps it: eight u32, little-endian. */
  readonly #chaining = new Uint8Array(32);
  /** Its first `#length` mod 64 bytes count. */
  readonly #pending = new Uint8Array(64);
  #length = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.wasm.begin();
    this.#chaining.set(engine.state);
  }

  update(data: Uint8Array): WasmHasher {
    const pending = this.#length % 64;
    if (pending + data.length < 64) {
      this.#pending.set(data, pending);
    } else {
      const engine = this.#engine;
      engine.state.set(this.#chaining);
      engine.head.set(this.#pending);
      engine.absorb(pending, data);
      this.#chaining.set(engine.state);
      this.#pending.set(engine.head);
    }
    this.#length += data.length;
    return this;
  }

  digest(): Uint8Array {
    const engine = this.#engine;
    engine.state.set(this.#chaining);
    engine.head.set(this.#pending);
    engine.wasm.finish(this.#length % 64, this.#length);
    return new Uint8Array(engine.digest);
  }

  save(): Uint8Array {
    return packMidstate({
      chaining: swapWords(this.#chaining),
      length: this.#length,
      pending: this.#pending.subarray(0, this.#length % 64),
    });
  }

  restore(midstate: Uint8Array): WasmHasher {
    const { chaining, length, pending } = unpackMidstate(midstate);
    this.#chaining.set(swapWords(chaining));
    this.#pending.set(pending);
    this.#length = length;
    return this;
  }
}

/** Turns the byte order of every u32 round. */
function swapWords(bytes: Uint8Array): Uint8Array {
  return bytes.map((_, i) => bytes[i ^ 3]!);
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}
