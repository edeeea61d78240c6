// The fixed part of linear memory: every area below is reserved by the compiler. From HEAP on the memory is the
// caller's: a scanner keeps its bodies there, an index its table, and an instance for hashing alone never grows.

/** Bytes that one call can take in, a multiple of the block size. */
export const IO_SIZE: i32 = 262144;

/** The window through which messages come in. Behind it lies room for what `finish` writes past a message. */
export const IO: usize = memory.data(262144 + 128, 64);

/** The chaining value between two calls: eight u32 in the machine's order, which in WASM is little-endian. */
export const STATE: usize = memory.data(32, 16);

/**
 * Two whole blocks in which the next link of a chain is computed where its inputs already lie:
 * the link before (32 bytes), the last digest (32 bytes), and the padding that every 64-byte message has.
 */
export const LINK: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0,
], 16);

/** Where every digest is left, 32 bytes in the standard's order. */
export const DIGEST: usize = LINK + 32;

/** How many messages one call of `many` can take. */
export const BATCH: i32 = 1024;

/** The messages of `many`: address and length of each, two u32. */
export const MESSAGES: usize = memory.data(8192, 16);

/** Their digests, 32 bytes each. */
export const DIGESTS: usize = memory.data(32768, 16);

/** Where the caller's part begins. */
export const HEAP: usize = (__heap_base + 63) & ~63;

/** Makes the memory reach to `end`. False when the machine has no more. */
export function reserve(end: usize): bool {
  const pages = <i32>((end + 0xffff) >>> 16) - memory.size();
  return pages <= 0 || memory.grow(pages) >= 0;
}
