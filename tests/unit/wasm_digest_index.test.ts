/** The digest index: a map and queues from digests to numbers, also where digests collide and the table grows. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instantiate } from "../../wasm/module.ts";
import { cores, ref, wasm } from "../helpers/wasm.ts";

/** A digest whose first bytes, which choose its slot, are all the same; only the last four tell it from others. */
function colliding(number: number): Uint8Array {
  const digest = new Uint8Array(32).fill(7);
  new DataView(digest.buffer).setUint32(28, number);
  return digest;
}

for (const [name, core] of cores) {
  const digest = (number: number) => core.sha256(Uint8Array.of(number >> 16, number >> 8, number));

  test(`digestIndex (${name}): holds what was set last, and nothing for what was not set`, () => {
    const index = core.digestIndex();
    assert.equal(index.get(digest(1)), undefined);
    for (const value of [0, 1, 2 ** 31, 2 ** 32 - 1]) {
      index.set(digest(1), value);
      assert.equal(index.get(digest(1)), value);
      assert.equal(index.size, 1);
    }
    assert.equal(index.get(digest(2)), undefined);
  });

  test(`digestIndex (${name}): grows through 5,000 digests and loses none`, () => {
    const index = core.digestIndex();
    for (let i = 0; i < 5000; i++) {
      index.set(digest(i), i * 3);
      if (i % 7 === 0) index.add(digest(i), i);
    }
    assert.equal(index.size, 5000 + Math.ceil(5000 / 7));
    for (let i = 0; i < 5000; i++) {
      assert.equal(index.get(digest(i)), i * 3);
      assert.equal(index.take(digest(i)), i % 7 === 0 ? i : undefined);
    }
    assert.equal(index.get(digest(5000)), undefined);
    assert.equal(index.size, 5000);
  });

  test(`digestIndex (${name}): digests with the same first 28 bytes are kept apart`, () => {
    const index = core.digestIndex();
    for (let i = 0; i < 1000; i++) index.set(colliding(i), i);
    for (let i = 0; i < 1000; i++) assert.equal(index.get(colliding(i)), i);
    assert.equal(index.get(colliding(1000)), undefined);
    assert.equal(index.size, 1000);
  });

  test(`digestIndex (${name}): digests that differ in one bit are kept apart, whichever it is`, () => {
    const index = core.digestIndex();
    const of = (bit: number) => {
      const flipped = new Uint8Array(32);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      return flipped;
    };
    for (let bit = 0; bit < 256; bit++) index.set(of(bit), bit);
    for (let bit = 0; bit < 256; bit++) assert.equal(index.get(of(bit)), bit);
    assert.equal(index.get(new Uint8Array(32)), undefined);
  });

  test(`digestIndex (${name}): 10,000 values under one digest come out in the order they went in`, () => {
    const index = core.digestIndex();
    for (let i = 0; i < 10_000; i++) index.add(digest(1), i);
    index.add(digest(2), 77);
    assert.equal(index.size, 10_001);
    for (let i = 0; i < 10_000; i++) assert.equal(index.take(digest(1)), i);
    assert.equal(index.take(digest(1)), undefined);
    assert.equal(index.take(digest(2)), 77);
    assert.equal(index.size, 0);
    index.add(digest(1), 5);
    assert.equal(index.take(digest(1)), 5, "a queue that ran empty takes more");
  });

  test(`digestIndex (${name}): the map and the queues don't see each other`, () => {
    const index = core.digestIndex();
    index.add(digest(1), 1);
    assert.equal(index.get(digest(1)), undefined);
    index.set(digest(1), 2);
    assert.equal(index.size, 2);
    assert.equal(index.take(digest(1)), 1);
    assert.equal(index.take(digest(1)), undefined);
    assert.equal(index.get(digest(1)), 2);
  });

  test(`digestIndex (${name}): forgets everything when cleared, and goes on`, () => {
    const index = core.digestIndex();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 1000; i++) {
        index.set(digest(i), i);
        index.add(digest(i), i);
      }
      index.clear();
      assert.equal(index.size, 0);
      assert.equal(index.get(digest(3)), undefined);
      assert.equal(index.take(digest(3)), undefined);
    }
  });

  test(`digestIndex (${name}): two indexes don't see each other`, () => {
    const [a, b] = [core.digestIndex(), core.digestIndex()];
    a.set(digest(1), 1);
    assert.equal(b.get(digest(1)), undefined);
  });

  test(`digestIndex (${name}): refuses keys that are no digests and values that are no u32`, () => {
    const index = core.digestIndex();
    for (const length of [0, 31, 33]) {
      const key = new Uint8Array(length);
      const refused = {
        name: "RangeError",
        message: `Cannot look up a digest: it has ${length} bytes, need 32`,
      };
      assert.throws(() => index.get(key), refused);
      assert.throws(() => index.set(key, 1), refused);
      assert.throws(() => index.add(key, 1), refused);
      assert.throws(() => index.take(key), refused);
    }
    for (const value of [-1, 2 ** 32, 0.5, NaN]) {
      const refused = {
        name: "RangeError",
        message: `Cannot hold ${value} in a digest index: need a whole number below 2^32`,
      };
      assert.throws(() => index.set(digest(1), value), refused);
      assert.throws(() => index.add(digest(1), value), refused);
    }
    assert.equal(index.size, 0);
  });
}

test("digestIndex: property: wasm does what a map and arrays do, with few digests and with many", () => {
  const step = fc.tuple(
    fc.constantFrom("get", "set", "add", "take", "clear"),
    fc.nat(40),
    fc.nat(2 ** 32 - 1),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 400 }), fc.boolean(), (steps, collide) => {
    const [index, twin] = [wasm.digestIndex(), ref.digestIndex()];
    for (const [what, number, value] of steps) {
      const digest = collide ? colliding(number) : ref.sha256(Uint8Array.of(number));
      if (what === "clear") {
        // Seldom: or no sequence would get long.
        if (number !== 0) continue;
        index.clear();
        twin.clear();
      } else if (what === "set" || what === "add") {
        index[what](digest, value);
        twin[what](digest, value);
      } else assert.equal(index[what](digest), twin[what](digest));
      assert.equal(index.size, twin.size);
    }
  }));
});

test("digestIndex: taken values make room: 100,000 that pass through ten queues need no more memory", () => {
  const exports = instantiate();
  exports.beginIndex(64);
  const turn = (number: number, take: boolean) => {
    new Uint8Array(exports.memory.buffer, exports.KEY.value, 32).set(colliding(number % 10));
    assert.equal(exports.add(number), 1);
    if (take) assert.equal(exports.take(), number);
  };
  const { buffer } = exports.memory;
  for (let i = 0; i < 100_000; i++) turn(i, true);
  assert.equal(exports.memory.buffer, buffer);
  for (let i = 0; i < 10_000; i++) turn(i, false);
  assert.notEqual(exports.memory.buffer, buffer, "control: those that stay need more");
});
