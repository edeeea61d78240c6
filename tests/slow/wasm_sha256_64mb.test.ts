/** Bodies of 64 MB and more through the module's fixed window, whole, in pieces and as text. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { toHex } from "../../core/base/hex.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { createRefCore } from "../../wasm/ref.ts";

const SIZE = 64 * 1024 * 1024 + 13;

function body(): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  for (let i = 0, x = 1; i < SIZE; i++) bytes[i] = (x = Math.imul(x, 1664525) + 1013904223 | 0) >>> 24;
  return bytes;
}

test("sha256: a body of 64 MB, whole, in uneven pieces, and moved half way from wasm into ref", () => {
  const [data, wasm] = [body(), createWasmCore()];
  const want = createHash("sha256").update(data).digest("hex");
  assert.equal(toHex(wasm.sha256(data)), want);

  const hasher = wasm.hasher();
  let half: Uint8Array | undefined;
  let halfAt = 0;
  for (let at = 0, step = 1; at < SIZE; at += step, step = step * 7 % 1_000_003) {
    if (half === undefined && at > SIZE / 2) [half, halfAt] = [hasher.save(), at];
    hasher.update(data.subarray(at, at + step));
  }
  assert.equal(toHex(hasher.digest()), want);
  assert.equal(toHex(createRefCore().hasher().restore(half!).update(data.subarray(halfAt)).digest()), want);
});

test("sha256: control: the last of 64 MB counts", () => {
  const [data, wasm] = [body(), createWasmCore()];
  const before = wasm.sha256(data);
  data[SIZE - 1]! ^= 1;
  assert.notDeepEqual(wasm.sha256(data), before);
});

test("chainNext: an event of 64 MB", () => {
  const [event, wasm] = [body(), createWasmCore()];
  const link = wasm.sha256(new Uint8Array(0));
  const digest = createHash("sha256").update(event).digest();
  assert.equal(
    toHex(wasm.chainNext(link, event)),
    createHash("sha256").update(link).update(digest).digest("hex"),
  );
});

test("sha256Text: 64 MB of text of one, two, three and four bytes a character, lone surrogates between", () => {
  const text = "plain é € 😀 \ud83d ".repeat(SIZE / 20);
  const want = createHash("sha256").update(text, "utf8").digest("hex");
  assert.equal(toHex(createWasmCore().sha256Text(text)), want);
});
