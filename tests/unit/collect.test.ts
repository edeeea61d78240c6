/** Removal of runs: what the others need stays, what nobody needs goes, and nothing goes that a recorder counts on. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { removeRuns, usedBytes } from "../../core/store/collect.ts";
import { closeDatabase, type Database, holdStill, openDatabase } from "../../core/store/database.ts";
import { listRuns, type Run, runById } from "../../core/store/runs.ts";
import { verifyRun } from "../../core/store/verify.ts";
import {
  assertIntact,
  conversation,
  core,
  counted,
  GONE,
  inFolder,
  makeRun,
  NEW_YEAR,
  opened,
  openRun,
  prose,
  unreferenced,
} from "../helpers/stores.ts";

const only = (...ids: string[]) => (runs: readonly Run[]) => ({
  runs: runs.filter(({ id }) => ids.includes(id)),
});

/** Three runs: two go on from one beginning, one is about something else. */
function threeRuns(path: string): Database {
  const db = openDatabase(path, "create");
  const common = conversation("common", 40);
  makeRun(db, path, "aaaaaaaaaaaa", common);
  makeRun(db, path, "bbbbbbbbbbbb", [
    ...common.slice(0, 30),
    `${common[30]!.slice(0, -2)} b${prose(9_000, "b")}`,
  ]);
  makeRun(db, path, "cccccccccccc", conversation("other", 20));
  return db;
}

test("what the others need stays, what only the removed run needed goes, and the file is smaller", () =>
  inFolder((path) => {
    const store = path("store.db");
    const db = threeRuns(store);
    assert.deepEqual(unreferenced(db), [], "control: all that is there is needed");
    const before = counted(db);
    const used = usedBytes(db);
    const removal = removeRuns(db, only("cccccccccccc"), false);
    assert.equal(removal.runs.length, 1);
    assert.ok(removal.collected!.blobs > 20, JSON.stringify(removal.collected));
    assert.equal(counted(db).blobs, before.blobs - removal.collected!.blobs);
    assert.deepEqual(listRuns(db).map(({ id }) => id), ["bbbbbbbbbbbb", "aaaaaaaaaaaa"]);
    assertIntact(db);
    assert.deepEqual(unreferenced(db), []);
    assert.equal(used - usedBytes(db), removal.freed);
    assert.ok(removal.freed > 30_000, `${removal.freed}`);
    closeDatabase(db);
    assert.equal(statSync(store).size, used - removal.freed, "free pages are given back");
  }));

test("a run that shares most of its bodies takes only its own rows with it", () =>
  inFolder((path) => {
    const db = threeRuns(path("store.db"));
    const before = counted(db);
    removeRuns(db, only("bbbbbbbbbbbb"), false);
    const after = counted(db);
    assert.ok(
      before.blobs - after.blobs < 60 && before.bodies - after.bodies === 1,
      JSON.stringify({ before, after }),
    );
    assertIntact(db);
    assert.deepEqual(unreferenced(db), []);
    removeRuns(db, only("aaaaaaaaaaaa", "cccccccccccc"), false);
    assert.deepEqual(counted(db), { blobs: 0, lists: 0, bodies: 0 });
    db.close();
  }));

test("control: the checks of these tests notice a row too many and a row too few", () =>
  inFolder((path) => {
    const db = threeRuns(path("store.db"));
    db.exec("INSERT INTO blobs (key, digest, size, zstd, data) VALUES (9999, zeroblob(32), 0, 0, x'')");
    assert.deepEqual(unreferenced(db), ["blobs 9999"]);
    db.exec("DELETE FROM blobs WHERE key = 30");
    assert.throws(() => assertIntact(db), /its chunk 30 is missing/);
    db.close();
  }));

test("a dry run tells what a removal then does, and leaves the file to the byte", () =>
  inFolder((path) => {
    const store = path("store.db");
    threeRuns(store).close();
    const before = readFileSync(store);
    const planned = opened(store, (db) => removeRuns(db, only("cccccccccccc"), true));
    assert.deepEqual(readFileSync(store), before);
    const done = opened(store, (db) => removeRuns(db, only("cccccccccccc"), false));
    assert.deepEqual(done, planned);
  }));

test("what was removed is in no page of the file any more", () =>
  inFolder((path) => {
    const store = path("store.db");
    const db = openDatabase(store, "create");
    makeRun(db, store, "aaaaaaaaaaaa", ["kept: a question that stays"]);
    makeRun(db, store, "bbbbbbbbbbbb", ["gone: a question that must not be found again"]);
    closeDatabase(db);
    assert.ok(readFileSync(store).includes("gone: a question"), "control: it is there before");
    opened(store, (each) => removeRuns(each, only("bbbbbbbbbbbb"), false));
    const after = readFileSync(store);
    assert.equal(after.includes("gone: a question"), false);
    assert.ok(after.includes("kept: a question"));
  }));

test("while a process records, a run can go but nothing shared is collected", () =>
  inFolder((path) => {
    const store = path("store.db");
    const db = threeRuns(store);
    const writer = openRun(db, store, "dddddddddddd");
    writer.ask(conversation("other", 20).at(-1)!, "yes");
    writer.commit();
    const before = counted(db);
    const removal = removeRuns(db, only("cccccccccccc"), false);
    assert.equal(removal.collected, undefined);
    assert.equal(removal.recording, "dddddddddddd");
    assert.deepEqual(counted(db), before);
    // What it remembers of the removed run's chunks still holds.
    writer.ask(`${conversation("other", 20).at(-1)!} and so on`, "yes");
    writer.close();
    assertIntact(db);
    const later = removeRuns(db, only(), false);
    assert.ok(later.collected !== undefined && later.recording === undefined);
    assertIntact(db);
    assert.deepEqual(unreferenced(db), []);
    db.close();
  }));

test("control: collected under a living recorder's hands, its next body would be broken", () =>
  inFolder((path) => {
    const store = path("store.db");
    const db = openDatabase(store, "create");
    const first = openRun(db, store, "aaaaaaaaaaaa");
    const questions = conversation("topic", 12);
    first.ask(questions[10]!, "yes");
    first.commit();
    // The marks say that nobody is there, which is not so; and what the recorder has written goes with its events.
    db.prepare("UPDATE lanes SET mark = ?").run(GONE);
    db.prepare("UPDATE runs SET writer = ?").run(GONE);
    db.exec("DELETE FROM events");
    const removal = removeRuns(db, only(), false);
    assert.ok(removal.collected!.blobs > 0);
    first.ask(questions[11]!, "yes");
    const run = first.close();
    const { flaws } = verifyRun(db, core, run);
    assert.ok(
      flaws.some(({ what, message }) => what === "body" && /missing/.test(message)),
      JSON.stringify(flaws),
    );
    db.close();
  }));

test("a process that lives on after its run was closed counts as recording", () =>
  inFolder((path) => {
    const store = path("store.db");
    const db = threeRuns(store);
    const mark = openRun(db, store, "dddddddddddd");
    const { mark: own } = db.prepare("SELECT mark FROM lanes WHERE run = ?").get(mark.key) as {
      mark: string;
    };
    mark.close();
    db.prepare("UPDATE lanes SET mark = ? WHERE run = ?").run(own, mark.key);
    assert.equal(removeRuns(db, only(), false).recording, "dddddddddddd");
    // One with the same number that began at another time is another process.
    db.prepare("UPDATE lanes SET mark = ? WHERE run = ?")
      .run(JSON.stringify({ ...JSON.parse(own), start: "1" }), mark.key);
    assert.equal(removeRuns(db, only(), false).recording, undefined);
    db.close();
  }));

test("a run that is being recorded is refused, and nothing else goes either", () =>
  inFolder((path) => {
    const store = path("store.db");
    const db = threeRuns(store);
    openRun(db, store, "dddddddddddd");
    assert.throws(() => removeRuns(db, only("aaaaaaaaaaaa", "dddddddddddd"), false), /is being recorded/);
    assert.equal(listRuns(db).length, 4);
    db.close();
  }));

test("where a run's events can't be read nothing is collected, and that run can be removed", () =>
  inFolder((path) => {
    const db = threeRuns(path("store.db"));
    const before = counted(db);
    db.exec("UPDATE events SET body = x'02ff' WHERE run = 2 AND seq = 0");
    assert.throws(() => removeRuns(db, only("cccccccccccc"), false), /Cannot tell which bodies are needed/);
    assert.deepEqual(counted(db), before);
    assert.equal(listRuns(db).length, 3);
    removeRuns(db, only("bbbbbbbbbbbb"), false);
    assertIntact(db);
    assert.deepEqual(unreferenced(db), []);
    db.close();
  }));

test("for a size the fewest and oldest runs go, and the file has at most that size", () =>
  inFolder((path) => {
    const store = path("store.db");
    const db = openDatabase(store, "create");
    for (let i = 0; i < 8; i++) {
      makeRun(db, store, `${i}`.repeat(12), conversation(`topic ${i}`, 12), { created: NEW_YEAR + i });
    }
    const oldest = (atMost: number) => (runs: readonly Run[]) => ({
      runs: [...runs].reverse(),
      atMost,
    });
    const limit = Math.floor(usedBytes(db) * 0.6);
    const removal = removeRuns(db, oldest(limit), false);
    assert.ok(usedBytes(db) <= limit);
    const gone = removal.runs.map(({ id }) => id[0]).join("");
    assert.equal(gone, "01234567".slice(0, gone.length));
    assert.ok(gone.length >= 3 && gone.length <= 5, gone);
    // One less would not have been enough.
    assert.ok(removal.freed * (gone.length - 1) / gone.length < usedBytes(db) + removal.freed - limit);
    assertIntact(db);
    assert.throws(() => removeRuns(db, oldest(100), false), /Cannot make the store as small as 100 bytes/);
    assert.equal(listRuns(db).length, 8 - gone.length);
    db.close();
    assert.ok(statSync(store).size <= limit);
  }));

test("whatever is recorded and removed in whatever order, what is left is intact and nothing else is left", () => {
  const step = fc.record({
    topic: fc.constantFrom("x", "y", "z"),
    steps: fc.integer({ min: 1, max: 9 }),
    remove: fc.array(fc.nat(9), { maxLength: 3 }),
  });
  return fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) =>
      inFolder((path) => {
        const store = path("store.db");
        const db = openDatabase(store, "create");
        for (const [i, { topic, steps: count, remove }] of steps.entries()) {
          makeRun(db, store, `${i}`.padStart(12, "0"), conversation(topic, count), { created: NEW_YEAR + i });
          const ids = remove.map((each) => `${each}`.padStart(12, "0"));
          removeRuns(db, only(...ids), false);
          assertIntact(db);
          assert.deepEqual(unreferenced(db), []);
        }
        db.close();
      })),
    { numRuns: 12 },
  );
});

test("a reader that holds the file still reads a run whole while it is removed; one that doesn't sees it go", () =>
  inFolder((path) => {
    const store = path("store.db");
    threeRuns(store).close();
    opened(store, (still) => {
      holdStill(still);
      const run = runById(still, "cccccccccccc")!;
      opened(store, (loose) => {
        opened(store, (db) => removeRuns(db, only("cccccccccccc"), false));
        assert.deepEqual(verifyRun(still, core, run).flaws, []);
        assert.equal(verifyRun(loose, core, run).intact, false, "control");
      }, "read");
    }, "read");
    opened(store, assertIntact);
  }));
