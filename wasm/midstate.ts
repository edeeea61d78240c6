/**
 * The bytes of a saved SHA-256, the same whichever Core wrote them:
 *
 *   0..32   the chaining value after the last whole block, eight u32, big-endian
 *   32..40  how many bytes were hashed, u64, big-endian
 *   40..    the bytes after the last whole block, as they are: (length mod 64) of them
 *
 * So a midstate at a block boundary has 40 bytes, and there is one midstate for one message. It holds up to 63
 * bytes of the message in clear. It carries no checksum: a wrong chaining value is not noticed.
 */

/** A midstate taken apart. The arrays are views into it. */
export interface Midstate {
  /** 32 bytes, big-endian. */
  readonly chaining: Uint8Array;
  /** Bytes hashed so far, at most 2^53 - 1. */
  readonly length: number;
  /** The `length` mod 64 bytes that are not in `chaining` yet. */
  readonly pending: Uint8Array;
}

const HEAD = 40;

/** Puts a midstate together, into a fresh array. */
export function packMidstate(state: Midstate): Uint8Array {
  const bytes = new Uint8Array(HEAD + state.pending.length);
  bytes.set(state.chaining);
  const view = new DataView(bytes.buffer);
  view.setUint32(32, Math.floor(state.length / 2 ** 32));
  view.setUint32(36, state.length % 2 ** 32);
  bytes.set(state.pending, HEAD);
  return bytes;
}

/** Takes a midstate apart. Throws RangeError when its size and the length it states don't fit each other. */
export function unpackMidstate(bytes: Uint8Array): Midstate {
  if (bytes.length < HEAD) {
    throw new RangeError(`Cannot restore a midstate: it has ${bytes.length} bytes, need at least ${HEAD}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(32) * 2 ** 32 + view.getUint32(36);
  if (!Number.isSafeInteger(length)) {
    throw new RangeError("Cannot restore a midstate: its length is beyond 2^53 - 1 bytes");
  }
  if (bytes.length !== HEAD + length % 64) {
    const need = HEAD + length % 64;
    throw new RangeError(
      `Cannot restore a midstate: it has ${bytes.length} bytes, need ${need} for its length`,
    );
  }
  return { chaining: bytes.subarray(0, 32), length, pending: bytes.subarray(HEAD) };
}
