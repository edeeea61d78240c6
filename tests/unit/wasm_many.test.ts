/** sha256Many: four lanes give what one stream gives, however lengths and lanes fall. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSHA256 } from "hash-wasm";
import { cores, digestsOf, noise, oracle, wasm } from "../helpers/wasm.ts";

const WINDOW = 262144;
const BATCH = 1024;

function messagesOf(lengths: readonly number[]): Uint8Array[] {
  return lengths.map((length, i) => noise(length, i + 1));
}

for (const [name, core] of cores) {
  const check = (messages: readonly Uint8Array[]) =>
    assert.deepEqual(digestsOf(core.sha256Many(messages)), messages.map((message) => oracle(message)));

  test(`sha256Many (${name}): every length from 0 to 300 in every lane, beside other lengths`, () => {
    for (let length = 0; length <= 300; length++) {
      const lengths = [length, 300 - length, length * 7 % 301, length * 13 % 301];
      const turn = length % 4;
      check(messagesOf([...lengths.slice(turn), ...lengths.slice(0, turn)]));
    }
  });

  test(`sha256Many (${name}): 0 to 9 messages, of one length and of many`, () => {
    for (let count = 0; count <= 9; count++) {
      for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 300]) {
        check(messagesOf(Array.from({ length: count }, () => length)));
        check(messagesOf(Array.from({ length: count }, (_, i) => length * (i + 1) % 301)));
      }
    }
  });

  test(`sha256Many (${name}): one long message among short ones, at every place`, () => {
    for (let place = 0; place < 7; place++) {
      check(messagesOf(Array.from({ length: 7 }, (_, i) => i === place ? 5000 : 3 * i)));
    }
  });

  test(`sha256Many (${name}): the digests belong to the caller and the messages stay as they were`, () => {
    const messages = messagesOf([10, 20, 30, 40, 50]);
    const digests = core.sha256Many(messages);
    const kept = digestsOf(digests);
    core.sha256Many(messagesOf([9, 9, 9, 9, 9]));
    assert.deepEqual(digestsOf(digests), kept);
    assert.equal(digests.buffer.byteLength, 160);
    assert.deepEqual(messages, messagesOf([10, 20, 30, 40, 50]));
  });

  test(`sha256Many (${name}): property: any messages`, async () => {
    const second = await createSHA256();
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (messages) => {
      const digests = digestsOf(core.sha256Many(messages));
      assert.deepEqual(digests, messages.map((message) => second.init().update(message).digest("hex")));
    }));
  });
}

test("sha256Many: more messages than one call takes, and more bytes than its window", () => {
  const check = (messages: readonly Uint8Array[]) =>
    assert.deepEqual(digestsOf(wasm.sha256Many(messages)), messages.map((message) => oracle(message)));
  for (const count of [BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3]) {
    check(messagesOf(Array.from({ length: count }, () => 64)));
  }
  check(messagesOf(Array.from({ length: 300 }, (_, i) => i * 997 % 8192)));
  check(messagesOf([WINDOW / 4, WINDOW / 4, WINDOW / 4, WINDOW / 4]));
  check(messagesOf([5, WINDOW / 4 + 1, 6, 2 * WINDOW, 7, 8, 9, WINDOW / 4, WINDOW, 10]));
});

test("sha256Many: control: every flipped bit of any message changes its digest and no other", () => {
  const messages = messagesOf([70, 3, 130, 64, 20]);
  const before = digestsOf(wasm.sha256Many(messages));
  for (let at = 0; at < messages.length; at++) {
    for (let bit = 0; bit < messages[at]!.length * 8; bit += 5) {
      messages[at]![bit >> 3]! ^= 1 << (bit & 7);
      const after = digestsOf(wasm.sha256Many(messages));
      messages[at]![bit >> 3]! ^= 1 << (bit & 7);
      assert.deepEqual(before.map((digest, i) => digest === after[i]), messages.map((_, i) => i !== at));
    }
  }
});
