/** The scanner with bodies of 64 MB: within a budget that holds them, and beyond one that doesn't. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { toHex } from "../../core/base/hex.ts";
import { checkLoad, hostSha256, noise, oracle, wasm } from "../helpers/wasm.ts";

const MB = 1024 * 1024;
const SIZE = 64 * MB;

test("scanner: bodies of 64 MB that grow are resumed, with the host and without", () => {
  const body = noise(SIZE + 9000);
  for (const host of [undefined, hostSha256]) {
    const scanner = wasm.scanner(80 * MB, host);
    const fresh = wasm.scanner();
    for (let step = 0; step <= 3; step++) {
      const { shared, reused, ends } = checkLoad(scanner, body.subarray(0, SIZE + step * 3000), fresh);
      assert.equal(shared, step === 0 ? 0 : SIZE + (step - 1) * 3000);
      assert.ok(step === 0 || ends.length - reused < 12);
      scanner.remember();
    }
    const memory = scanner.view().buffer.byteLength;
    assert.ok(memory < 3.5 * SIZE, `${memory} bytes`);
  }
});

test("scanner: one body of 64 MB leaves no memory behind when the budget is smaller", () => {
  const scanner = wasm.scanner();
  const body = noise(SIZE + 13);
  scanner.load(noise(100_000));
  scanner.remember();
  const before = scanner.view().buffer.byteLength;
  for (let round = 0; round < 5; round++) {
    scanner.load(body.subarray(round));
    assert.equal(toHex(scanner.digest()), oracle(body.subarray(round)));
    assert.deepEqual(scanner.remember(), { id: undefined, dropped: [] });
    scanner.load(noise(100_100));
    assert.equal(scanner.shared, 100_000);
    assert.equal(scanner.view().buffer.byteLength, before);
  }
});

test("scanner: 64 MB of text of one to four bytes a character", () => {
  const scanner = wasm.scanner(80 * MB);
  const text = "plain é € 😀 \ud83d ".repeat(SIZE / 20);
  const bytes = new TextEncoder().encode(text);
  scanner.load(text);
  assert.equal(scanner.size, bytes.length);
  assert.equal(toHex(scanner.digest()), oracle(bytes));
  scanner.remember();
  scanner.load(bytes);
  assert.equal(scanner.shared, bytes.length);
});

test("sha256Many: 20,000 messages of every length to 8 KB, 80 MB in all", () => {
  const pool = noise(MB);
  const messages = Array.from({ length: 20_000 }, (_, i) => pool.subarray(i * 31, i * 31 + i * 7919 % 8193));
  const digests = wasm.sha256Many(messages);
  for (const [i, message] of messages.entries()) {
    assert.equal(toHex(digests.subarray(i * 32, i * 32 + 32)), oracle(message));
  }
});
