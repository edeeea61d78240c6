/**
 * One body over every SHA-256 there is: the compiled module, the reference in TypeScript, node:crypto dressed as
 * a Core, and hash-wasm as a second oracle. The 64 MB body and the rebuild are in tests/slow.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { createSHA256 } from "hash-wasm";
import { toHex } from "../../core/base/hex.ts";
import type { Core } from "../../wasm/core.ts";
import { WASM_BASE64 } from "../../wasm/core_generated.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import type { Exports } from "../../wasm/module.ts";
import { createRefCore, INITIAL_VALUE, ROUND_CONSTANTS } from "../../wasm/ref.ts";

/** Bytes that the module takes in at once; messages around its multiples go through in slices. */
const WINDOW = 262144;

const wasm = createWasmCore();
const ref = createRefCore();
const own: readonly (readonly [string, Core])[] = [["wasm", wasm], ["ref", ref]];
const all: readonly (readonly [string, Pick<Core, "sha256" | "sha256Text" | "chainNext">])[] = [
  ...own,
  ["node:crypto", {
    sha256: (data) => createHash("sha256").update(data).digest(),
    sha256Text: (text) => createHash("sha256").update(text, "utf8").digest(),
    chainNext: (link, event) =>
      createHash("sha256").update(link).update(createHash("sha256").update(event).digest()).digest(),
  }],
];
const pairs = own.flatMap(([from, a]) => own.map(([to, b]) => ({ name: `${from} into ${to}`, a, b })));

function oracle(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** Bytes without a short period, the same in every run. */
function noise(length: number, seed = 1): Uint8Array {
  let x = seed;
  return Uint8Array.from({ length }, () => {
    x = Math.imul(x, 1664525) + 1013904223 | 0;
    return x >>> 24;
  });
}

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

for (const [name, core] of all) {
  test(`sha256 (${name}): the vectors of FIPS 180-4 and of NIST's CAVS`, () => {
    const vectors: [Uint8Array, string][] = [
      [ascii(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
      [ascii("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
      [
        ascii("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      ],
      [
        ascii(
          "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        ),
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
      ],
      [Uint8Array.of(0xd3), "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"],
      [Uint8Array.of(0x11, 0xaf), "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"],
      [ascii("a".repeat(1e6)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
    ];
    for (const [data, digest] of vectors) assert.equal(toHex(core.sha256(data)), digest);
  });

  test(`sha256 (${name}): the first checkpoint of NIST's Monte Carlo test`, () => {
    const seed = Buffer.from("6d1e72ad03ddeb5de891e572e2396f8da015d899ef0e79503152d6010a3fe691", "hex");
    let last = [seed, seed, seed] as Uint8Array[];
    for (let i = 0; i < 1000; i++) last = [last[1]!, last[2]!, core.sha256(Buffer.concat(last))];
    assert.equal(toHex(last[2]!), "e93c330ae5447738c8aa85d71a6c80f2a58381d05872d26bdd39f1fcd4f2b788");
  });

  test(`sha256 (${name}): every length from 0 to 300, at an odd offset of a larger buffer`, async () => {
    const second = await createSHA256();
    const buffer = noise(400);
    for (let length = 0; length <= 300; length++) {
      const data = buffer.subarray(7, 7 + length);
      const digest = toHex(core.sha256(data));
      assert.equal(digest, oracle(data), `length ${length}`);
      assert.equal(digest, second.init().update(data).digest("hex"), `length ${length}`);
    }
  });

  test(`sha256 (${name}): lengths around the window of the module`, () => {
    const buffer = noise(2 * WINDOW + 200);
    for (const length of [-64, -56, -1, 0, 1, 63, 64, 65, WINDOW, WINDOW + 100].map((n) => WINDOW + n)) {
      const data = buffer.subarray(3, 3 + length);
      assert.equal(toHex(core.sha256(data)), oracle(data), `length ${length}`);
    }
  });

  test(`chainNext (${name}): is sha256(link ‖ sha256(event)) for events of every size`, () => {
    let link = core.sha256(ascii("header"));
    let want = oracle(ascii("header"));
    for (const length of [...Array(200).keys(), 300, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW + 70]) {
      const event = noise(length, length + 1);
      link = core.chainNext(link, event);
      want = oracle(Buffer.from(want, "hex"), Buffer.from(oracle(event), "hex"));
      assert.equal(toHex(link), want, `length ${length}`);
    }
  });

  test(`sha256Text (${name}): hashes the UTF-8, with U+FFFD for every lone surrogate`, () => {
    const most = Math.floor((WINDOW - 64) / 3);
    const texts = [
      "",
      "abc",
      "naïve café",
      "日本語",
      "😀😀",
      "\ud800",
      "a\udc00b",
      "\ud83d\ud83d\ude00",
      "\ude00\ud83d",
    ];
    for (const length of [most - 2, most - 1, most, most + 1, 2 * most - 1, WINDOW]) {
      for (const end of ["😀", "\ud83d", "\ude00\ud83d", "€"]) {
        texts.push("x".repeat(length) + end + "y".repeat(70));
      }
    }
    texts.push("€".repeat(WINDOW), "\ud83d".repeat(WINDOW), "a😀".repeat(WINDOW / 2));
    for (const text of texts) {
      const want = oracle(new TextEncoder().encode(text));
      assert.equal(
        toHex(core.sha256Text(text)),
        want,
        `${text.length} units, ${JSON.stringify(text.slice(-80, -60))}`,
      );
    }
  });
}

for (const [name, core] of own) {
  test(`chainNext (${name}): a link that is not 32 bytes long is refused`, () => {
    for (const length of [0, 31, 33]) {
      assert.throws(() => core.chainNext(new Uint8Array(length), new Uint8Array(1)), {
        name: "RangeError",
        message: `Cannot chain: the link has ${length} bytes, need 32`,
      });
    }
  });

  test(`sha256 (${name}): the input stays as it was, and digests belong to the caller`, () => {
    const data = noise(100);
    const first = core.sha256(data);
    assert.deepEqual(data, noise(100));
    assert.equal(first.buffer.byteLength, 32);
    const kept = toHex(first);
    const second = core.hasher().update(noise(50)).digest();
    assert.equal(toHex(first), kept);
    second.fill(0);
    assert.equal(toHex(core.sha256(data)), kept);
  });

  test(`hasher (${name}): a digest ends nothing, for every length from 0 to 300 byte by byte`, () => {
    const data = noise(300);
    const hasher = core.hasher();
    assert.equal(toHex(hasher.digest()), oracle());
    for (let i = 0; i < data.length; i++) {
      hasher.update(data.subarray(i, i + 1));
      assert.equal(toHex(hasher.digest()), oracle(data.subarray(0, i + 1)));
    }
  });

  test(`hasher (${name}): updates longer than the window, after every kind of remainder`, () => {
    for (const pending of [0, 1, 63, 64, 65]) {
      const [head, body] = [noise(pending, 2), noise(2 * WINDOW + 10, 3)];
      assert.equal(
        toHex(core.hasher().update(head).update(body).update(head).digest()),
        oracle(head, body, head),
      );
    }
  });

  test(`hasher (${name}): hashers that take turns, with other hashing in between, don't mix`, () => {
    const parts = Array.from({ length: 40 }, (_, i) => noise(i * 5, i));
    const hashers = parts.map(() => core.hasher());
    for (const part of parts) {
      for (const [i, hasher] of hashers.entries()) {
        hasher.update(part.subarray(0, i * 3));
        if (i % 7 === 0) core.chainNext(core.sha256(part), part);
      }
    }
    for (const [i, hasher] of hashers.entries()) {
      assert.equal(toHex(hasher.digest()), oracle(...parts.map((part) => part.subarray(0, i * 3))));
    }
  });

  test(`midstate (${name}): has the bytes that midstate.ts documents`, () => {
    const initial = INITIAL_VALUE.map((word) => word.toString(16).padStart(8, "0")).join("");
    assert.equal(toHex(core.hasher().save()), initial + "0".repeat(16));
    assert.equal(toHex(core.hasher().update(ascii("abc")).save()), initial + "0000000000000003" + "616263");
    // The empty message's digest is the chaining value after its padding, taken as a message of one block.
    const padding = Uint8Array.from({ length: 64 }, (_, i) => i === 0 ? 0x80 : 0);
    assert.equal(toHex(core.hasher().update(padding).save()), oracle() + "0000000000000040");
  });

  test(`midstate (${name}): bytes that don't fit together are refused, and the hasher stays as it was`, () => {
    const good = core.hasher().update(noise(70)).save();
    const beyond = good.slice();
    beyond.set([0, 0x20, 0, 0], 32);
    const hasher = core.hasher().update(ascii("abc"));
    for (
      const bad of [
        new Uint8Array(0),
        good.subarray(0, 39),
        good.subarray(1),
        Buffer.concat([good, good]),
        beyond,
      ]
    ) {
      assert.throws(() => hasher.restore(bad), {
        name: "RangeError",
        message: /^Cannot restore a midstate: it/,
      });
    }
    assert.equal(toHex(hasher.digest()), oracle(ascii("abc")));
  });
}

for (const { name, a, b } of pairs) {
  test(`midstate (${name}): restored at every length from 0 to 300, boundaries and insides of blocks`, () => {
    const data = noise(450);
    const target = b.hasher().update(noise(99));
    for (let at = 0; at <= 300; at++) {
      const source = a.hasher().update(data.subarray(0, at));
      const saved = source.save();
      assert.equal(saved.length, 40 + at % 64);
      target.restore(saved);
      saved.fill(0xff);
      assert.deepEqual(target.save(), source.save());
      assert.equal(toHex(target.digest()), oracle(data.subarray(0, at)));
      assert.equal(toHex(target.update(data.subarray(at)).digest()), oracle(data));
      assert.equal(
        toHex(source.update(data.subarray(at)).digest()),
        oracle(data),
        "the source goes on unharmed",
      );
    }
  });

  test(`midstate (${name}): property: any splits, moved to another hasher between any two`, () => {
    const parts = fc.array(fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.boolean()), { maxLength: 12 });
    fc.assert(fc.property(parts, (steps) => {
      let hasher = a.hasher();
      for (const [i, [part, move]] of steps.entries()) {
        hasher.update(part);
        if (move) hasher = (i % 2 === 0 ? b : a).hasher().restore(hasher.save());
      }
      assert.equal(toHex(hasher.digest()), oracle(...steps.map(([part]) => part)));
    }));
  });
}

test("midstate: wasm and ref agree on lengths that need more than 32 bits", () => {
  const seen = new Set<string>();
  for (const length of [2 ** 29, 2 ** 32 - 64, 2 ** 32, 2 ** 32 + 64, 2 ** 40, 2 ** 53 - 128]) {
    const midstate = wasm.hasher().save();
    new DataView(midstate.buffer).setBigUint64(32, BigInt(length));
    const digests = own.map(([, core]) => toHex(core.hasher().restore(midstate).update(noise(70)).digest()));
    assert.equal(digests[0], digests[1], `length ${length}`);
    for (const [, core] of own) assert.deepEqual(core.hasher().restore(midstate).save(), midstate);
    seen.add(digests[0]!);
  }
  assert.equal(seen.size, 6);
});

test("sha256: property: wasm, ref, node:crypto and hash-wasm agree on any bytes and any text", async () => {
  const second = await createSHA256();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), fc.string({ unit: "binary" }), (data, text) => {
    const utf8 = new TextEncoder().encode(text);
    for (const [, core] of all) {
      assert.equal(toHex(core.sha256(data)), second.init().update(data).digest("hex"));
      assert.equal(toHex(core.sha256Text(text)), oracle(utf8));
    }
  }));
});

test("sha256: control: every flipped bit of the input is noticed", () => {
  const data = noise(130);
  for (const [, core] of own) {
    const digest = core.sha256(data);
    for (let bit = 0; bit < data.length * 8; bit += 3) {
      const flipped = data.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.notDeepEqual(core.sha256(flipped), digest);
    }
  }
});

test("sha256: control: every round constant counts", () => {
  const want = toHex(wasm.sha256(ascii("abc")));
  assert.equal(toHex(createRefCore([...ROUND_CONSTANTS]).sha256(ascii("abc"))), want);
  for (let round = 0; round < 64; round++) {
    const mutated = ROUND_CONSTANTS.map((word, i) => i === round ? word ^ 1 : word);
    assert.notEqual(toHex(createRefCore(mutated).sha256(ascii("abc"))), want, `round ${round}`);
  }
});

test("ref: its constants are the roots of the first primes", () => {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
  /** The first 32 bits of the fractional part of the `power`-th root of `n`. */
  const fraction = (n: number, power: bigint) => {
    let [low, high] = [0n, 1n << 40n];
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      if (middle ** power <= BigInt(n) << (32n * power)) low = middle;
      else high = middle - 1n;
    }
    return Number(low & 0xffffffffn);
  };
  assert.deepEqual(ROUND_CONSTANTS, primes.map((p) => fraction(p, 3n)));
  assert.deepEqual(INITIAL_VALUE, primes.slice(0, 8).map((p) => fraction(p, 2n)));
});

test("memory: the module needs nothing from outside, and hashing never grows its memory", () => {
  const module = new WebAssembly.Module(Buffer.from(WASM_BASE64, "base64"));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const exports = new WebAssembly.Instance(module).exports as unknown as Exports;
  const { buffer } = exports.memory;
  exports.hash(WINDOW);
  exports.link(WINDOW, WINDOW);
  new Uint32Array(buffer, exports.MESSAGES.value, 8).set([0, 1, 2, 3].flatMap((i) => [i, i * 50_000]));
  exports.many(4);
  assert.equal(exports.memory.buffer, buffer);
  assert.equal(buffer.byteLength, 5 * 65536);
  assert.equal(exports.reserve(5 * 65536 + 1), 1);
  assert.notEqual(exports.memory.buffer, buffer, "control: where it grows, the buffer is another one");
});

test("memory: 10,000 hashers live at once, and are collected once dropped", async () => {
  let hashers = Array.from({ length: 10_000 }, (_, i) => wasm.hasher().update(Uint8Array.of(i >> 8, i)));
  for (const [i, hasher] of hashers.entries()) {
    if (i % 100 === 0) assert.equal(toHex(hasher.digest()), oracle(Uint8Array.of(i >> 8, i)));
  }
  const kept = hashers[5000]!;
  const weak = hashers.map((hasher) => new WeakRef(hasher));
  hashers = [];
  const alive = () => weak.filter((ref) => ref.deref() !== undefined).length;
  // Bun does not always take pressure for a reason to collect what is old; it can be told to.
  const { Bun } = globalThis as unknown as { Bun?: { gc(synchronous: boolean): void } };
  let left = 10_000;
  for (let turn = 0; turn < 200 && left > 500; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (Bun === undefined) new Uint8Array(16 << 20).fill(turn);
    else Bun.gc(true);
    if (turn % 10 === 9) left = alive();
  }
  assert.ok(left <= 500, `${left} of 10,000 dropped hashers are still held`);
  assert.notEqual(weak[5000]!.deref(), undefined, "control: one that is held stays");
  assert.equal(toHex(kept.digest()), oracle(Uint8Array.of(5000 >> 8, 5000 & 255)));
});
