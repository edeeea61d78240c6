/** The rule of wasm/core.ts by which a body is cut into chunks, as it stands there: from the sum, not by rolling. */

const [SMALLEST, NORMAL, LARGEST] = [512, 2048, 8192];
const WINDOW = 32;

/** gear[x] from `sha256`: the first four bytes, big-endian, of the digest of the one byte x. */
export function gearTable(sha256: (data: Uint8Array) => Uint8Array): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    const digest = sha256(Uint8Array.of(byte));
    return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
  });
}

/** h(end): the hash of the 32 bytes before `end`, a u32. */
function hashBefore(body: Uint8Array, end: number, gear: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < WINDOW; i++) sum = (sum + (gear[body[end - 1 - i]!]! << i)) | 0;
  return sum >>> 0;
}

/** Where the chunks of `body` end, the last one at its end. */
export function cutChunks(body: Uint8Array, gear: Uint32Array): Uint32Array {
  const ends: number[] = [];
  for (let start = 0; start < body.length; start = ends[ends.length - 1]!) {
    const last = Math.min(start + LARGEST, body.length);
    let end = Math.min(start + SMALLEST, last);
    while (end < last && hashBefore(body, end, gear) >= (end - start < NORMAL ? 2 ** 19 : 2 ** 23)) end++;
    ends.push(end);
  }
  return Uint32Array.from(ends);
}
