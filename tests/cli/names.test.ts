/** How a tape is named: `latest`, `latest~1`, an id's beginning, a name, a file's path. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { agent, answer, assertExact, type Box, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { alterTape } from "../helpers/tape.ts";

const draws = (count: number) => runtimeNamed("deno").command(agent("draws.mjs"), String(count));

/** Records runs of one, two, … draws under these names; returns their ids. */
async function recordAll(box: Box, names: readonly (string | undefined)[]): Promise<string[]> {
  for (const [i, name] of names.entries()) {
    const ran = await box.tracefork([
      "run",
      ...(name === undefined ? [] : ["--name", name]),
      "--",
      ...draws(i + 1),
    ]);
    assert.equal(ran.code, 0, told(ran));
  }
  const { runs } = answer<{ runs: { id: string }[] }>(await box.tracefork(["ls", "--json"]));
  return runs.map(({ id }) => id).reverse();
}

async function drawsOf(box: Box, name: string): Promise<number> {
  const replayed = await box.replay(name);
  assertExact(replayed);
  return replayed.draws.recorded;
}

boxed("latest, latest~1, a name, an id and its beginning all find their run", async (box) => {
  const ids = await recordAll(box, ["first", "second", undefined]);
  const [one, two, three] = [
    await drawsOf(box, ids[0]!),
    await drawsOf(box, ids[1]!),
    await drawsOf(box, ids[2]!),
  ];
  assert.equal(new Set([one, two, three]).size, 3, "each run can be told by its draws");
  assert.equal(await drawsOf(box, "latest"), three);
  assert.equal(await drawsOf(box, "latest~0"), three);
  assert.equal(await drawsOf(box, "latest~1"), two);
  assert.equal(await drawsOf(box, "latest~2"), one);
  assert.equal(await drawsOf(box, "second"), two);
  assert.equal(await drawsOf(box, ids[0]!.slice(0, 11)), one);
  const left = await box.tracefork(["replay", "--json"]);
  assert.equal(answer<{ tape: string }>(left).tape, ids[2], "left out, it is latest");
  assertFails(await box.tracefork(["replay", "latest~3"]), 4, "TF_TAPE_NOT_FOUND");
});

boxed("an ambiguous beginning lists the candidates, with their names", async (box) => {
  const ids = await recordAll(box, ["first", "second"]);
  alterTape(box.store, (db) => {
    ids.forEach((id, i) => db.prepare("UPDATE runs SET id = ? WHERE id = ?").run(`abc${i}00000000`, id));
  });
  const ran = await box.tracefork(["show", "abc"]);
  assert.notEqual(ran.code, 0, told(ran));
  const err = assertFails(ran, ran.code!, "TF_TAPE_AMBIGUOUS");
  assert.match(err, /abc000000000 +first/);
  assert.match(err, /abc100000000 +second/);
  assert.match(err, /type more of the id/);
  const json = answer<{ error: { code: string } }>(await box.tracefork(["show", "abc", "--json"]));
  assert.equal(json.error.code, "TF_TAPE_AMBIGUOUS");
  const found = await box.tracefork(["show", "abc1", "--json"]);
  assert.equal(found.code, 0, told(found));
});

boxed("of two runs with one name the newer is meant", async (box) => {
  const ids = await recordAll(box, ["nightly", "nightly"]);
  const ran = await box.tracefork(["replay", "nightly", "--json"]);
  assert.equal(answer<{ tape: string }>(ran).tape, ids[1]);
});

boxed("a tape file is found by its path, relative or absolute, whatever its ending", async (box) => {
  const command = ["run", "-o", "plain-name", "--", ...draws(2)];
  const ran = await box.tracefork(command);
  assert.equal(ran.code, 0, told(ran));
  for (const name of ["plain-name", "./plain-name", box.path("work", "plain-name")]) {
    assertExact(await box.replay(name));
  }
});

boxed("a name that is nowhere makes no file and says how to list what is there", async (box) => {
  await recordAll(box, ["first"]);
  const before = readdirSync(box.dir);
  for (const verb of ["replay", "verify", "show"]) {
    for (const name of ["nowhere", "./nowhere.tape", "sub/nowhere.db", "latest~7"]) {
      const err = assertFails(await box.tracefork([verb, name]), 4, "TF_TAPE_NOT_FOUND");
      assert.match(err, /tracefork ls/);
    }
  }
  assert.deepEqual(readdirSync(box.dir), before);
  assert.deepEqual(readdirSync(box.work), []);
});

boxed(
  "several tapes are verified in one call, and one that is missing does not hide the others",
  async (box) => {
    await recordAll(box, ["first", "second"]);
    const both = await box.tracefork(["verify", "first", "second"]);
    assert.equal(both.code, 0, told(both));
    const mixed = await box.tracefork(["verify", "first", "nowhere", "second"]);
    assert.equal(mixed.code, 4, told(mixed));
    assert.equal(mixed.out.match(/^ +intact /gm)?.length, 2, told(mixed));
    assert.match(mixed.out, /UNREADABLE +nowhere .*TF_TAPE_NOT_FOUND/);
    const store = await box.tracefork(["verify", "--store", "--json"]);
    assert.equal(answer<{ tapes: unknown[] }>(store).tapes.length, 2);
  },
);

boxed("replays and looks leave a tape as it was, to the byte", async (box) => {
  const tape = await box.record("kept.tape", draws(2));
  const before = readFileSync(tape);
  for (const args of [["replay", tape], ["verify", tape], ["show", tape]]) {
    const ran = await box.tracefork(args);
    assert.equal(ran.code, 0, told(ran));
  }
  assert.deepEqual(readFileSync(tape), before);
});
