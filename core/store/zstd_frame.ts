/**
 * Whether bytes are one whole zstd frame (RFC 8878, section 3.1.1), by its headers alone. The runtimes differ in what
 * they let pass: Bun takes a frame that is cut off, Node and Deno one with something behind it. What may be altered
 * without a change of the content should be as little as possible.
 */

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** True for one frame of `size` bytes of content, from the first byte to the last. */
export function isWholeFrame(data: Uint8Array, size: number): boolean {
  if (data.length < 8 || MAGIC.some((byte, i) => data[i] !== byte)) return false;
  const flags = data[4]!;
  // One bit is reserved and one unused: a writer leaves both 0.
  if ((flags & 0b0001_1000) !== 0) return false;
  const single = (flags & 0b0010_0000) !== 0;
  const checksum = (flags & 0b0000_0100) !== 0;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6]!;
  let at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][flags & 3]!;
  let stated = 0;
  for (let i = sizeBytes - 1; i >= 0; i--) stated = stated * 256 + data[at + i]!;
  if (sizeBytes === 2) stated += 256;
  if (sizeBytes > 0 && stated !== size) return false;
  at += sizeBytes;
  for (let last = false; !last;) {
    if (at + 3 > data.length) return false;
    const header = data[at]! | data[at + 1]! << 8 | data[at + 2]! << 16;
    const type = header >> 1 & 3;
    if (type === 3) return false;
    last = (header & 1) === 1;
    // A block of one repeated byte holds just that byte.
    at += 3 + (type === 1 ? 1 : header >> 3);
  }
  return at + (checksum ? 4 : 0) === data.length;
}
