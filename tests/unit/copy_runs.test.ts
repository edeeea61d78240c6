/** Runs that are copied from file to file: the same to the byte, with all that they need and nothing else. */
import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { treeOf, writeTape, writeWhole } from "../../core/engine/export_run.ts";
import { importRuns } from "../../core/engine/import_runs.ts";
import type { Database } from "../../core/store/database.ts";
import { listRuns, runById } from "../../core/store/runs.ts";
import {
  adopt,
  assertIntact,
  conversation,
  core,
  counted,
  inFolder,
  makeRun,
  NEW_YEAR,
  opened,
  openRun,
  unreferenced,
} from "../helpers/stores.ts";
import { alterTape } from "../helpers/tape.ts";
import { open, prove } from "./independent_proof.ts";

const ID = "aaaaaaaaaaaa";
const take = (store: string, path: string) => importRuns({ path, store, redact: "" }, core);

function exportOne(db: Database, id: string, to: string): void {
  writeTape(to, db, [runById(db, id)!]);
}

/** A store in which the run stands between two others that share some of its bodies. */
function crowd(path: string, order: readonly string[]): void {
  opened(path, (db) => {
    for (const topic of order) {
      const id = topic === "mine" ? ID : topic.padStart(12, "0");
      const questions = conversation(topic === "mine" ? "mine" : topic.replace(/\d+$/, ""), 30);
      makeRun(db, path, id, topic === "mine" ? questions : questions.slice(0, 20), {
        created: topic === "mine" ? NEW_YEAR : NEW_YEAR + 1,
      });
    }
  }, "create");
}

test("a tape of one run of many is intact by the document's own proof, and holds no row of another run", () =>
  inFolder((path) => {
    crowd(path("store.db"), ["other1", "mine", "mine2", "other3"]);
    const before = readFileSync(path("store.db"));
    opened(path("store.db"), (db) => exportOne(db, ID, path("out.tape")), "read");
    assert.deepEqual(readFileSync(path("store.db")), before);
    const fingerprint = opened(
      path("store.db"),
      (db) => Buffer.from(runById(db, ID)!.fingerprint!).toString("hex"),
    );
    assert.equal(open(path("out.tape"), prove).fingerprint, fingerprint);
    opened(path("out.tape"), (db) => {
      assertIntact(db);
      assert.equal(listRuns(db).length, 1);
      assert.deepEqual(unreferenced(db), []);
    });
    const [all, own] = [path("store.db"), path("out.tape")].map((each) => opened(each, counted));
    assert.ok(own!.blobs < all!.blobs && own!.bodies < all!.bodies, "control: the store holds more");
    assert.equal(statSync(path("out.tape")).mode & 0o777, 0o600);
  }));

test("export, import, export gives the same bytes, whatever else the stores hold", () =>
  inFolder((path) => {
    crowd(path("a.db"), ["other1", "mine", "mine2"]);
    crowd(path("b.db"), ["mine4", "other2"]);
    opened(path("a.db"), (db) => exportOne(db, ID, path("first.tape")), "read");
    assert.equal(take(path("b.db"), path("first.tape"))[0]!.outcome, "imported");
    opened(path("b.db"), assertIntact);
    opened(path("b.db"), (db) => assert.deepEqual(unreferenced(db), []));
    opened(path("b.db"), (db) => exportOne(db, ID, path("second.tape")), "read");
    assert.deepEqual(readFileSync(path("second.tape")), readFileSync(path("first.tape")));
    alterTape(path("b.db"), (db) => db.prepare("UPDATE runs SET note = 'x' WHERE id = ?").run(ID));
    opened(path("b.db"), (db) => exportOne(db, ID, path("third.tape")), "read");
    assert.notDeepEqual(readFileSync(path("third.tape")), readFileSync(path("first.tape")), "control");
  }));

test("a run that is there already is left alone; another one under its id is refused, and nothing is taken", () =>
  inFolder((path) => {
    crowd(path("a.db"), ["mine"]);
    opened(path("b.db"), (db) => {
      makeRun(db, path("b.db"), "bbbbbbbbbbbb", ["one"], { created: NEW_YEAR - 5 });
      makeRun(db, path("b.db"), ID, ["something else"]);
    }, "create");
    opened(path("a.db"), (db) => exportOne(db, ID, path("mine.tape")), "read");
    assert.equal(take(path("a.db"), path("mine.tape"))[0]!.outcome, "there");
    const before = opened(path("a.db"), counted);
    assert.throws(() => take(path("a.db"), path("b.db")), /has another run aaaaaaaaaaaa/);
    assert.deepEqual(opened(path("a.db"), counted), before);
    assert.deepEqual(opened(path("a.db"), (db) => listRuns(db).map(({ id }) => id)), [ID]);
  }));

test("a damaged run is neither imported nor are its chunks", () =>
  inFolder((path) => {
    crowd(path("a.db"), ["mine"]);
    alterTape(
      path("a.db"),
      (db) => db.exec("UPDATE blobs SET data = CAST(x'00' || substr(data, 2) AS BLOB) WHERE key = 30"),
    );
    assert.throws(() => take(path("b.db"), path("a.db")), /run aaaaaaaaaaaa is damaged/);
    assert.deepEqual(readdirSync(dirname(path("x"))).toSorted(), ["a.db"]);
  }));

test("a whole tree goes over with its forks of forks, and comes back in the same order", () =>
  inFolder((path) => {
    const store = path("a.db");
    opened(store, (db) => {
      const ids = ["root", "b1", "b2", "b21", "b211", "alone"].map((each) => each.padStart(12, "0"));
      for (const [i, id] of ids.entries()) {
        makeRun(db, store, id, conversation("tree", 4 + i), { created: NEW_YEAR + i });
      }
      const [root, b1, b2, b21, b211] = ids as [string, string, string, string, string];
      adopt(db, b1, root, 3);
      adopt(db, b2, root, 1);
      adopt(db, b21, b2, 2);
      adopt(db, b211, b21, 0);
      const tree = treeOf(db, runById(db, root)!);
      assert.deepEqual(tree.map(({ id }) => id), [root, b2, b1, b21, b211]);
      writeTape(path("tree.tape"), db, tree);
    }, "create");
    const said = (db: Database) =>
      listRuns(db).filter(({ id }) => !id.endsWith("alone")).map(({ key: _, ...run }) => run);
    take(path("b.db"), path("tree.tape"));
    opened(path("b.db"), assertIntact);
    assert.deepEqual(opened(path("b.db"), said), opened(store, said));
  }));

test("frozen tapes of older formats are imported as they are", () =>
  inFolder((path) => {
    for (const format of [1, 2]) {
      copyFileSync(new URL(`../fixtures/format-${format}.tape`, import.meta.url), path("old.tape"));
      const before = readFileSync(path("old.tape"));
      take(path("store.db"), path("old.tape"));
      assert.deepEqual(readFileSync(path("old.tape")), before);
    }
    opened(path("store.db"), (db) => {
      assert.equal(listRuns(db).length, 2);
      assertIntact(db);
    });
  }));

test("what is being recorded is not imported", () =>
  inFolder((path) => {
    opened(path("a.db"), (db) => {
      openRun(db, path("a.db"), ID).commit();
      assert.throws(() => take(path("b.db"), path("a.db")), /is being recorded/);
    }, "create");
  }));

test("a run that was cut off goes over as recovered, and names no process of the other machine", () =>
  inFolder((path) => {
    opened(path("a.db"), (db) => {
      const run = openRun(db, path("a.db"), ID);
      run.ask("a question", "an answer");
      run.commit();
      const gone = JSON.stringify({ host: "elsewhere", pid: 2 ** 22 + 1, start: "1" });
      db.prepare("UPDATE lanes SET mark = replace(?, 'elsewhere', json_extract(mark, '$.host'))").run(gone);
      db.prepare("UPDATE runs SET writer = NULL").run();
      assert.equal(runById(db, ID)!.state, "recovered");
      exportOne(db, ID, path("cut.tape"));
    }, "create");
    take(path("b.db"), path("cut.tape"));
    opened(path("b.db"), (db) => {
      assert.equal(runById(db, ID)!.state, "recovered");
      const { mark } = db.prepare("SELECT mark FROM lanes").get() as { mark: string };
      assert.deepEqual(JSON.parse(mark), { host: "", pid: 0 });
      assertIntact(db);
    });
    assert.equal(take(path("b.db"), path("cut.tape"))[0]!.outcome, "there");
  }));

test("a log that was left beside a file does not get into what replaces it", () =>
  inFolder((path) => {
    crowd(path("a.db"), ["mine"]);
    const tape = path("x.tape");
    const write = () =>
      opened(path("a.db"), (db) => {
        const runs = [runById(db, ID)!];
        writeWhole(
          tape,
          { runs, source: path("a.db"), force: true },
          (beside) => writeTape(beside, db, runs),
        );
      }, "read");
    /** A database with another content, and the log of a process that was killed while it wrote that. */
    const leave = () => {
      const db = opened(path("a.db"), (db) => db.prepare("PRAGMA page_size").get()) as { page_size: number };
      alterTape(path("other.db"), (other) => {
        other.exec(
          `PRAGMA page_size = ${db.page_size}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
          CREATE TABLE filler (x); INSERT INTO filler VALUES (zeroblob(100000))`,
        );
        copyFileSync(path("other.db-wal"), `${tape}-wal`);
      });
      rmSync(path("other.db"));
    };
    write();
    leave();
    assert.throws(
      () => opened(tape, assertIntact),
      "control: the file can't be read with that log beside it",
    );
    leave();
    write();
    opened(tape, assertIntact);
  }));

test("a file is written whole or not at all, and no other run's file is replaced", () =>
  inFolder((path) => {
    crowd(path("a.db"), ["mine", "other"]);
    opened(path("a.db"), (db) => {
      const runs = [runById(db, ID)!];
      const from = (force: boolean) => ({ runs, source: path("a.db"), force });
      assert.throws(() =>
        writeWhole(path("x.tape"), from(false), (beside) => {
          writeTape(beside, db, runs);
          throw new RangeError("the disk went away");
        }), /the disk went away/);
      assert.deepEqual(readdirSync(dirname(path("x"))).filter((name) => name.startsWith("x")), []);
      const write = (name: string, force: boolean) =>
        writeWhole(path(name), from(force), (beside) => writeTape(beside, db, runs));
      write("x.tape", false);
      assert.throws(() => write("x.tape", false), /the file is there/);
      write("x.tape", true);
      assert.throws(() => write("a.db", true), /the run is read from it/);
      copyFileSync(path("a.db"), path("copy.db"));
      assert.throws(() => write("copy.db", true), /it holds other runs/);
    });
  }));
