/** The chunker: its rule, its limits, and that most chunks outlive an edit; and the scanner's memory. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutChunks, gearTable } from "../../wasm/ref/chunks.ts";
import { instantiate } from "../../wasm/module.ts";
import type { Core } from "../../wasm/core.ts";
import { chunksOf, concat, cores, hostSha256, noise, oracle, ref, wasm } from "../helpers/wasm.ts";

const [SMALLEST, LARGEST] = [512, 8192];

/** They remember nothing. */
const scanners = { wasm: wasm.scanner(), ref: ref.scanner() };

function cut(core: Core, body: Uint8Array | string): Uint32Array {
  const scanner = core === ref ? scanners.ref : scanners.wasm;
  scanner.load(body);
  return scanner.cut().ends;
}

function sizesOf(ends: Uint32Array): number[] {
  return Array.from(ends, (end, i) => end - (ends[i - 1] ?? 0));
}

/** The part of `before`'s chunks that `after` has too. */
function kept(before: Uint8Array, after: Uint8Array, core: Core): number {
  const chunks = (body: Uint8Array) => chunksOf(body, cut(core, body)).map((chunk) => oracle(chunk));
  const there = new Set(chunks(after));
  const old = chunks(before);
  return old.filter((digest) => there.has(digest)).length / old.length;
}

for (const [name, core] of cores) {
  test(`chunks (${name}): the cuts of a known body stand where they always stood`, () => {
    // Another rule would store every body that is stored already a second time.
    assert.deepEqual(
      Array.from(cut(core, noise(20_000))),
      [2165, 4453, 6945, 9029, 11_100, 13_227, 13_809, 14_944, 17_248, 20_000],
    );
    assert.deepEqual(sizesOf(cut(core, new Uint8Array(20_000))), [8192, 8192, 3616]);
  });

  test(`chunks (${name}): bodies of every size around the limits`, () => {
    for (const around of [0, SMALLEST, 2048, LARGEST]) {
      for (let length = Math.max(0, around - 3); length <= around + 3; length++) {
        const ends = cut(core, noise(length));
        assert.equal(ends.at(-1) ?? 0, length);
        if (length <= SMALLEST) assert.equal(ends.length, length === 0 ? 0 : 1);
      }
    }
  });

  test(`chunks (${name}): bytes that are all the same give chunks within the limits, whichever byte`, () => {
    for (let byte = 0; byte < 256; byte += core === ref ? 16 : 1) {
      const sizes = sizesOf(cut(core, new Uint8Array(20_000).fill(byte)));
      assert.ok(sizes.slice(0, -1).every((size) => size >= SMALLEST && size <= LARGEST), `${byte}: ${sizes}`);
    }
  });

  test(`chunks (${name}): the sizes lie between 512 and 8,192 and are about 2,300 on average`, () => {
    const sizes = sizesOf(cut(core, noise(400_000, 9))).slice(0, -1);
    assert.ok(sizes.every((size) => size >= SMALLEST && size <= LARGEST));
    const average = sizes.reduce((sum, size) => sum + size) / sizes.length;
    assert.ok(average > 2000 && average < 2600, `${average}`);
  });

  test(`chunks (${name}): of 200 KB at least 94 of 100 chunks outlive an insertion, a deletion or a prefix`, () => {
    const body = noise(200_000, 3);
    for (const [at, size] of [[0, 1], [50_000, 1], [99_999, 100], [150_001, 1000], [199_990, 5]] as const) {
      const inserted = concat(body.subarray(0, at), noise(size, 8), body.subarray(at));
      assert.ok(kept(body, inserted, core) >= 0.94, `inserted ${size} at ${at}`);
      const deleted = concat(body.subarray(0, at), body.subarray(at + size));
      assert.ok(kept(body, deleted, core) >= 0.94, `deleted ${size} at ${at}`);
    }
    assert.ok(kept(body, concat(noise(777, 4), body), core) >= 0.94);
    assert.ok(kept(body, noise(200_000, 4), core) === 0, "control: another body has none of them");
  });
}

test("chunks: the gear tables are made of digests", () => {
  const { memory, GEAR } = instantiate();
  const tables = [new Uint32Array(memory.buffer, GEAR.value, 256), gearTable(ref.sha256)];
  for (let byte = 0; byte < 256; byte++) {
    const want = parseInt(oracle(Uint8Array.of(byte)).slice(0, 8), 16);
    assert.deepEqual(tables.map((table) => table[byte]), [want, want]);
  }
});

test("chunks: control: with another gear table the cuts are others", () => {
  const gear = gearTable(ref.sha256);
  const body = noise(100_000);
  assert.deepEqual(cut(wasm, body), cutChunks(body, gear));
  for (const byte of [0, 100, 255]) {
    const mutated = gear.map((word, i) => i === byte ? word ^ 0x10 : word);
    assert.notDeepEqual(cut(wasm, body), cutChunks(body, mutated));
  }
});

test("chunks: property: wasm and ref cut any body at the same places, also repetitive ones", () => {
  const part = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 400 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const body = concat(...parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes)));
      assert.deepEqual(cut(wasm, body), cut(ref, body));
    }),
    { numRuns: 60 },
  );
});

/** Bytes of the memory in which the loaded body lies. */
function memoryOf(scanner: { view(): Uint8Array }): number {
  return scanner.view().buffer.byteLength;
}

test("scanner: its memory is flat over 10,000 exchanges of growing conversations", () => {
  const scanner = wasm.scanner(undefined, hostSha256);
  const text = noise(100_000);
  const after: number[] = [];
  for (let exchange = 0; exchange < 10_000; exchange++) {
    // Three conversations take turns; each grows by 250 bytes to 100 KB and then begins anew.
    const step = Math.floor(exchange / 3) % 400;
    text[0] = exchange % 3;
    scanner.load(text.subarray(0, (step + 1) * 250));
    scanner.cut();
    scanner.digest();
    scanner.remember();
    if (exchange === 6999 || exchange === 9999) after.push(memoryOf(scanner));
  }
  assert.ok(after[1]! <= after[0]!, `${after[0]} bytes after 7,000, ${after[1]} after 10,000`);
  // Sixteen bodies of 100 KB and the loaded one, with what belongs to them, and gaps.
  assert.ok(after[1]! <= 3 * 1024 * 1024, `${after[1]} bytes`);
  scanner.load(noise(3_000_000));
  assert.ok(memoryOf(scanner) > after[1]!, "control: it shows when the memory grows");
});

test("scanner: with bodies of every size its memory stays below twice its budget and a little", () => {
  const budget = 300_000;
  const scanner = wasm.scanner(budget);
  let x = 1;
  for (let i = 0; i < 3000; i++) {
    x = Math.imul(x, 1664525) + 1013904223 | 0;
    const size = i % 50 === 0 ? budget : (x >>> 8) % 100_000;
    const body = noise(64, i);
    const full = new Uint8Array(size).fill(i);
    full.set(body.subarray(0, Math.min(64, size)));
    scanner.load(i % 3 === 0 ? "é".repeat(size / 2) : full);
    if (i % 4 !== 0) scanner.remember();
  }
  const limit = 400_000 + 2 * budget * 1.05 * 1.2;
  assert.ok(memoryOf(scanner) <= limit, `${memoryOf(scanner)} bytes`);
});

test("scanner: the memory of a body larger than the budget goes with it", () => {
  const scanner = wasm.scanner(50_000);
  scanner.load(noise(1000));
  const before = memoryOf(scanner);
  scanner.load(noise(2_000_000));
  assert.ok(memoryOf(scanner) > 2_000_000);
  scanner.load(noise(1000));
  assert.equal(memoryOf(scanner), before);
});
