// SHA-256 of four messages side by side: lane i of every vector belongs to message i. A lane whose message has
// ended takes the next one at once, so unequal lengths cost nothing until fewer than four messages are left;
// those are finished one by one with the single stream, which is faster than a vector with empty lanes.

import { DIGESTS, MESSAGES, STATE } from "./layout";
import { begin, compress, emit, INITIAL, K } from "./sha256";

/** The chaining values: eight vectors. */
const STATES: usize = memory.data(128, 64);
/** All the words of one block of each lane: 64 vectors. */
const W: usize = memory.data(1024, 64);
/** The last one or two blocks of each lane's message, padded: 128 bytes a lane, and what `pad` writes past them. */
const TAILS: usize = memory.data(768, 64);
// @ts-ignore: decorator
@inline const TAIL_SIZE: u32 = 192;
/** What each lane is at, 16 bytes a lane: next block's address, blocks there, blocks of its tail to come, message. */
const LANES: usize = memory.data(64, 16);

// @ts-ignore: decorator
@inline const AT: usize = 0;
// @ts-ignore: decorator
@inline const LEFT: usize = 4;
// @ts-ignore: decorator
@inline const TAIL: usize = 8;
// @ts-ignore: decorator
@inline const MESSAGE: usize = 12;

// @ts-ignore: decorator
@inline function rotr4(x: v128, n: i32): v128 { return v128.or(i32x4.shr_u(x, n), i32x4.shl(x, 32 - n)); }
// @ts-ignore: decorator
@inline function S0(x: v128): v128 { return v128.xor(v128.xor(rotr4(x, 2), rotr4(x, 13)), rotr4(x, 22)); }
// @ts-ignore: decorator
@inline function S1(x: v128): v128 { return v128.xor(v128.xor(rotr4(x, 6), rotr4(x, 11)), rotr4(x, 25)); }
// @ts-ignore: decorator
@inline function s0(x: v128): v128 { return v128.xor(v128.xor(rotr4(x, 7), rotr4(x, 18)), i32x4.shr_u(x, 3)); }
// @ts-ignore: decorator
@inline function s1(x: v128): v128 { return v128.xor(v128.xor(rotr4(x, 17), rotr4(x, 19)), i32x4.shr_u(x, 10)); }
// @ts-ignore: decorator
@inline function swap(x: v128): v128 {
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** What a round adds to d, and with S0 and maj to a. */
// @ts-ignore: decorator
@inline function t1(e: v128, f: v128, g: v128, h: v128, w: usize, k: usize): v128 {
  const sum = i32x4.add(i32x4.add(h, v128.load(w)), v128.load32_splat(k));
  return i32x4.add(i32x4.add(sum, S1(e)), v128.bitselect(f, g, e));
}

// @ts-ignore: decorator
@inline function t2(a: v128, b: v128, t: v128, ab: v128, bc: v128): v128 {
  return i32x4.add(t, i32x4.add(S0(a), v128.xor(b, v128.and(ab, bc))));
}

/** Four words of each lane's block, as four vectors, to `w`. */
// @ts-ignore: decorator
@inline function gather(p0: usize, p1: usize, p2: usize, p3: usize, w: usize): void {
  const r0 = swap(v128.load(p0)), r1 = swap(v128.load(p1)), r2 = swap(v128.load(p2)), r3 = swap(v128.load(p3));
  const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5), low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7), high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(w, i64x2.shuffle(low01, low23, 0, 2));
  v128.store(w, i64x2.shuffle(low01, low23, 1, 3), 16);
  v128.store(w, i64x2.shuffle(high01, high23, 0, 2), 32);
  v128.store(w, i64x2.shuffle(high01, high23, 1, 3), 48);
}

/** The word that is wanted sixteen rounds after the one at `w`. */
// @ts-ignore: decorator
@inline function next(w: usize): void {
  const old = i32x4.add(v128.load(w), v128.load(w, 144));
  v128.store(w, i32x4.add(i32x4.add(old, s0(v128.load(w, 16))), s1(v128.load(w, 224))), 256);
}

/** Takes the block at W into the chaining values. As in sha256.ts, the words are made while the rounds run. */
function rounds(): void {
  let a = v128.load(STATES), b = v128.load(STATES, 16), c = v128.load(STATES, 32), d = v128.load(STATES, 48);
  let e = v128.load(STATES, 64), f = v128.load(STATES, 80), g = v128.load(STATES, 96), h = v128.load(STATES, 112);
  let t: v128, x: v128, y = v128.xor(b, c);
  let k: usize = K, w: usize = W;
  for (; w < W + 768; w += 128) {
    next(w + 0);
    t = t1(e, f, g, h, w + 0, k + 0); x = v128.xor(a, b); d = i32x4.add(d, t); h = t2(a, b, t, x, y);
    next(w + 16);
    t = t1(d, e, f, g, w + 16, k + 4); y = v128.xor(h, a); c = i32x4.add(c, t); g = t2(h, a, t, y, x);
    next(w + 32);
    t = t1(c, d, e, f, w + 32, k + 8); x = v128.xor(g, h); b = i32x4.add(b, t); f = t2(g, h, t, x, y);
    next(w + 48);
    t = t1(b, c, d, e, w + 48, k + 12); y = v128.xor(f, g); a = i32x4.add(a, t); e = t2(f, g, t, y, x);
    next(w + 64);
    t = t1(a, b, c, d, w + 64, k + 16); x = v128.xor(e, f); h = i32x4.add(h, t); d = t2(e, f, t, x, y);
    next(w + 80);
    t = t1(h, a, b, c, w + 80, k + 20); y = v128.xor(d, e); g = i32x4.add(g, t); c = t2(d, e, t, y, x);
    next(w + 96);
    t = t1(g, h, a, b, w + 96, k + 24); x = v128.xor(c, d); f = i32x4.add(f, t); b = t2(c, d, t, x, y);
    next(w + 112);
    t = t1(f, g, h, a, w + 112, k + 28); y = v128.xor(b, c); e = i32x4.add(e, t); a = t2(b, c, t, y, x);
    k += 32;
  }
  for (; w < W + 1024; w += 128) {
    t = t1(e, f, g, h, w + 0, k + 0); x = v128.xor(a, b); d = i32x4.add(d, t); h = t2(a, b, t, x, y);
    t = t1(d, e, f, g, w + 16, k + 4); y = v128.xor(h, a); c = i32x4.add(c, t); g = t2(h, a, t, y, x);
    t = t1(c, d, e, f, w + 32, k + 8); x = v128.xor(g, h); b = i32x4.add(b, t); f = t2(g, h, t, x, y);
    t = t1(b, c, d, e, w + 48, k + 12); y = v128.xor(f, g); a = i32x4.add(a, t); e = t2(f, g, t, y, x);
    t = t1(a, b, c, d, w + 64, k + 16); x = v128.xor(e, f); h = i32x4.add(h, t); d = t2(e, f, t, x, y);
    t = t1(h, a, b, c, w + 80, k + 20); y = v128.xor(d, e); g = i32x4.add(g, t); c = t2(d, e, t, y, x);
    t = t1(g, h, a, b, w + 96, k + 24); x = v128.xor(c, d); f = i32x4.add(f, t); b = t2(c, d, t, x, y);
    t = t1(f, g, h, a, w + 112, k + 28); y = v128.xor(b, c); e = i32x4.add(e, t); a = t2(b, c, t, y, x);
    k += 32;
  }
  v128.store(STATES, i32x4.add(a, v128.load(STATES)));
  v128.store(STATES, i32x4.add(b, v128.load(STATES, 16)), 16);
  v128.store(STATES, i32x4.add(c, v128.load(STATES, 32)), 32);
  v128.store(STATES, i32x4.add(d, v128.load(STATES, 48)), 48);
  v128.store(STATES, i32x4.add(e, v128.load(STATES, 64)), 64);
  v128.store(STATES, i32x4.add(f, v128.load(STATES, 80)), 80);
  v128.store(STATES, i32x4.add(g, v128.load(STATES, 96)), 96);
  v128.store(STATES, i32x4.add(h, v128.load(STATES, 112)), 112);
}

/** Takes `count` blocks of every lane. */
function advance(count: u32): void {
  let p0: usize = load<u32>(LANES, AT), p1: usize = load<u32>(LANES, 16 + AT);
  let p2: usize = load<u32>(LANES, 32 + AT), p3: usize = load<u32>(LANES, 48 + AT);
  for (let i: u32 = 0; i < count; i++) {
    gather(p0, p1, p2, p3, W);
    gather(p0 + 16, p1 + 16, p2 + 16, p3 + 16, W + 64);
    gather(p0 + 32, p1 + 32, p2 + 32, p3 + 32, W + 128);
    gather(p0 + 48, p1 + 48, p2 + 48, p3 + 48, W + 192);
    rounds();
    p0 += 64; p1 += 64; p2 += 64; p3 += 64;
  }
  store<u32>(LANES, <u32>p0, AT); store<u32>(LANES, <u32>p1, 16 + AT);
  store<u32>(LANES, <u32>p2, 32 + AT); store<u32>(LANES, <u32>p3, 48 + AT);
  for (let lane: usize = LANES; lane < LANES + 64; lane += 16) store<u32>(lane, load<u32>(lane, LEFT) - count, LEFT);
}

/** Writes the padded last blocks of a message to `tail`; returns how many they are. Reads up to 64 bytes past it. */
function pad(tail: usize, at: usize, length: u32): u32 {
  const rest: u32 = length & 63;
  const from = at + (length - rest), end = tail + rest;
  const zero = i32x4.splat(0);
  v128.store(tail, v128.load(from));
  v128.store(tail, v128.load(from, 16), 16);
  v128.store(tail, v128.load(from, 32), 32);
  v128.store(tail, v128.load(from, 48), 48);
  store<u8>(end, 0x80);
  v128.store(end, zero, 1);
  v128.store(end, zero, 17);
  v128.store(end, zero, 33);
  v128.store(end, zero, 49);
  const size: usize = rest < 56 ? 64 : 128;
  store<u64>(tail + size - 8, bswap<u64>(<u64>length << 3));
  return <u32>size >> 6;
}

/** Gives message number `index` to lane number `lane`. */
function start(lane: u32, index: u32): void {
  const at: usize = load<u32>(MESSAGES + (<usize>index << 3));
  const length = load<u32>(MESSAGES + (<usize>index << 3), 4);
  const record = LANES + (<usize>lane << 4);
  store<u32>(record, <u32>at, AT);
  store<u32>(record, length >> 6, LEFT);
  store<u32>(record, pad(TAILS + lane * TAIL_SIZE, at, length), TAIL);
  store<u32>(record, index, MESSAGE);
  for (let i: usize = 0; i < 32; i += 4) {
    store<u32>(STATES + (i << 2) + (<usize>lane << 2), load<u32>(INITIAL + i));
  }
}

/** Writes the digest of lane number `lane`, whose message has ended. */
function deliver(lane: u32): void {
  const out = DIGESTS + (<usize>load<u32>(LANES + (<usize>lane << 4), MESSAGE) << 5);
  for (let i: usize = 0; i < 32; i += 4) {
    store<u32>(out + i, bswap<u32>(load<u32>(STATES + (i << 2) + (<usize>lane << 2))));
  }
}

/** Brings lane number `lane` to its next block, of its tail if need be. False when its message has ended. */
function hasBlocks(lane: u32): bool {
  const record = LANES + (<usize>lane << 4);
  if (load<u32>(record, LEFT) > 0) return true;
  const tail = load<u32>(record, TAIL);
  if (tail == 0) return false;
  store<u32>(record, <u32>(TAILS + lane * TAIL_SIZE), AT);
  store<u32>(record, tail, LEFT);
  store<u32>(record, 0, TAIL);
  return true;
}

/** Finishes the message of one lane with the single stream. */
function finishAlone(lane: u32): void {
  for (let i: usize = 0; i < 32; i += 4) {
    store<u32>(STATE + i, load<u32>(STATES + (i << 2) + (<usize>lane << 2)));
  }
  const record = LANES + (<usize>lane << 4);
  while (hasBlocks(lane)) {
    compress(load<u32>(record, AT), load<u32>(record, LEFT));
    store<u32>(record, 0, LEFT);
  }
  emit(DIGESTS + (<usize>load<u32>(record, MESSAGE) << 5));
}

/** The digest of message number `index` with the single stream. */
function alone(index: u32): void {
  const at: usize = load<u32>(MESSAGES + (<usize>index << 3));
  const length = load<u32>(MESSAGES + (<usize>index << 3), 4);
  begin();
  compress(at, length >> 6);
  compress(TAILS, pad(TAILS, at, length));
  emit(DIGESTS + (<usize>index << 5));
}

/** The digests of the first `count` messages of MESSAGES, to DIGESTS. */
export function many(count: u32): void {
  if (count < 4) {
    for (let i: u32 = 0; i < count; i++) alone(i);
    return;
  }
  for (let lane: u32 = 0; lane < 4; lane++) start(lane, lane);
  let next: u32 = 4;
  let full = true;
  while (full) {
    let run: u32 = u32.MAX_VALUE;
    for (let lane: u32 = 0; lane < 4; lane++) {
      if (!hasBlocks(lane)) {
        if (next == count) {
          full = false;
          break;
        }
        deliver(lane);
        start(lane, next++);
        hasBlocks(lane);
      }
      run = min(run, load<u32>(LANES + (<usize>lane << 4), LEFT));
    }
    if (full) advance(run);
  }
  for (let lane: u32 = 0; lane < 4; lane++) finishAlone(lane);
}
