/** The scanner: what it saves changes nothing of what it says. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toHex } from "../../core/base/hex.ts";
import type { Scanner } from "../../wasm/core.ts";
import {
  checkLoad,
  chunksOf,
  concat,
  cores,
  digestsOf,
  hostSha256,
  loadAndRemember,
  noise,
  oracle,
  ref,
  wasm,
} from "../helpers/wasm.ts";

const BUDGET = 16 * 1024 * 1024;

for (const [name, core] of cores) {
  test(`scanner (${name}): a body that extends an earlier one shares all of it`, () => {
    const scanner = core.scanner();
    const body = noise(20_000);
    const { id, dropped } = loadAndRemember(scanner, body.subarray(0, 15_000));
    assert.deepEqual(dropped, []);
    const loaded = checkLoad(scanner, body, core.scanner());
    assert.equal(loaded.shared, 15_000);
    assert.equal(loaded.base, id);
    assert.ok(loaded.reused >= 4, `${loaded.reused} chunks reused`);
    assert.deepEqual(scanner.remember().dropped, [id], "and takes its place");
  });

  test(`scanner (${name}): the same body again is reused to its very end`, () => {
    const scanner = core.scanner();
    const body = noise(10_000);
    loadAndRemember(scanner, body);
    const { shared, reused, ends } = checkLoad(scanner, body, core.scanner());
    assert.equal(shared, body.length);
    assert.equal(reused, ends.length);
    assert.equal(scanner.chunkDigests(reused).length, 0);
  });

  test(`scanner (${name}): the digest resumes right before and after every block and stride`, () => {
    const scanner = core.scanner();
    const body = noise(3 * 1024 + 100);
    loadAndRemember(scanner, body);
    scanner.digest();
    for (let at = 0; at <= body.length; at++) {
      if (at % 64 > 1 && at % 64 < 63) continue;
      const edited = concat(body.subarray(0, at), noise(at * 7 % 200, 3));
      scanner.load(edited);
      assert.ok(scanner.shared >= Math.min(at, edited.length));
      assert.equal(toHex(scanner.digest()), oracle(edited), `shared up to ${at}`);
    }
  });

  test(`scanner (${name}): a digest resumes whether or not its bases' were asked for`, () => {
    for (let asked = 0; asked < 16; asked++) {
      const scanner = core.scanner();
      for (let step = 0; step < 4; step++) {
        const body = noise(2000 + step * 1500);
        scanner.load(body);
        if (asked >> step & 1) assert.equal(toHex(scanner.digest()), oracle(body));
        scanner.remember();
        if (asked >> step & 1) assert.equal(toHex(scanner.digest()), oracle(body));
      }
      assert.equal(toHex(scanner.digest()), oracle(noise(6500)));
    }
  });

  test(`scanner (${name}): of several bodies that share a prefix the longest is the base, of equals the last used`, () => {
    const scanner = core.scanner();
    const common = noise(9000);
    const ids = [5000, 8000, 3000, 8000].map((length, i) =>
      loadAndRemember(scanner, concat(common.subarray(0, length), noise(6000, i + 9))).id
    );
    checkLoad(scanner, concat(common, noise(100, 50)), core.scanner());
    assert.equal(scanner.base, ids[3]);
    assert.equal(scanner.shared, 8000);
    scanner.load(concat(common.subarray(0, 8000), noise(6000, 10)));
    assert.equal(scanner.base, ids[1], "it is now the last used");
    scanner.load(concat(common, noise(100, 50)));
    assert.equal(scanner.base, ids[1]);
    scanner.load(noise(100, 77));
    assert.equal(scanner.base, undefined);
    assert.equal(scanner.shared, 0);
  });

  test(`scanner (${name}): conversations that take turns keep a body each`, () => {
    const scanner = core.scanner();
    const lanes = Array.from({ length: 8 }, (_, lane) => noise(12_000, lane + 1));
    const ids: (number | undefined)[] = [];
    for (let step = 1; step <= 4; step++) {
      for (const [lane, body] of lanes.entries()) {
        const part = concat(Uint8Array.of(lane), body.subarray(0, step * 3000));
        const { base, shared } = checkLoad(scanner, part, core.scanner());
        assert.equal(base, ids[lane]);
        assert.equal(shared, step === 1 ? 0 : 1 + (step - 1) * 3000);
        const { id, dropped } = scanner.remember();
        assert.deepEqual(dropped, step === 1 ? [] : [ids[lane]]);
        ids[lane] = id;
      }
    }
  });

  test(`scanner (${name}): a base that shares less than all of its chunks but the last stays`, () => {
    const scanner = core.scanner();
    const body = noise(20_000);
    scanner.load(body);
    const { ends } = scanner.cut();
    const { id } = scanner.remember();
    const last = ends[ends.length - 2]!;
    const edit = (at: number) => concat(body.subarray(0, at), Uint8Array.of(body[at]! ^ 1));
    assert.deepEqual(loadAndRemember(scanner, edit(last - 1)).dropped, []);
    assert.deepEqual(loadAndRemember(scanner, edit(last)).dropped, [id]);
  });

  test(`scanner (${name}): what was not used for longest goes first, within budget and number`, () => {
    const few = core.scanner(10_000);
    const ids = [1, 2, 3].map((seed) => loadAndRemember(few, noise(3000, seed)).id!);
    few.load(concat(noise(2000, 1), noise(10, 9)));
    assert.equal(few.base, ids[0], "used again");
    assert.deepEqual(loadAndRemember(few, noise(5000, 4)).dropped, [ids[1], ids[2]]);

    const many = core.scanner();
    const first = Array.from({ length: 16 }, (_, i) => loadAndRemember(many, noise(600, i + 1)));
    assert.deepEqual(first.flatMap(({ dropped }) => dropped), []);
    assert.deepEqual(loadAndRemember(many, noise(600, 99)).dropped, [first[0]!.id]);
  });

  test(`scanner (${name}): a body larger than the budget is hashed and cut, compared with none and not kept`, () => {
    const scanner = core.scanner(5000);
    const { id } = loadAndRemember(scanner, noise(5000));
    for (const length of [5001, 30_000, 5002]) {
      const { base } = checkLoad(scanner, noise(length), core.scanner());
      assert.equal(base, undefined);
      assert.deepEqual(scanner.remember(), { id: undefined, dropped: [] });
    }
    scanner.load(noise(5000));
    assert.equal(scanner.base, id, "the others stay");
  });

  test(`scanner (${name}): remembering twice changes nothing, and ids never recur`, () => {
    const scanner = core.scanner();
    const first = loadAndRemember(scanner, noise(5000));
    assert.deepEqual(scanner.remember(), { id: first.id, dropped: [] });
    const seen = new Set([first.id]);
    for (let i = 0; i < 50; i++) seen.add(loadAndRemember(scanner, noise(5000, i % 3)).id);
    assert.equal(seen.size, 51);
  });

  test(`scanner (${name}): at the beginning, and after it, an empty body is one like any other`, () => {
    const scanner = core.scanner();
    for (let round = 0; round < 2; round++) {
      assert.equal(scanner.size, 0);
      assert.equal(toHex(scanner.digest()), oracle());
      assert.deepEqual(scanner.cut(), { ends: new Uint32Array(0), reused: 0 });
      assert.equal(scanner.chunkDigests(0).length, 0);
      assert.equal(scanner.view().length, 0);
      assert.notEqual(scanner.remember().id, undefined);
      checkLoad(scanner, noise(3000), core.scanner());
      scanner.load(new Uint8Array(0));
    }
  });

  test(`scanner (${name}): text is taken as UTF-8, with U+FFFD for every lone surrogate`, () => {
    const scanner = core.scanner();
    const fresh = core.scanner();
    const texts = [
      "",
      "abc",
      "naïve café ".repeat(300),
      "日本語".repeat(2000),
      "\ud83d",
      "a\udc00b",
      "\ude00\ud83d",
    ];
    for (const text of ["x", "€", "😀"]) texts.push("y".repeat(5000) + text.repeat(3000) + "z".repeat(2000));
    for (const text of texts) {
      checkLoad(scanner, text, fresh);
      scanner.remember();
      checkLoad(scanner, `${text}😀\ud83d`, fresh);
    }
  });

  test(`scanner (${name}): text and bytes of it are one body`, () => {
    const scanner = core.scanner();
    const text = "a conversation, naïve ".repeat(500);
    const { id } = loadAndRemember(scanner, text);
    scanner.load(new TextEncoder().encode(text));
    assert.equal(scanner.base, id);
    assert.equal(scanner.shared, scanner.size);
  });

  test(`scanner (${name}): views are of the bytes asked for; results belong to the caller`, () => {
    const scanner = core.scanner();
    const body = noise(9000);
    scanner.load(body);
    assert.deepEqual(Array.from(scanner.view(100, 200)), Array.from(body.subarray(100, 200)));
    assert.deepEqual(Array.from(scanner.view(8990)), Array.from(body.subarray(8990)));
    assert.equal(scanner.view(0, 99_999).length, 9000);
    const [digest, { ends }, digests] = [scanner.digest(), scanner.cut(), scanner.chunkDigests(0)];
    const before = [toHex(digest), ends.join(), toHex(digests)];
    scanner.remember();
    checkLoad(scanner, noise(9500), core.scanner());
    assert.deepEqual([toHex(digest), ends.join(), toHex(digests)], before);
    digest.fill(0);
    assert.equal(toHex(scanner.digest()), oracle(noise(9500)));
  });

  test(`scanner (${name}): chunk digests from any chunk on, and none beyond the last`, () => {
    const scanner = core.scanner();
    const body = noise(15_000);
    scanner.load(body);
    const { ends } = scanner.cut();
    const all = chunksOf(body, ends).map((chunk) => oracle(chunk));
    for (let first = 0; first <= ends.length; first++) {
      assert.deepEqual(digestsOf(scanner.chunkDigests(first)), all.slice(first));
    }
    for (const first of [-1, 0.5, ends.length + 1, NaN]) {
      assert.throws(() => scanner.chunkDigests(first), {
        name: "RangeError",
        message: `Cannot hash chunks: asked from number ${first} on, there are ${ends.length}`,
      });
    }
  });

  test(`scanner (${name}): control: every flipped bit of the shared part is noticed`, () => {
    const scanner = core.scanner();
    const body = noise(2500);
    loadAndRemember(scanner, body);
    scanner.digest();
    for (let bit = 0; bit < body.length * 8; bit += 101) {
      const flipped = body.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      scanner.load(flipped);
      assert.equal(scanner.shared, bit >> 3);
      assert.equal(toHex(scanner.digest()), oracle(flipped));
    }
  });
}

/** One change of one conversation, and what is done with the body that comes of it. */
interface Change {
  readonly what: "extend" | "truncate" | "edit" | "prepend" | "delete" | "replace";
  readonly lane: number;
  /** Where in the body, as a part of it. */
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly times: number;
  readonly text: boolean;
  /** The body is remembered unless it is 0. */
  readonly remember: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  what: fc.constantFrom("extend", "truncate", "edit", "prepend", "delete", "replace"),
  lane: fc.nat(3),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.uint8Array({ maxLength: 40 }),
  times: fc.nat(150),
  text: fc.boolean(),
  remember: fc.integer({ min: 0, max: 3 }),
});
/** The bodies of a run of changes. A body given as text has a character for each byte. */
function bodiesOf(changes: readonly Change[]): { body: Uint8Array | string; remember: boolean }[] {
  const lanes = Array.from({ length: 4 }, () => noise(1500, 5));
  return changes.map(({ what, lane, at, bytes, times, text, remember }) => {
    const old = lanes[lane]!;
    const piece = concat(...Array.from({ length: times }, (_, i) => concat(bytes, Uint8Array.of(i))));
    const place = Math.floor(at * old.length);
    const next = {
      extend: () => concat(old, piece),
      truncate: () => old.slice(0, place),
      edit: () => concat(old.subarray(0, place), piece, old.subarray(place + piece.length)),
      prepend: () => concat(piece, old),
      delete: () => concat(old.subarray(0, place), old.subarray(place + piece.length)),
      replace: () => piece,
    }[what]();
    lanes[lane] = next.subarray(0, 30_000);
    const body = text ? Array.from(lanes[lane]!, (byte) => String.fromCharCode(byte)).join("") : lanes[lane]!;
    return { body, remember: remember > 0 };
  });
}

const runs = fc.tuple(fc.array(change, { maxLength: 12 }), fc.constantFrom(0, 2000, 20_000, BUDGET));

/** Holds `scanner` against the body itself, a scanner that knows nothing, and `twin`, which sees the same bodies. */
function checkRun(scanner: Scanner, twin: Scanner, changes: readonly Change[]): void {
  const fresh = wasm.scanner();
  for (const { body, remember } of bodiesOf(changes)) {
    assert.deepEqual(checkLoad(scanner, body, fresh), checkLoad(twin, body, fresh));
    if (remember) assert.deepEqual(scanner.remember(), twin.remember());
  }
}

test("scanner: property: wasm, with the host and without, and ref agree on any bodies in any order and budget", () => {
  fc.assert(
    fc.property(runs, fc.boolean(), ([changes, budget], host) => {
      checkRun(wasm.scanner(budget, host ? hostSha256 : undefined), ref.scanner(budget), changes);
    }),
    { numRuns: 60 },
  );
});

/** A scanner with one method broken. */
function broken(how: (scanner: Scanner) => Partial<Scanner>): Scanner {
  const scanner = wasm.scanner();
  const bad = how(scanner);
  return new Proxy(scanner, {
    get(target, key) {
      const value = Reflect.get(bad, key) ?? Reflect.get(target, key, target);
      return typeof value === "function" && !Reflect.has(bad, key) ? value.bind(target) : value;
    },
  });
}

test("scanner: control: the property fails for one that resumes wrongly, keeps a body's end as a cut, or forgets wrongly", () => {
  const grown = Array.from({ length: 6 }, (_, i): Change => {
    return {
      what: "extend",
      lane: i % 2,
      at: 0,
      bytes: noise(30, i + 1),
      times: 60,
      text: false,
      remember: 1,
    };
  });
  checkRun(broken(() => ({})), ref.scanner(), grown);
  const digests: Uint8Array[] = [];
  const mutants = [
    broken((scanner) => ({
      digest() {
        digests.push(scanner.digest());
        return scanner.shared === 0 ? digests.at(-1)! : digests.at(-2)!;
      },
    })),
    broken((scanner) => ({
      cut() {
        const { ends, reused } = scanner.cut();
        if (scanner.shared === 0 || ends.includes(scanner.shared)) return { ends, reused };
        return { ends: Uint32Array.from([...ends, scanner.shared]).sort(), reused };
      },
    })),
    broken((scanner) => ({ remember: () => ({ ...scanner.remember(), dropped: [] }) })),
  ];
  for (const mutant of mutants) {
    assert.throws(() => checkRun(mutant, ref.scanner(), grown), assert.AssertionError);
  }
});

test("scanner: the host hashes what is large and new, and no more once a body grows", () => {
  let asked = 0;
  const scanner = wasm.scanner(BUDGET, (bytes) => {
    asked++;
    return hostSha256(bytes);
  });
  const said = (body: Uint8Array) => {
    const before = asked;
    scanner.load(body);
    assert.equal(toHex(scanner.digest()), oracle(body));
    assert.equal(toHex(scanner.digest()), oracle(body));
    scanner.remember();
    return asked - before;
  };
  assert.equal(said(noise(4000)), 0, "a small one");
  assert.equal(said(noise(100_000, 2)), 1, "a large one");
  assert.equal(said(noise(102_000, 2)), 0, "the first that extends it");
  assert.equal(said(noise(104_000, 2)), 0, "and the next");
  assert.equal(said(concat(noise(10_000, 2), noise(90_000, 3))), 1, "one that is mostly new");
});
