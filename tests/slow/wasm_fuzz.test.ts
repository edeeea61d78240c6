/** Long random runs over the WASM core and its plain twin. A failure prints the seed that repeats it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLoad, concat, digestsOf, hostSha256, oracle, ref, wasm } from "../helpers/wasm.ts";

/** Numbers from 0 to `below` - 1, the same for the same seed. */
function dice(seed: number): (below: number) => number {
  let x = seed | 0;
  return (below) => {
    x = Math.imul(x ^ x >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
    x ^= x >>> 13;
    return (x >>> 0) % below;
  };
}

/** A piece of a body: noise, one byte over and over, or a short period. */
function piece(roll: (below: number) => number): Uint8Array {
  const bytes = new Uint8Array(roll(3) === 0 ? roll(20_000) : roll(600));
  const period = [1, 2 + roll(40), bytes.length + 1][roll(3)]!;
  for (let i = 0; i < bytes.length; i++) bytes[i] = i < period ? roll(256) : bytes[i - period]!;
  return bytes;
}

test("scanner: fuzz: 60 runs of 60 bodies, edited at random, agree with ref, node:crypto and a fresh scanner", () => {
  const fresh = wasm.scanner();
  for (let seed = 1; seed <= 60; seed++) {
    const roll = dice(seed);
    const budget = [1000, 10_000, 60_000, 300_000][roll(4)]!;
    const scanner = wasm.scanner(budget, roll(2) === 0 ? hostSha256 : undefined);
    const twin = ref.scanner(budget);
    const lanes = Array.from({ length: 1 + roll(20) }, () => piece(dice(seed)));
    for (let step = 0; step < 60; step++) {
      const lane = roll(lanes.length);
      const old = lanes[lane]!;
      const [from, to] = [roll(old.length + 1), roll(old.length + 1)].sort((a, b) => a - b) as [
        number,
        number,
      ];
      const body = [
        () => concat(old, piece(roll)),
        () => concat(old.subarray(0, from), piece(roll), old.subarray(to)),
        () => concat(old.subarray(0, from), old.subarray(to)),
        () => concat(piece(roll), old),
        () => old.subarray(0, to),
        () => lanes[roll(lanes.length)]!,
      ][roll(8) % 6]!().slice(0, 60_000);
      lanes[lane] = body;
      const given = roll(3) === 0 ? Array.from(body, (byte) => String.fromCharCode(byte)).join("") : body;
      const where = `seed ${seed}, step ${step}`;
      assert.deepEqual(checkLoad(scanner, given, fresh), checkLoad(twin, given, fresh), where);
      if (roll(4) > 0) assert.deepEqual(scanner.remember(), twin.remember(), where);
    }
  }
});

test("sha256Many: fuzz: 300 batches of random numbers and lengths agree with node:crypto", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const roll = dice(seed);
    const messages = Array.from({ length: roll(40) }, () => piece(roll));
    assert.deepEqual(
      digestsOf(wasm.sha256Many(messages)),
      messages.map((each) => oracle(each)),
      `seed ${seed}`,
    );
  }
});

test("digestIndex: fuzz: 200,000 steps agree with ref, through growth and clearing", () => {
  const roll = dice(7);
  const [index, twin] = [wasm.digestIndex(), ref.digestIndex()];
  for (let step = 0; step < 200_000; step++) {
    const digest = new Uint8Array(32);
    const number = roll(3) === 0 ? roll(20) : roll(5000);
    new DataView(digest.buffer).setUint32(roll(2) * 28, number);
    const what = roll(20_000) === 0
      ? "clear"
      : (["get", "set", "add", "take", "add", "take"] as const)[roll(6)]!;
    if (what === "clear") {
      index.clear();
      twin.clear();
    } else if (what === "set" || what === "add") {
      index[what](digest, step);
      twin[what](digest, step);
    } else assert.equal(index[what](digest), twin[what](digest), `step ${step}`);
    if (step % 1000 === 0) assert.equal(index.size, twin.size);
  }
});
