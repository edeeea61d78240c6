/** core/base/hex.ts against node:buffer, and every way for hex to be wrong. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex, toHex } from "../../core/base/hex.ts";

test("hex: every byte has its two digits", () => {
  for (let byte = 0; byte < 256; byte++) {
    const text = byte.toString(16).padStart(2, "0");
    assert.equal(toHex(Uint8Array.of(byte)), text);
    assert.deepEqual(fromHex(text), Uint8Array.of(byte));
    assert.deepEqual(fromHex(text.toUpperCase()), Uint8Array.of(byte));
  }
});

test("hex: nothing is the empty text", () => {
  assert.equal(toHex(new Uint8Array(0)), "");
  assert.deepEqual(fromHex(""), new Uint8Array(0));
});

test("hex: a view into a larger buffer gives only its own bytes", () => {
  assert.equal(toHex(Uint8Array.of(1, 2, 3, 4, 5).subarray(1, 4)), "020304");
});

test("hex: any bytes are written as node:buffer writes them, and read back", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
    const text = toHex(bytes);
    assert.equal(text, Buffer.from(bytes).toString("hex"));
    assert.deepEqual(fromHex(text), bytes);
  }));
});

test("hex: an odd number of digits is refused", () => {
  assert.throws(() => fromHex("abc"), { name: "RangeError", message: /3 digits, need an even number/ });
});

test("hex: every character that is not a digit is refused, at either place, and named by its place", () => {
  const good = /^[0-9a-fA-F]$/;
  const codes = [...Array(0x200).keys(), 0x2030, 0x6130, 0xd800, 0xff10, 0xffff];
  for (const code of codes) {
    const char = String.fromCharCode(code);
    if (good.test(char)) continue;
    assert.throws(() => fromHex(`00${char}0`), { name: "RangeError", message: /at 2,/ }, `code ${code}`);
    assert.throws(() => fromHex(`000${char}`), { name: "RangeError", message: /at 3,/ }, `code ${code}`);
  }
});

test("hex: control: one other digit gives other bytes", () => {
  assert.notDeepEqual(fromHex("00ff10"), fromHex("00ff11"));
});
