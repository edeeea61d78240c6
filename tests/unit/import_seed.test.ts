/** Tapes of the Python original: read in all their layouts, kept with their fingerprint, and written again. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { readExchanges } from "../../core/analyse/exchanges.ts";
import { seedTapeOf } from "../../core/analyse/seed_tape.ts";
import { importRuns } from "../../core/engine/import_runs.ts";
import type { Database } from "../../core/store/database.ts";
import { listRuns, type Run, runById, whyNotReplayable } from "../../core/store/runs.ts";
import { readSeedFile, writeSeedFile } from "../../core/store/seed_file.ts";
import { tapeSource } from "../../core/store/tape_reader.ts";
import { seedFingerprint } from "../../core/tape/seed.ts";
import {
  digestOf,
  EMPTY_DIGEST,
  GOLDEN,
  GOLDEN_DIGEST,
  type Seed,
  seedJson,
  writeSeedSqlite,
  writeSeedStore,
} from "../helpers/seed.ts";
import { assertIntact, core, inFolder, opened } from "../helpers/stores.ts";
import { alterTape } from "../helpers/tape.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const pairs = ({ draws, exchanges }: Seed) => ({
  draws,
  exchanges: exchanges.map(([a, b]) => [bytes(a), bytes(b)] as const),
});

function importInto(store: string, path: string) {
  return importRuns({ path, store, redact: "" }, core);
}

/** The seed's fingerprint of what a store holds now. */
function fingerprintIn(db: Database, run: Run): string {
  const found = readExchanges(tapeSource(db, core, run.key));
  return seedFingerprint(core, seedTapeOf(run, found));
}

test("the golden tape has the Python original's digest, and so has an empty one", () => {
  assert.equal(seedFingerprint(core, pairs(GOLDEN)), GOLDEN_DIGEST);
  assert.equal(seedFingerprint(core, { draws: [], exchanges: [] }), EMPTY_DIGEST);
  assert.equal(digestOf(GOLDEN), GOLDEN_DIGEST);
  const other = { ...GOLDEN, draws: [...GOLDEN.draws].reverse() };
  assert.notEqual(seedFingerprint(core, pairs(other)), GOLDEN_DIGEST, "control");
});

const LAYOUTS: readonly (readonly [name: string, write: (path: string) => void])[] = [
  ["the present layout, with zstd", (path) => writeSeedSqlite(path, GOLDEN, "present")],
  ["the spike's layout, without", (path) => writeSeedSqlite(path, GOLDEN, "spike")],
  ["the JSON form", (path) => writeFileSync(path, seedJson(GOLDEN))],
  ["a store", (path) => writeSeedStore(path, [{ id: "0123456789ab", tape: GOLDEN }])],
];

for (const [name, write] of LAYOUTS) {
  test(`${name} is imported with its fingerprint, verifies, and the file is left to the byte`, () =>
    inFolder((path) => {
      const [file, store] = [path("golden"), path("store.db")];
      write(file);
      const before = readFileSync(file);
      const [{ run, outcome }] = importInto(store, file) as [ReturnType<typeof importInto>[0]];
      assert.equal(outcome, "imported");
      assert.equal(run.about.imported?.seed_fingerprint, GOLDEN_DIGEST);
      assert.match(whyNotReplayable(run)!, /does not keep: method, URL, headers, status, times/);
      opened(store, (db) => {
        const kept = runById(db, run.id)!;
        assert.equal(fingerprintIn(db, kept), GOLDEN_DIGEST);
        assert.equal(kept.created, 0, "nobody knows when it was made");
        assertIntact(db);
        const { exchanges, early } = readExchanges(tapeSource(db, core, kept.key));
        assert.deepEqual(exchanges.map((each) => Buffer.from(each.requestBody()!).toString()), [
          "request-1",
          "request-2",
        ]);
        assert.deepEqual(exchanges.map((each) => Buffer.from(each.responseBody()).toString()), [
          "response-1",
          "response-2",
        ]);
        assert.equal(early[0]!.count, 2);
      });
      assert.deepEqual(readFileSync(file), before);
      assert.deepEqual(readdirSync(dirname(file)).toSorted(), ["golden", "store.db"]);
      assert.equal(importInto(store, file)[0]!.outcome, "there", "a second time it is there already");
    }));
}

test("an imported tape that was changed no longer has its fingerprint, and does not verify", () =>
  inFolder((path) => {
    writeSeedSqlite(path("golden"), GOLDEN, "present");
    const [{ run }] = importInto(path("store.db"), path("golden")) as [ReturnType<typeof importInto>[0]];
    alterTape(
      path("store.db"),
      (db) =>
        db.exec("UPDATE events SET body = CAST(replace(body, 'abc123', 'abc124') AS BLOB) WHERE type = 1"),
    );
    opened(path("store.db"), (db) => {
      assert.notEqual(fingerprintIn(db, runById(db, run.id)!), GOLDEN_DIGEST);
      assert.throws(() => assertIntact(db));
    });
  }));

test("a store's runs keep their ids or else their names, their times, and their branches", () =>
  inFolder((path) => {
    const delta: Seed = { draws: [], exchanges: [["request-2", "changed"], ["request-3", "response-3"]] };
    writeSeedStore(path("seed.db"), [
      { id: "0123456789ab", tape: GOLDEN, created: "2026-02-03T04:05:06+00:00" },
      { id: "r1", tape: { ...GOLDEN, draws: [] } },
    ], [{ id: "ba9876543210", parent: "0123456789ab", step: 1, description: "flip", delta }]);
    importInto(path("store.db"), path("seed.db"));
    opened(path("store.db"), (db) => {
      assertIntact(db);
      const runs = listRuns(db);
      const named = runs.find(({ name }) => name === "r1")!;
      assert.match(named.id, /^[0-9a-f]{12}$/);
      const parent = runById(db, "0123456789ab")!;
      assert.equal(parent.created, Date.UTC(2026, 1, 3, 4, 5, 6) * 1000);
      const branch = runById(db, "ba9876543210")!;
      assert.deepEqual([branch.parent, branch.forkStep, branch.note], ["0123456789ab", 1, "flip"]);
      assert.equal(fingerprintIn(db, branch), digestOf(delta), "the delta's, as the seed has it");
      const found = readExchanges(tapeSource(db, core, branch.key)).exchanges;
      const answers = found.map((each) => Buffer.from(each.responseBody()).toString());
      assert.deepEqual(answers, ["response-1", "changed", "response-3"], "a branch is whole");
    });
  }));

test("a branch of a branch begins with the steps of both, and a circle of branches does no harm", () =>
  inFolder((path) => {
    const delta = (...texts: string[]): Seed => ({
      draws: [],
      exchanges: texts.map((text) => [`ask ${text}`, text] as const),
    });
    writeSeedStore(path("seed.db"), [{ id: "aaaaaaaaaaaa", tape: delta("a0", "a1", "a2") }], [
      { id: "cccccccccccc", parent: "bbbbbbbbbbbb", step: 2, description: "", delta: delta("c2") },
      { id: "bbbbbbbbbbbb", parent: "aaaaaaaaaaaa", step: 1, description: "", delta: delta("b1", "b2") },
      { id: "dddddddddddd", parent: "eeeeeeeeeeee", step: 1, description: "", delta: delta("d1") },
      { id: "eeeeeeeeeeee", parent: "dddddddddddd", step: 1, description: "", delta: delta("e1") },
      { id: "ffffffffffff", parent: "aaaaaaaaaaaa", step: 9, description: "", delta: delta("f9") },
    ]);
    importInto(path("store.db"), path("seed.db"));
    opened(path("store.db"), (db) => {
      assertIntact(db);
      const said = (id: string) => {
        const run = runById(db, id)!;
        const { exchanges } = readExchanges(tapeSource(db, core, run.key));
        const answers = exchanges.map((each) => Buffer.from(each.responseBody()).toString()).join(" ");
        return [run.forkStep, answers, fingerprintIn(db, run)];
      };
      assert.deepEqual(said("bbbbbbbbbbbb"), [1, "a0 b1 b2", digestOf(delta("b1", "b2"))]);
      assert.deepEqual(said("cccccccccccc"), [2, "a0 b1 c2", digestOf(delta("c2"))]);
      assert.deepEqual(said("ffffffffffff"), [3, "a0 a1 a2 f9", digestOf(delta("f9"))]);
      assert.equal(said("dddddddddddd")[2], digestOf(delta("d1")));
    });
  }));

test("a body that is not what its digest says is refused, and nothing is imported", () =>
  inFolder((path) => {
    writeSeedSqlite(path("golden"), GOLDEN, "spike");
    alterTape(path("golden"), (db) =>
      db.exec("UPDATE blobs SET data = CAST('forged' AS BLOB) WHERE CAST(data AS TEXT) = 'response-1'"));
    assert.throws(() =>
      importInto(path("store.db"), path("golden")), /is not what its digest says/);
    assert.deepEqual(readdirSync(dirname(path("x"))), ["golden"]);
  }));

const NO_TAPES: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ["text", "hello", /neither an SQLite file nor JSON/],
  ["other JSON", '{"a": 1}', /no HAR file and no tape/],
  ["a list", "[1]", /no HAR file and no tape/],
  ["null", "null", /no HAR file and no tape/],
  ["a draw of three", '{"exchanges": [], "draws": [["a", "b", "c"]]}', /no pair/],
  ["no base64", '{"exchanges": [["?", "?"]], "draws": []}', /base64/],
];

for (const [name, text, message] of NO_TAPES) {
  test(`${name} is no tape to import`, () =>
    inFolder((path) => {
      writeFileSync(path("file"), text);
      assert.throws(() => importInto(path("store.db"), path("file")), message);
      assert.deepEqual(readdirSync(dirname(path("x"))), ["file"]);
    }));
}

test("a tape that is written as the seed's is read by the document's own words, and imports as what it was", () =>
  inFolder((path) => {
    writeSeedFile(path("out.tape.sqlite"), core, { ...pairs(GOLDEN), boundary: "b-1", agentName: "booker" });
    alterTape(path("out.tape.sqlite"), (db) => {
      const events = db.prepare("SELECT seq, kind, a, b FROM events ORDER BY seq").all();
      assert.deepEqual(events.map(({ seq, kind }) => `${seq} ${kind}`), [
        "1 draw",
        "2 draw",
        "3 exchange",
        "4 exchange",
      ]);
      const meta = db.prepare("SELECT key, value FROM meta ORDER BY key").all().map(({ key, value }) =>
        `${key}=${value}`
      );
      assert.deepEqual(meta, ["agent_name=booker", "boundary=b-1", "schema_version=1"]);
      const magic = db.prepare("SELECT DISTINCT hex(substr(data, 1, 4)) AS magic FROM blobs").all();
      assert.deepEqual(magic.map(({ magic }) => magic), ["28B52FFD"], "zstd frames");
    });
    const [stored] = readSeedFile(path("out.tape.sqlite"), core)!;
    assert.equal(seedFingerprint(core, stored!.tape), GOLDEN_DIGEST);
    assert.equal(stored!.tape.agentName, "booker");
  }));
