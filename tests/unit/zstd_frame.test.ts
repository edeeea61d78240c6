/** Frames of zstd: whole ones are taken, and none that lacks or has something at its end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { isWholeFrame } from "../../core/store/zstd_frame.ts";

const CONTENTS: readonly Uint8Array[] = [0, 1, 255, 256, 257, 2_000, 65_535, 66_000, 300_000].flatMap((
  size,
) => [
  new Uint8Array(size),
  Uint8Array.from({ length: size }, (_, i) => i * i * 31 >> (i & 7)),
  new TextEncoder().encode("and the agent asks again ".repeat(size / 25)),
]);

test("whole frames are taken, whatever their content", () => {
  for (const content of CONTENTS) assert.ok(isWholeFrame(zstdCompressSync(content), content.length));
});

test("a frame that is cut off, goes on, or states another length is refused", () => {
  for (const content of CONTENTS) {
    const frame = zstdCompressSync(content);
    for (let cut = 1; cut <= Math.min(frame.length, 40); cut++) {
      assert.ok(!isWholeFrame(frame.subarray(0, frame.length - cut), content.length), `${cut} bytes cut off`);
    }
    assert.ok(!isWholeFrame(Buffer.concat([frame, Uint8Array.of(0)]), content.length));
    assert.ok(!isWholeFrame(Buffer.concat([frame, frame]), content.length));
    // A frame that was written as a stream states none.
    const stated = (frame[4]! & 0b1110_0000) !== 0;
    assert.equal(isWholeFrame(frame, content.length + 1), !stated);
  }
});

test("a flipped bit of magic, flags or block header is refused", () => {
  const content = new TextEncoder().encode("and the agent asks again ".repeat(100));
  const frame = zstdCompressSync(content);
  const single = (frame[4]! & 0b0010_0000) !== 0;
  const block = 5 + (single ? 0 : 1) + [single ? 1 : 0, 2, 4, 8][frame[4]! >> 6]!;
  for (let bit = 0; bit < (block + 3) * 8; bit++) {
    const flipped = Uint8Array.from(frame);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    // How large a window is to be kept does not matter, and the kind of a block is for the decoder to find out.
    const window = !single && bit >> 3 === 5;
    const kind = bit >> 3 === block && (bit & 7) >= 1 && (bit & 7) <= 2;
    if (!window && !kind) assert.ok(!isWholeFrame(flipped, content.length), `bit ${bit}`);
  }
});
