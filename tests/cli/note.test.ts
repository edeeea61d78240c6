/** `note`: what is said about a run is found again, and changes nothing of what was recorded. */
import assert from "node:assert/strict";
import { answer, assertExact, type Box, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { recordedStore } from "../helpers/recorded_store.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { alterTape, rowsOf } from "../helpers/tape.ts";

const STORE = await recordedStore("first", "second");
const { first, second } = STORE.ids as Record<"first" | "second", string>;

function stored(name: string, body: (box: Box) => Promise<void>): void {
  boxed(name, async (box) => {
    STORE.into(box);
    await body(box);
  }, [runtimeNamed("node")]);
}

async function note(box: Box, ...args: string[]): Promise<string> {
  const ran = await box.tracefork(["note", ...args]);
  assert.equal(ran.code, 0, told(ran));
  return ran.out;
}

stored("a note is set, read, shown and taken away", async (box) => {
  assert.equal(await note(box, "first"), "", "there is none at first");
  assert.equal(await note(box, "first", "asks twice: \u001b[31mred\nand so on"), "");
  assert.equal(
    await note(box, "first"),
    "asks twice: \\u001b[31mred\nand so on\n",
    "control characters are shown",
  );
  const shown = await box.tracefork(["show", "first"]);
  assert.match(shown.out, /^ {2}note +asks twice: /m);
  const { runs } = answer<{ runs: { note: string | null }[] }>(await box.tracefork(["ls", "--json"]));
  assert.deepEqual(runs.map((run) => run.note), [null, "asks twice: \u001b[31mred\nand so on"]);
  const json = answer(await box.tracefork(["note", "first", "short", "--json"]));
  assert.deepEqual(json, { schema: "tracefork/note/1", tape: first, name: "first", note: "short" });
  await note(box, "first", "");
  assert.equal(await note(box, "first"), "");
});

stored("a run is renamed, and found by its new name", async (box) => {
  await note(box, "latest", "--name", "double booking");
  const shown = answer<{ tape: string }>(await box.tracefork(["show", "double booking", "--json"]));
  assert.equal(shown.tape, second);
  assertFails(await box.tracefork(["show", "second"]), 4, "TF_TAPE_NOT_FOUND");
  await note(box, second, "--name", "");
  const [run] = rowsOf(box.store, "SELECT name, note FROM runs WHERE id = ?", second);
  assert.deepEqual({ ...run }, { name: null, note: null });
});

stored("note and name leave fingerprint, seal and replay as they are", async (box) => {
  const sums = () => rowsOf(box.store, "SELECT fingerprint, seal FROM runs ORDER BY id");
  const before = sums();
  await note(box, "first", "a note", "--name", "renamed");
  assert.deepEqual(sums(), before);
  assert.equal((await box.tracefork(["verify", "--store"])).code, 0);
  assertExact(await box.replay("renamed"));
  alterTape(box.store, (db) => db.exec("UPDATE runs SET about = replace(about, 'linux', 'plan9')"));
  assert.equal((await box.tracefork(["verify", "--store"])).code, 4, "control: the seal covers the rest");
});

stored("a tape file takes a note too, and it goes along when it is exported and imported", async (box) => {
  const tape = box.path("x.tape");
  assert.equal((await box.tracefork(["export", "first", "-o", tape])).code, 0);
  await note(box, tape, "for you");
  const store = ["--store", box.path("other.db")];
  assert.equal((await box.tracefork(["import", tape, ...store])).code, 0);
  assert.equal(await note(box, "first", ...store), "for you\n");
});

stored("names that mean something else are refused", async (box) => {
  for (const name of ["latest", "latest~2", "a/b", "x.tape", "run:3"]) {
    assertFails(await box.tracefork(["note", "first", "--name", name]), 2, "TF_USAGE");
  }
  assertFails(await box.tracefork(["note", "nowhere", "text"]), 4, "TF_TAPE_NOT_FOUND");
  assertFails(await box.tracefork(["note", "first", "text", "more"]), 2, "TF_USAGE");
});
