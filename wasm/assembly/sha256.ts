// SHA-256 (FIPS 180-4) of one message.
//
// The rounds are scalar, the message schedule is SIMD, four words at a time, and the two are interleaved: while
// the scalar units run four rounds, the vector units make the words that are wanted sixteen rounds later. On the
// machine of docs/discoveries.md that is 440 MB/s in V8 and 380 in JavaScriptCore, against 350 and 200 for a
// schedule in scalar locals. Four passes of sixteen rounds beat 64 unrolled rounds: the same in V8, 1.4 times
// as fast in JavaScriptCore, which wants small functions.

import { DIGEST, IO, STATE } from "./layout";

/** The words of sixteen rounds, round constant already added; written four at a time, read one at a time. */
const W: usize = memory.data(64, 64);

export const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
], 64);

export const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
], 16);

// @ts-ignore: decorator
@inline function S0(x: u32): u32 { return rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22); }
// @ts-ignore: decorator
@inline function S1(x: u32): u32 { return rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25); }
// @ts-ignore: decorator
@inline function ch(x: u32, y: u32, z: u32): u32 { return z ^ (x & (y ^ z)); }

/** Four words between big-endian memory and numbers; its own inverse. */
// @ts-ignore: decorator
@inline function swap(x: v128): v128 {
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

// @ts-ignore: decorator
@inline function rotr4(x: v128, n: i32): v128 { return v128.or(i32x4.shr_u(x, n), i32x4.shl(x, 32 - n)); }
// @ts-ignore: decorator
@inline function s0(x: v128): v128 { return v128.xor(v128.xor(rotr4(x, 7), rotr4(x, 18)), i32x4.shr_u(x, 3)); }

/**
 * The small sigma 1 of two words, each given twice side by side: in such a pair a 64-bit shift to the right is a
 * 32-bit rotation of its lower half, so the results lie in lanes 0 and 2.
 */
// @ts-ignore: decorator
@inline function s1(pairs: v128): v128 {
  return v128.xor(v128.xor(i64x2.shr_u(pairs, 17), i64x2.shr_u(pairs, 19)), i32x4.shr_u(pairs, 10));
}

/** The next four words of the schedule from the sixteen before; words 2 and 3 need the new words 0 and 1. */
// @ts-ignore: decorator
@inline function next(x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const zero = i32x4.splat(0);
  const sum = i32x4.add(i32x4.add(x0, s0(i32x4.shuffle(x0, x1, 1, 2, 3, 4))), i32x4.shuffle(x2, x3, 1, 2, 3, 4));
  const low = i32x4.add(sum, i32x4.shuffle(s1(i32x4.shuffle(x3, x3, 2, 2, 3, 3)), zero, 0, 2, 4, 4));
  return i32x4.add(low, i32x4.shuffle(s1(i32x4.shuffle(low, low, 0, 0, 1, 1)), zero, 4, 4, 0, 2));
}

/** Sets the chaining value to that of the empty message. */
export function begin(): void {
  v128.store(STATE, v128.load(INITIAL));
  v128.store(STATE, v128.load(INITIAL, 16), 16);
}

/** Writes the chaining value, 32 bytes big-endian, to `out`. */
export function emit(out: usize): void {
  v128.store(out, swap(v128.load(STATE)));
  v128.store(out, swap(v128.load(STATE, 16)), 16);
}

/** Takes `count` blocks of 64 bytes from `from` into the chaining value. */
export function compress(from: usize, count: u32): void {
  let a = load<u32>(STATE), b = load<u32>(STATE, 4), c = load<u32>(STATE, 8), d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16), f = load<u32>(STATE, 20), g = load<u32>(STATE, 24), h = load<u32>(STATE, 28);
  let t: u32, x: u32;

  while (count--) {
    const a0 = a, b0 = b, c0 = c, d0 = d, e0 = e, f0 = f, g0 = g, h0 = h;
    let x0 = swap(v128.load(from)), x1 = swap(v128.load(from, 16));
    let x2 = swap(v128.load(from, 32)), x3 = swap(v128.load(from, 48));
    v128.store(W, i32x4.add(x0, v128.load(K)));
    v128.store(W, i32x4.add(x1, v128.load(K, 16)), 16);
    v128.store(W, i32x4.add(x2, v128.load(K, 32)), 32);
    v128.store(W, i32x4.add(x3, v128.load(K, 48)), 48);

    // A round leaves its a in the h of the round before, so eight rounds turn the names full circle and nothing
    // moves. maj(a, b, c) is b ^ ((a ^ b) & (b ^ c)); the a ^ b of one round is the b ^ c of the next, hence
    // x and y take turns.
    let y = b ^ c;
    for (let k: usize = K + 64; k < K + 256; k += 64) {
      x0 = next(x0, x1, x2, x3);
      t = h + S1(e) + ch(e, f, g) + load<u32>(W, 0); x = a ^ b; d += t; h = t + S0(a) + (b ^ (x & y));
      t = g + S1(d) + ch(d, e, f) + load<u32>(W, 4); y = h ^ a; c += t; g = t + S0(h) + (a ^ (y & x));
      t = f + S1(c) + ch(c, d, e) + load<u32>(W, 8); x = g ^ h; b += t; f = t + S0(g) + (h ^ (x & y));
      t = e + S1(b) + ch(b, c, d) + load<u32>(W, 12); y = f ^ g; a += t; e = t + S0(f) + (g ^ (y & x));
      v128.store(W, i32x4.add(x0, v128.load(k)));
      x1 = next(x1, x2, x3, x0);
      t = d + S1(a) + ch(a, b, c) + load<u32>(W, 16); x = e ^ f; h += t; d = t + S0(e) + (f ^ (x & y));
      t = c + S1(h) + ch(h, a, b) + load<u32>(W, 20); y = d ^ e; g += t; c = t + S0(d) + (e ^ (y & x));
      t = b + S1(g) + ch(g, h, a) + load<u32>(W, 24); x = c ^ d; f += t; b = t + S0(c) + (d ^ (x & y));
      t = a + S1(f) + ch(f, g, h) + load<u32>(W, 28); y = b ^ c; e += t; a = t + S0(b) + (c ^ (y & x));
      v128.store(W, i32x4.add(x1, v128.load(k, 16)), 16);
      x2 = next(x2, x3, x0, x1);
      t = h + S1(e) + ch(e, f, g) + load<u32>(W, 32); x = a ^ b; d += t; h = t + S0(a) + (b ^ (x & y));
      t = g + S1(d) + ch(d, e, f) + load<u32>(W, 36); y = h ^ a; c += t; g = t + S0(h) + (a ^ (y & x));
      t = f + S1(c) + ch(c, d, e) + load<u32>(W, 40); x = g ^ h; b += t; f = t + S0(g) + (h ^ (x & y));
      t = e + S1(b) + ch(b, c, d) + load<u32>(W, 44); y = f ^ g; a += t; e = t + S0(f) + (g ^ (y & x));
      v128.store(W, i32x4.add(x2, v128.load(k, 32)), 32);
      x3 = next(x3, x0, x1, x2);
      t = d + S1(a) + ch(a, b, c) + load<u32>(W, 48); x = e ^ f; h += t; d = t + S0(e) + (f ^ (x & y));
      t = c + S1(h) + ch(h, a, b) + load<u32>(W, 52); y = d ^ e; g += t; c = t + S0(d) + (e ^ (y & x));
      t = b + S1(g) + ch(g, h, a) + load<u32>(W, 56); x = c ^ d; f += t; b = t + S0(c) + (d ^ (x & y));
      t = a + S1(f) + ch(f, g, h) + load<u32>(W, 60); y = b ^ c; e += t; a = t + S0(b) + (c ^ (y & x));
      v128.store(W, i32x4.add(x3, v128.load(k, 48)), 48);
    }
    t = h + S1(e) + ch(e, f, g) + load<u32>(W, 0); x = a ^ b; d += t; h = t + S0(a) + (b ^ (x & y));
    t = g + S1(d) + ch(d, e, f) + load<u32>(W, 4); y = h ^ a; c += t; g = t + S0(h) + (a ^ (y & x));
    t = f + S1(c) + ch(c, d, e) + load<u32>(W, 8); x = g ^ h; b += t; f = t + S0(g) + (h ^ (x & y));
    t = e + S1(b) + ch(b, c, d) + load<u32>(W, 12); y = f ^ g; a += t; e = t + S0(f) + (g ^ (y & x));
    t = d + S1(a) + ch(a, b, c) + load<u32>(W, 16); x = e ^ f; h += t; d = t + S0(e) + (f ^ (x & y));
    t = c + S1(h) + ch(h, a, b) + load<u32>(W, 20); y = d ^ e; g += t; c = t + S0(d) + (e ^ (y & x));
    t = b + S1(g) + ch(g, h, a) + load<u32>(W, 24); x = c ^ d; f += t; b = t + S0(c) + (d ^ (x & y));
    t = a + S1(f) + ch(f, g, h) + load<u32>(W, 28); y = b ^ c; e += t; a = t + S0(b) + (c ^ (y & x));
    t = h + S1(e) + ch(e, f, g) + load<u32>(W, 32); x = a ^ b; d += t; h = t + S0(a) + (b ^ (x & y));
    t = g + S1(d) + ch(d, e, f) + load<u32>(W, 36); y = h ^ a; c += t; g = t + S0(h) + (a ^ (y & x));
    t = f + S1(c) + ch(c, d, e) + load<u32>(W, 40); x = g ^ h; b += t; f = t + S0(g) + (h ^ (x & y));
    t = e + S1(b) + ch(b, c, d) + load<u32>(W, 44); y = f ^ g; a += t; e = t + S0(f) + (g ^ (y & x));
    t = d + S1(a) + ch(a, b, c) + load<u32>(W, 48); x = e ^ f; h += t; d = t + S0(e) + (f ^ (x & y));
    t = c + S1(h) + ch(h, a, b) + load<u32>(W, 52); y = d ^ e; g += t; c = t + S0(d) + (e ^ (y & x));
    t = b + S1(g) + ch(g, h, a) + load<u32>(W, 56); x = c ^ d; f += t; b = t + S0(c) + (d ^ (x & y));
    t = a + S1(f) + ch(f, g, h) + load<u32>(W, 60); e += t; a = t + S0(b) + (c ^ ((b ^ c) & x));

    a += a0; b += b0; c += c0; d += d0;
    e += e0; f += f0; g += g0; h += h0;
    from += 64;
  }

  store<u32>(STATE, a); store<u32>(STATE, b, 4); store<u32>(STATE, c, 8); store<u32>(STATE, d, 12);
  store<u32>(STATE, e, 16); store<u32>(STATE, f, 20); store<u32>(STATE, g, 24); store<u32>(STATE, h, 28);
}

/**
 * Ends the message whose last `length` bytes (any number, whole blocks too) lie at IO and that is `total` bytes
 * long in all: pads it and leaves its digest at DIGEST. The chaining value is used up.
 */
export function finish(length: u32, total: f64): void {
  const end = IO + <usize>length;
  const count = (length + 72) >> 6;
  const zero = i32x4.splat(0);
  store<u8>(end, 0x80);
  // At most 63 zeros stand between that byte and the length. Writing 64 blindly costs less than a fill.
  v128.store(end, zero, 1);
  v128.store(end, zero, 17);
  v128.store(end, zero, 33);
  v128.store(end, zero, 49);
  store<u64>(IO + (<usize>count << 6) - 8, bswap<u64>(<u64>total << 3));
  compress(IO, count);
  emit(DIGEST);
}

/** The digest of the `length` bytes at IO. */
export function hash(length: u32): void {
  begin();
  finish(length, <f64>length);
}
