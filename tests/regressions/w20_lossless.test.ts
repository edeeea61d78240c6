/**
 * W20 of the Python original: the bundle that is called lossless drops digests of branches and parents, steps, and forks
 * of forks. Here every column of every table goes over, except for what names a process of the other machine and the
 * numbers of rows; forks of forks come with the tree.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { treeOf, writeTape } from "../../core/engine/export_run.ts";
import { importRuns } from "../../core/engine/import_runs.ts";
import { runById, setNote } from "../../core/store/runs.ts";
import {
  adopt,
  assertIntact,
  conversation,
  core,
  inFolder,
  makeRun,
  NEW_YEAR,
  opened,
  reseal,
} from "../helpers/stores.ts";
import { alterTape, rowsOf } from "../helpers/tape.ts";

/** Not the run's, but a place in this file or a process of this machine. */
const LOCAL: Readonly<Record<string, readonly string[]>> = {
  runs: ["key", "writer"],
  lanes: ["run", "mark"],
  events: ["run"],
  environment: ["run"],
  output: ["run"],
  blobs: ["key"],
  lists: ["key", "data"],
  bodies: ["key", "data"],
  handover: ["run"],
  meta: [],
};

/** Every value of every table, as lines; of a run's own tables with its id in place of its number. */
function everything(path: string): string[] {
  const tables = rowsOf(path, "SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) =>
    name as string
  );
  assert.deepEqual(
    tables.filter((name) => LOCAL[name] === undefined),
    [],
    "a table that this test does not know",
  );
  const id = new Map(rowsOf(path, "SELECT key, id FROM runs").map(({ key, id }) => [key, id]));
  return tables.flatMap((table) =>
    rowsOf(path, `SELECT * FROM ${table}`).map((row) => {
      const values = Object.entries(row).filter(([name]) => !LOCAL[table]!.includes(name)).map((
        [name, value],
      ) => `${name}=${value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value}`);
      return [table, id.get(row.run as number) ?? "", ...values].join(" ");
    })
  ).toSorted();
}

const [ROOT, BRANCH, FORK_OF_FORK] = ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"] as const;

function family(path: string): void {
  opened(path, (db) => {
    const common = conversation("family", 30);
    makeRun(db, path, ROOT, common, { created: NEW_YEAR, name: "root" });
    makeRun(db, path, BRANCH, [...common.slice(0, 9), "changed"], { created: NEW_YEAR + 1 });
    makeRun(db, path, FORK_OF_FORK, [...common.slice(0, 9), "changed again"], { created: NEW_YEAR + 2 });
    adopt(db, BRANCH, ROOT, 9);
    adopt(db, FORK_OF_FORK, BRANCH, 9);
    setNote(db, FORK_OF_FORK, { name: "third", note: "what came of the second thought" });
    db.exec("INSERT INTO output SELECT key, 1, 0, 5, x'00ff' FROM runs");
    db.exec("INSERT INTO environment SELECT key, 'SET', 'x', 0 FROM runs");
    db.exec("INSERT INTO environment SELECT key, 'TOKEN', NULL, 1 FROM runs");
    for (const id of [ROOT, BRANCH, FORK_OF_FORK]) reseal(db, id);
  }, "create");
}

test("an exported tree holds every value of every table, and the store that imports it too", () =>
  inFolder((path) => {
    const tree = (from: string, to: string) =>
      opened(path(from), (db) => writeTape(path(to), db, treeOf(db, runById(db, ROOT)!)), "read");
    family(path("a.db"));
    opened(path("a.db"), assertIntact);
    // The first copy compresses what a recorder would have compressed at its end.
    tree("a.db", "first.tape");
    const first = everything(path("first.tape"));
    const plain = (lines: string[]) => lines.filter((line) => !line.startsWith("blobs "));
    assert.deepEqual(plain(first), plain(everything(path("a.db"))));
    importRuns({ path: path("first.tape"), store: path("b.db"), redact: "" }, core);
    tree("b.db", "second.tape");
    assert.deepEqual(everything(path("b.db")), first);
    assert.deepEqual(everything(path("second.tape")), first);
    opened(path("second.tape"), assertIntact);
    for (
      const wanted of [
        `parent=${BRANCH} fork_step=9 note=what came of the second thought`,
        "data=00ff",
        "name=TOKEN",
      ]
    ) {
      assert.ok(first.some((line) => line.includes(wanted)), wanted);
    }
  }));

test("control: one value that is lost is noticed", () =>
  inFolder((path) => {
    family(path("a.db"));
    opened(path("a.db"), (db) => writeTape(path("a.tape"), db, treeOf(db, runById(db, ROOT)!)), "read");
    const before = everything(path("a.tape"));
    for (
      const sql of [
        "UPDATE runs SET fork_step = NULL WHERE id = 'cccccccccccc'",
        "UPDATE environment SET secret = 0",
        "DELETE FROM output",
      ]
    ) {
      alterTape(path("a.tape"), (db) => db.exec(sql));
      assert.notDeepEqual(everything(path("a.tape")), before, sql);
    }
  }));
