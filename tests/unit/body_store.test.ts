/**
 * Bodies in a real SQLite file: what is shared is stored once, what is read is what was written, and a changed
 * byte of any chunk, list or row is named.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { toHex } from "../../core/base/hex.ts";
import { BodyLog } from "../../core/session/body_log.ts";
import { parseRedactRules, Redactor } from "../../core/session/redact.ts";
import { squeezeRest } from "../../core/store/blobs.ts";
import { BodyProver } from "../../core/store/body_prover.ts";
import { BodyReader } from "../../core/store/body_reader.ts";
import { BodyWriter } from "../../core/store/body_writer.ts";
import { type Database, openDatabase } from "../../core/store/database.ts";
import type { BodyRef } from "../../core/tape/events.ts";
import { createWasmCore } from "../../wasm/mod.ts";

const core = createWasmCore();
const NO_RULES = () => new Redactor(parseRedactRules(""), []);

interface Place {
  readonly db: Database;
  readonly writer: BodyWriter;
  readonly log: BodyLog;
  commit(): void;
}

function withStore(use: (place: Place) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "tracefork-bodies-"));
  const db = openDatabase(join(folder, "store.db"), "create");
  try {
    const writer = new BodyWriter(db, core);
    const log = new BodyLog(core, (digest, body) => writer.add(digest, body));
    const commit = () => {
      db.exec("BEGIN");
      writer.write();
      db.exec("COMMIT");
      writer.committed();
    };
    use({ db, writer, log, commit });
  } finally {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Text that no two seeds have in common. */
function prose(length: number, seed: number): string {
  let text = "";
  for (let i = 0; text.length < length; i++) {
    text += `${createHash("sha256").update(`${seed}:${i}`).digest("base64url")} `;
  }
  return text.slice(0, length);
}

function conversation(steps: number, each = 2_500, seed = 0): string[] {
  const messages: unknown[] = [];
  return Array.from({ length: steps }, (_, i) => {
    messages.push({ role: i % 2 === 0 ? "user" : "assistant", content: prose(each, seed + i) });
    return JSON.stringify({ model: "m", max_tokens: 100, messages, stream: true });
  });
}

function counts(db: Database): { blobs: number; lists: number; bodies: number; bytes: number } {
  return db.prepare(
    `SELECT (SELECT count(*) FROM blobs) AS blobs, (SELECT count(*) FROM lists) AS lists,
       (SELECT count(*) FROM bodies) AS bodies,
       (SELECT sum(length(data)) FROM bodies) + (SELECT coalesce(sum(length(data)), 0) FROM lists) AS bytes`,
  ).get() as { blobs: number; lists: number; bodies: number; bytes: number };
}

function prove(db: Database, refs: readonly BodyRef[]): string[] {
  const wanted = new Map(refs.map((ref) => [toHex(ref.digest), ref]));
  return [...new BodyProver(db, core).prove(wanted).values()];
}

function assertKept(db: Database, refs: readonly BodyRef[], texts: readonly (string | Uint8Array)[]): void {
  const reader = new BodyReader(db, core);
  for (const [i, ref] of refs.entries()) {
    const bytes = Buffer.from(texts[i]! as string);
    assert.equal(ref.size, bytes.length);
    assert.equal(toHex(ref.digest), createHash("sha256").update(bytes).digest("hex"));
    assert.ok(bytes.equals(reader.read(ref.digest)), `body ${i}`);
  }
}

test("a growing conversation is read back whole, and each step adds little more than its new text", () => {
  withStore(({ db, log, commit }) => {
    const texts = conversation(120);
    const redactor = NO_RULES();
    let before = { blobs: 0, bytes: 0 };
    const refs = texts.map((text, i) => {
      const ref = log.request(text, redactor);
      commit();
      const after = counts(db);
      // Some chunks of new text, and the last one of the step before, which now goes on.
      if (i > 10) {
        assert.ok(after.blobs - before.blobs <= 8, `step ${i}: ${after.blobs - before.blobs} blobs`);
      }
      before = after;
      return ref;
    });
    assertKept(db, refs, texts);
    assert.deepEqual(prove(db, refs), []);
    const { lists, bodies, bytes } = counts(db);
    assert.equal(bodies, texts.length - 1, "the first step is small enough for a blob");
    assert.ok(lists > 0 && lists < 20, `${lists} lists`);
    assert.ok(bytes < texts.length * 150, `${bytes} bytes of lists and bodies`);
    // Control: without the sharing it is the square of the steps.
    assert.ok(texts.reduce((sum, text) => sum + text.length, 0) > 15_000_000);
  });
});

test("two lanes that interleave, a conversation that forks, and a changed beginning are all read back", () => {
  withStore(({ db, log, commit }) => {
    const [a, b] = [conversation(30), conversation(30, 2_500, 1_000)];
    const forked = a.slice(10).map((text) => text.replace("assistant", "ASSISTANT"));
    const moved = a.map((text, i) => text.replace('"m"', `"model at ${i}"`));
    const texts = [...a.flatMap((text, i) => [text, b[i]!]), ...forked, ...moved, ...a];
    const redactor = NO_RULES();
    const refs = texts.map((text) => log.request(text, redactor));
    commit();
    assertKept(db, refs, texts);
    assert.deepEqual(prove(db, refs), []);
  });
});

test("binary bodies and bodies of equal bytes are read back", () => {
  withStore(({ db, log, commit }) => {
    const noise = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255);
    const texts = [
      noise,
      new Uint8Array(100_000),
      noise.subarray(0, 200_000),
      noise.subarray(1),
      new Uint8Array(0),
    ];
    const redactor = NO_RULES();
    const refs = texts.map((bytes) => log.answer(bytes, redactor));
    commit();
    assertKept(db, refs, texts);
    assert.deepEqual(prove(db, refs), []);
  });
});

test("any sequence of edits is read back and proven, whenever it is committed", () => {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(6_000),
    text: fc.integer({ min: 0, max: 9_000 }),
    commit: fc.boolean(),
    rollback: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 12 }), (edits) => {
      withStore(({ db, log, writer, commit }) => {
        const redactor = NO_RULES();
        let text = prose(20_000, 1);
        const texts = [text];
        const refs = [log.request(text, redactor)];
        for (const [i, each] of edits.entries()) {
          const at = Math.floor(each.at * text.length);
          text = text.slice(0, at) + prose(each.text, 100 + i) + text.slice(at + each.cut);
          texts.push(text);
          refs.push(log.request(text, redactor));
          if (each.rollback) {
            // A disk that is full for a while.
            db.exec("BEGIN");
            writer.write();
            db.exec("ROLLBACK");
            writer.failed();
          }
          if (each.commit) commit();
        }
        commit();
        assertKept(db, refs, texts);
        assert.deepEqual(prove(db, refs), []);
      });
    }),
    { numRuns: 25 },
  );
});

test("a second writer of the same file shares the first one's chunks and lists", () => {
  withStore(({ db, log, commit }) => {
    const texts = conversation(60);
    const redactor = NO_RULES();
    texts.forEach((text) => log.request(text, redactor));
    commit();
    const before = counts(db);
    const second = new BodyWriter(db, core);
    const other = new BodyLog(core, (digest, body) => second.add(digest, body));
    const refs = texts.map((text) => other.request(text, redactor));
    db.exec("BEGIN");
    second.write();
    db.exec("COMMIT");
    second.committed();
    assert.deepEqual(counts(db), before);
    assertKept(db, refs, texts);
  });
});

test("compressing changes no body", () => {
  withStore(({ db, log, commit }) => {
    const words = "a tool answers and the agent plans ".repeat(8_000);
    const texts = [words, `${words} and so on`, words.slice(0, 3_000)];
    const refs = texts.map((text) => log.request(text, NO_RULES()));
    commit();
    squeezeRest(db, 0);
    const { squeezed } = db.prepare("SELECT count(*) AS squeezed FROM blobs WHERE zstd = 1").get() as {
      squeezed: number;
    };
    assert.ok(squeezed > 0);
    assertKept(db, refs, texts);
    assert.deepEqual(prove(db, refs), []);
  });
});

/** Everything that a body depends on, altered; each must be named. */
const DAMAGE: readonly (readonly [what: string, sql: string, named: RegExp])[] = [
  [
    "a byte of a chunk",
    "UPDATE blobs SET data = CAST(x'00' || substr(data, 2) AS BLOB) WHERE key = 30",
    /its chunk 30 does not have/,
  ],
  ["a chunk's digest", "UPDATE blobs SET digest = zeroblob(32) WHERE key = 30", /its chunk 30 does not have/],
  [
    "a chunk's size",
    "UPDATE blobs SET size = size + 1 WHERE key = 30",
    /its chunk 30 cannot be decompressed/,
  ],
  [
    "a chunk's compression",
    "UPDATE blobs SET zstd = 1 - zstd WHERE key = 30",
    /its chunk 30 cannot be decompressed/,
  ],
  ["a missing chunk", "DELETE FROM blobs WHERE key = 30", /its chunk 30 is missing/],
  [
    "a list's keys",
    "UPDATE lists SET data = CAST(x'06' || substr(data, 2) AS BLOB) WHERE key = 1",
    /its list 1 does not name/,
  ],
  ["a list's digest", "UPDATE lists SET digest = zeroblob(32) WHERE key = 1", /its list 1 does not name/],
  ["a list cut off", "UPDATE lists SET data = x'ff' WHERE key = 1", /its list 1 is damaged/],
  ["a missing list", "DELETE FROM lists WHERE key = 1", /its list 1 is missing/],
  [
    "a body's chunks",
    "UPDATE bodies SET data = substr(data, 1, length(data) - 1) WHERE key = 40",
    /its chunks have/,
  ],
  ["a body's size", "UPDATE bodies SET size = size + 1 WHERE key = 40", /its chunks have/],
  ["a body's lists", "UPDATE bodies SET data = x'7f' WHERE key = 40", /there are 0, need 127/],
  ["a missing body", "DELETE FROM bodies WHERE key = 40", /it is missing/],
  [
    "two bodies that swap their chunks",
    `UPDATE bodies SET data = CASE key WHEN 40 THEN (SELECT data FROM bodies WHERE key = 41)
       ELSE (SELECT data FROM bodies WHERE key = 40) END WHERE key IN (40, 41)`,
    /its chunks have/,
  ],
];

for (const [what, sql, named] of DAMAGE) {
  test(`${what}, altered, is named by the proof, and no reader serves the body`, () => {
    withStore(({ db, log, commit }) => {
      const texts = conversation(60);
      const redactor = NO_RULES();
      const refs = texts.map((text) => log.request(text, redactor));
      commit();
      assert.deepEqual(prove(db, refs), [], "control: sound before");
      db.exec(sql);
      const flaws = prove(db, refs);
      assert.ok(flaws.length > 0, "nothing was found");
      assert.ok(flaws.some((flaw) => named.test(flaw)), flaws[0]);
      // Whatever a reader serves is what was written.
      const reader = new BodyReader(db, core);
      for (const [i, ref] of refs.entries()) {
        try {
          assert.ok(Buffer.from(texts[i]!).equals(reader.read(ref.digest)));
        } catch (error) {
          assert.match(String(error), /Cannot read body/);
        }
      }
    });
  });
}
