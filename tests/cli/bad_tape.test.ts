/** Files that are no tapes, damaged ones, and ones from the future: refused by name, and left as they are. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { agent, assertExact, type Box, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { alterTape } from "../helpers/tape.ts";
import { FORMAT } from "../../core/tape/format.ts";

const DRAWS = runtimeNamed("deno").command(agent("draws.mjs"), "2");
const VERBS = ["replay", "verify", "show"];

/** Every verb that reads a tape refuses `path` with this code, and changes nothing about it or around it. */
async function assertRefused(box: Box, path: string, code: string): Promise<string> {
  const before = readFileSync(path);
  const around = readdirSync(box.dir);
  let err = "";
  for (const verb of VERBS) err = assertFails(await box.tracefork([verb, path]), 4, code);
  assertFails(await box.tracefork(["ls", "--store", path]), 4, code);
  assertFails(await box.tracefork(["run", "--store", path, "--", ...DRAWS]), 4, code);
  assert.deepEqual(readdirSync(box.dir), around);
  assert.deepEqual(readFileSync(path), before);
  assert.ok(err.includes(path), err);
  return err;
}

boxed("a text file is no tape", async (box) => {
  const path = box.path("notes.tape");
  writeFileSync(path, "just some text\n".repeat(500));
  await assertRefused(box, path, "TF_NOT_A_TAPE");
});

boxed("a text file shorter than a header is no tape", async (box) => {
  const path = box.path("short.tape");
  writeFileSync(path, "hi");
  await assertRefused(box, path, "TF_NOT_A_TAPE");
});

boxed("another program's SQLite file is no tape", async (box) => {
  const path = box.path("contacts.db");
  alterTape(path, (db) => db.exec("CREATE TABLE people (name TEXT); INSERT INTO people VALUES ('Ada')"));
  await assertRefused(box, path, "TF_NOT_A_TAPE");
});

boxed("an empty file is no tape, and stays empty", async (box) => {
  const path = box.path("empty.tape");
  writeFileSync(path, "");
  for (const verb of VERBS) assertFails(await box.tracefork([verb, path]), 4, "TF_NOT_A_TAPE");
  assert.equal(readFileSync(path).length, 0);
});

boxed("a folder is no tape", async (box) => {
  const path = box.path("folder");
  mkdirSync(path);
  writeFileSync(box.path("folder", "kept"), "kept");
  for (const verb of VERBS) assertFails(await box.tracefork([verb, `${path}/`]), 4, "TF_NOT_A_TAPE");
  assertFails(await box.tracefork(["ls", "--store", path]), 4, "TF_NOT_A_TAPE");
  assertFails(await box.tracefork(["run", "-o", path, "--", ...DRAWS]), 4, "TF_NOT_A_TAPE");
  assertFails(await box.tracefork(["run", "--force", "-o", path, "--", ...DRAWS]), 4, "TF_NOT_A_TAPE");
  assert.deepEqual(readdirSync(path), ["kept"]);
});

boxed("a tape from format 99 is refused by name and versions, and left to the byte", async (box) => {
  const path = await box.record("future.tape", DRAWS);
  assertExact(await box.replay(path));
  alterTape(
    path,
    (db) => db.exec("PRAGMA user_version = 99; UPDATE meta SET value = '99' WHERE key = 'min_reader'"),
  );
  const err = await assertRefused(box, path, "TF_TAPE_TOO_NEW");
  assert.match(err, new RegExp(`tape format 99, this tracefork knows formats up to ${FORMAT} `));
  assert.match(err, /newer tracefork/);
});

boxed("a tape from format 99 that says nothing of who may read it is refused too", async (box) => {
  const path = await box.record("future.tape", DRAWS);
  alterTape(path, (db) => db.exec("PRAGMA user_version = 99; DELETE FROM meta"));
  await assertRefused(box, path, "TF_TAPE_TOO_NEW");
});

boxed("a tape from format 99 with other tables is refused too", async (box) => {
  const path = await box.record("future.tape", DRAWS);
  alterTape(path, (db) => db.exec("PRAGMA user_version = 99; DROP TABLE meta; CREATE TABLE other (x)"));
  await assertRefused(box, path, "TF_TAPE_TOO_NEW");
});

boxed("a newer tape that says that this reader may read it is read, and never written", async (box) => {
  const path = await box.record("newer.tape", DRAWS);
  alterTape(
    path,
    (db) => db.exec(`PRAGMA user_version = ${FORMAT + 1}; ALTER TABLE runs ADD COLUMN later TEXT`),
  );
  const before = readFileSync(path);
  assertExact(await box.replay(path));
  assertFails(await box.tracefork(["run", "--store", path, "--", ...DRAWS]), 4, "TF_TAPE_TOO_NEW");
  assert.deepEqual(readFileSync(path), before);
});

boxed("a tape that was cut off in copying is damaged", async (box) => {
  const path = await box.record("cut.tape", DRAWS);
  truncateSync(path, readFileSync(path).length / 2);
  for (const verb of VERBS) assertFails(await box.tracefork([verb, path]), 4, "TF_TAPE_DAMAGED");
});

boxed("a tape with a page of noise is damaged", async (box) => {
  const path = await box.record("noise.tape", DRAWS);
  const bytes = readFileSync(path);
  // Past the header: the file still opens.
  bytes.fill(0xa5, 4096);
  writeFileSync(path, bytes);
  for (const verb of VERBS) assertFails(await box.tracefork([verb, path]), 4, "TF_TAPE_DAMAGED");
});

boxed("a tape with something that is no JSON in what it says of itself is damaged", async (box) => {
  const path = await box.record("about.tape", DRAWS);
  alterTape(path, (db) => db.exec("UPDATE runs SET about = '{'"));
  for (const verb of VERBS) assertFails(await box.tracefork([verb, path]), 4, "TF_TAPE_DAMAGED");
});

boxed("a tape with a table missing is damaged", async (box) => {
  const path = await box.record("table.tape", DRAWS);
  alterTape(path, (db) => db.exec("DROP TABLE blobs"));
  for (const verb of VERBS) assertFails(await box.tracefork([verb, path]), 4, "TF_TAPE_DAMAGED");
});

boxed("a tape that holds no run says so", async (box) => {
  const path = await box.record("none.tape", DRAWS);
  alterTape(path, (db) => {
    for (const table of ["events", "output", "environment", "lanes", "runs"]) db.exec(`DELETE FROM ${table}`);
  });
  for (const verb of VERBS) assertFails(await box.tracefork([verb, path]), 4, "TF_TAPE_NOT_FOUND");
});

boxed("events that are no events are named by verify, not thrown", async (box) => {
  const path = await box.record("garbage.tape", DRAWS);
  alterTape(path, (db) => db.exec("UPDATE events SET body = x'ff00ff' WHERE seq = 0"));
  const ran = await box.tracefork(["verify", path]);
  assert.equal(ran.code, 4);
  assert.match(ran.out, /lane 0 event 0: /);
  assertFails(await box.tracefork(["show", path]), 4, "TF_TAPE_DAMAGED");
});
