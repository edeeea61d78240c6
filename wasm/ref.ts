/**
 * The Core in plain TypeScript: it defines what is right, and the compiled module is tested against it. Written
 * to be read beside FIPS 180-4, not to be fast: about a tenth of the module's speed, and it copies what it hashes.
 * What is not SHA-256 stands in wasm/ref/.
 */

import type { Core, Hasher } from "./core.ts";
import { packMidstate, unpackMidstate } from "./midstate.ts";
import { gearTable } from "./ref/chunks.ts";
import { RefDigestIndex } from "./ref/digest_index.ts";
import { RefScanner } from "./ref/scanner.ts";

/** K: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
export const ROUND_CONSTANTS: readonly number[] = [
  ...[0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5],
  ...[0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174],
  ...[0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da],
  ...[0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967],
  ...[0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85],
  ...[0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070],
  ...[0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3],
  ...[0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2],
];

/** H(0): the first 32 bits of the fractional parts of the square roots of the first 8 primes. */
export const INITIAL_VALUE: readonly number[] = [
  ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
];

const encoder = new TextEncoder();

/** The reference Core. `constants` is for tests that want a wrong one: 64 u32. */
export function createRefCore(constants: readonly number[] = ROUND_CONSTANTS): Core {
  const k = Uint32Array.from(constants);
  const sha256 = (data: Uint8Array) => new RefHasher(k).update(data).digest();
  let gear: Uint32Array | undefined;
  return {
    sha256,
    sha256Text: (text) => sha256(encoder.encode(text)),
    chainNext(link, event) {
      if (link.length !== 32) {
        throw new RangeError(`Cannot chain: the link has ${link.length} bytes, need 32`);
      }
      return new RefHasher(k).update(link).update(sha256(event)).digest();
    },
    hasher: () => new RefHasher(k),
    sha256Many(messages) {
      const out = new Uint8Array(messages.length * 32);
      messages.forEach((message, i) => out.set(sha256(message), i * 32));
      return out;
    },
    scanner: (budget) => new RefScanner(sha256, gear ??= gearTable(sha256), budget),
    digestIndex: () => new RefDigestIndex(),
  };
}

class RefHasher implements Hasher {
  readonly #k: Uint32Array;
  #chaining = Uint32Array.from(INITIAL_VALUE);
  #pending: Uint8Array = new Uint8Array(0);
  #length = 0;

  constructor(k: Uint32Array) {
    this.#k = k;
  }

  update(data: Uint8Array): RefHasher {
    const bytes = concat(this.#pending, data);
    const whole = bytes.length - bytes.length % 64;
    for (let at = 0; at < whole; at += 64) compress(this.#chaining, this.#k, bytes.subarray(at, at + 64));
    this.#pending = bytes.slice(whole);
    this.#length += data.length;
    return this;
  }

  digest(): Uint8Array {
    const padding = new Uint8Array((this.#length % 64 < 56 ? 64 : 128) - this.#length % 64);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, BigInt(this.#length) * 8n);
    const last = concat(this.#pending, padding);
    const chaining = this.#chaining.slice();
    for (let at = 0; at < last.length; at += 64) compress(chaining, this.#k, last.subarray(at, at + 64));
    return toBytes(chaining);
  }

  save(): Uint8Array {
    return packMidstate({ chaining: toBytes(this.#chaining), length: this.#length, pending: this.#pending });
  }

  restore(midstate: Uint8Array): RefHasher {
    const { chaining, length, pending } = unpackMidstate(midstate);
    this.#chaining = toWords(chaining);
    this.#length = length;
    this.#pending = pending.slice();
    return this;
  }
}

/** One block of 64 bytes into the chaining value, as in FIPS 180-4, section 6.2.2. */
function compress(chaining: Uint32Array, k: Uint32Array, block: Uint8Array): void {
  const w = new Uint32Array(64);
  w.set(toWords(block));
  for (let t = 16; t < 64; t++) {
    const s0 = rotr(w[t - 15]!, 7) ^ rotr(w[t - 15]!, 18) ^ (w[t - 15]! >>> 3);
    const s1 = rotr(w[t - 2]!, 17) ^ rotr(w[t - 2]!, 19) ^ (w[t - 2]! >>> 10);
    w[t] = s1 + w[t - 7]! + s0 + w[t - 16]!;
  }
  let a = chaining[0]!, b = chaining[1]!, c = chaining[2]!, d = chaining[3]!;
  let e = chaining[4]!, f = chaining[5]!, g = chaining[6]!, h = chaining[7]!;
  for (let t = 0; t < 64; t++) {
    const t1 = (h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + k[t]! + w[t]!) | 0;
    const t2 = ((rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => chaining[i]! += word);
}

function rotr(x: number, n: number): number {
  return (x >>> n) | (x << (32 - n));
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

function toBytes(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(i * 4, word));
  return bytes;
}

function toWords(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = new Uint32Array(bytes.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(i * 4);
  return words;
}
