// The chunker; wasm/core.ts states its rule. The hash of the last 32 bytes is h = (h << 1) + gear[byte]: a byte's
// part of it is shifted out after 32 more.

import { GEAR } from "./gear";
import { MESSAGES } from "./layout";

const MIN: u32 = 512;
const NORMAL: u32 = 2048;
const MAX: u32 = 8192;
const WINDOW: u32 = 32;
/** A hash below it ends a chunk: one in 2^13 does while the chunk is shorter than NORMAL, then one in 2^9. */
const STRICT: u32 = 1 << 19;
const EASY: u32 = 1 << 23;

// @ts-ignore: decorator
@inline function roll(h: u32, at: usize): u32 { return (h << 1) + load<u32>(GEAR + (<usize>load<u8>(at) << 2)); }

/** Where the chunk that begins at `at` ends; `end` is the end of the body. */
function nextEnd(at: usize, end: usize): usize {
  if (end - at <= MIN) return end;
  const normal = min(end, at + NORMAL - 1), last = min(end, at + MAX);
  let p = at + MIN - WINDOW;
  let h: u32 = 0;
  for (const first = at + MIN - 1; p < first; p++) h = roll(h, p);
  while (p < normal) {
    h = roll(h, p++);
    if (h < STRICT) return p;
  }
  while (p < last) {
    h = roll(h, p++);
    if (h < EASY) return p;
  }
  return last;
}

/** Cuts the `size` bytes at `body` from offset `from` on; writes the ends, u32 offsets, to `ends`; returns how many. */
export function cut(body: usize, size: u32, from: u32, ends: usize): u32 {
  const end = body + size;
  let count: u32 = 0;
  for (let at = body + from; at < end;) {
    at = nextEnd(at, end);
    store<u32>(ends + (<usize>count << 2), <u32>(at - body));
    count++;
  }
  return count;
}

/** Lists `count` chunks as MESSAGES; the first begins at offset `from`, and their ends are at `ends`. */
export function listChunks(body: usize, from: u32, ends: usize, count: u32): void {
  for (let i: usize = 0; i < count; i++) {
    const end = load<u32>(ends + (i << 2));
    store<u32>(MESSAGES + (i << 3), <u32>body + from);
    store<u32>(MESSAGES + (i << 3), end - from, 4);
    from = end;
  }
}
