// Bodies that lie whole in memory: how much of another one begins with, and digests that resume from marks.
// A mark is the chaining value after a whole number of strides, 32 bytes; mark i is the one after i + 1 strides.

import { DIGEST, IO, STATE } from "./layout";
import { begin, compress, finish } from "./sha256";

/** Bytes between two marks: a multiple of the block size, at most IO_SIZE. */
export const STRIDE: i32 = 1024;

/** How many of `limit` leading bytes are the same at `a` and at `b`. */
export function common(a: usize, b: usize, limit: u32): u32 {
  let i: u32 = 0;
  for (const wide = limit & ~63; i < wide; i += 64) {
    const x = v128.or(
      v128.xor(v128.load(a + i), v128.load(b + i)),
      v128.xor(v128.load(a + i, 16), v128.load(b + i, 16)),
    );
    const y = v128.or(
      v128.xor(v128.load(a + i, 32), v128.load(b + i, 32)),
      v128.xor(v128.load(a + i, 48), v128.load(b + i, 48)),
    );
    if (v128.any_true(v128.or(x, y))) break;
  }
  while (i < limit && load<u8>(a + i) == load<u8>(b + i)) i++;
  return i;
}

// For 32 bytes memory.copy, which leaves the module's code, takes longer than half a block.
// @ts-ignore: decorator
@inline function copyMark(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
}

/**
 * The digest of the `size` bytes at `body`, to DIGEST. Resumes from the first `known` marks at `marks`, writes
 * those that follow, and returns how many there are then.
 */
export function digestBody(body: usize, size: u32, marks: usize, known: u32): u32 {
  if (known == 0) begin();
  else copyMark(STATE, marks + (<usize>(known - 1) << 5));
  let at = known * STRIDE;
  for (; size - at >= <u32>STRIDE; at += STRIDE) {
    compress(body + at, STRIDE >> 6);
    copyMark(marks + (<usize>known << 5), STATE);
    known++;
  }
  memory.copy(IO, body + at, size - at);
  finish(size - at, <f64>size);
  return known;
}
