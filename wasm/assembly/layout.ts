// The fixed layout of linear memory. Nothing is ever allocated: every area below is reserved by the compiler,
// so the memory's size is known when the module is built and never changes.

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
