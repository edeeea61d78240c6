/** `export`: a run as a file of its own that proves and replays as before, and in other programs' formats. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { answer, assertExact, type Box, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { recordedStore } from "../helpers/recorded_store.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { digestOf } from "../helpers/seed.ts";
import { adopt, opened, unreferenced } from "../helpers/stores.ts";
import { alterTape, rowsOf } from "../helpers/tape.ts";
import { writeAgent } from "../helpers/serve.ts";

const STORE = await recordedStore("long", "other", "small");
const { long, other, small } = STORE.ids as Record<"long" | "other" | "small", string>;

function stored(
  name: string,
  body: (box: Box) => Promise<void>,
): void {
  boxed(name, async (box) => {
    STORE.into(box);
    await body(box);
  }, [runtimeNamed("node")]);
}

async function exported(box: Box, ...args: string[]): Promise<string> {
  const ran = await box.tracefork(["export", ...args]);
  assert.equal(ran.code, 0, told(ran));
  return ran.out;
}

const OF_RUN =
  "SELECT lane, seq, type, at, body, link FROM events WHERE run = (SELECT key FROM runs WHERE id = ?)";

stored(
  "an exported tape has the same events, links, fingerprint and seal, verifies and replays",
  async (box) => {
    const tape = box.path("bug.tape");
    const said = await exported(box, "long", "-o", tape);
    assert.match(said, new RegExp(`^exported ${long} to .*bug\\.tape, [\\d.]+ KB\n$`));
    assert.deepEqual(
      rowsOf(tape, `${OF_RUN} ORDER BY lane, seq`, long),
      rowsOf(box.store, `${OF_RUN} ORDER BY lane, seq`, long),
    );
    const sums = "SELECT id, name, state, about, fingerprint, seal FROM runs WHERE id = ?";
    assert.deepEqual(rowsOf(tape, sums, long), rowsOf(box.store, sums, long));
    assert.deepEqual(opened(tape, unreferenced), []);
    assert.deepEqual(rowsOf(tape, "SELECT count(*) AS runs FROM runs"), rowsOf(tape, "SELECT 1 AS runs"));
    const verified = await box.tracefork(["verify", tape]);
    assert.equal(verified.code, 0, told(verified));
    assertExact(await box.replay(tape));
    // Control: the same file with a body of the other run's text in place of its own is no such tape.
    alterTape(tape, (db) => db.exec("UPDATE blobs SET digest = zeroblob(32) WHERE key = 3"));
    assert.equal((await box.tracefork(["verify", tape])).code, 4);
  },
);

stored("a tape holds nothing of the store's other runs", async (box) => {
  await exported(box, "long", "-o", box.path("bug.tape"));
  const digests = (path: string) =>
    new Set(rowsOf(path, "SELECT hex(digest) AS digest FROM blobs").map(({ digest }) => digest));
  await exported(box, "other", "-o", box.path("other.tape"));
  const [mine, others] = [digests(box.path("bug.tape")), digests(box.path("other.tape"))];
  const both = [...mine].filter((digest) => others.has(digest));
  assert.ok(mine.size > 20 && others.size > 20);
  assert.ok(both.length < 5, `${both.length} shared`);
  assert.equal(
    digests(box.store).size,
    mine.size + others.size - both.length,
    "together they hold all there is",
  );
  const text = readFileSync(box.path("bug.tape"), "latin1");
  assert.equal(text.includes(other) || text.includes(small), false);
});

stored(
  "without -o the file is named by the run; one that is there is replaced only with --force",
  async (box) => {
    await exported(box, "small");
    assert.deepEqual(readdirSync(box.work), [`${small}.tape`]);
    const before = readFileSync(box.path("work", `${small}.tape`));
    const err = assertFails(await box.tracefork(["export", "small"]), 1, "TF_TAPE_EXISTS");
    assert.match(err, /--force/);
    await exported(box, "small", "--force");
    assert.deepEqual(
      readFileSync(box.path("work", `${small}.tape`)),
      before,
      "the same run makes the same file",
    );
    writeFileSync(box.path("notes.txt"), "kept");
    assertFails(await box.tracefork(["export", "small", "-o", box.path("notes.txt")]), 1, "TF_TAPE_EXISTS");
    assert.equal(readFileSync(box.path("notes.txt"), "utf8"), "kept");
    assertFails(await box.tracefork(["export", "small", "-o", box.store, "--force"]), 1, "TF_TAPE_EXISTS");
  },
);

stored("--with-branches takes the tree, and each branch replays from the file", async (box) => {
  opened(box.store, (db) => {
    adopt(db, other, long, 2);
    adopt(db, small, other, 0);
  });
  const alone = box.path("alone.tape");
  await exported(box, "long", "-o", alone);
  assert.equal(rowsOf(alone, "SELECT id FROM runs").length, 1);
  const tree = box.path("tree.tape");
  const json = JSON.parse(await exported(box, "long", "-o", tree, "--with-branches", "--json"));
  assert.equal(json.schema, "tracefork/export/1");
  assert.deepEqual(json.runs.map((each: Record<string, unknown>) => [each.id, each.parent, each.fork_step]), [
    [long, null, null],
    [other, long, 2],
    [small, other, 0],
  ]);
  const verified = await box.tracefork(["verify", "--store", tree]);
  assert.equal(verified.code, 0, told(verified));
  assert.equal((await box.replay(tree)).tape, long, "the file means its root");
  assertExact(await box.replay(tree));
  assertExact(await box.replay("small", ["--store", tree]));
});

stored("--format json says all that can be shown, --format har is HAR 1.2, both on stdout", async (box) => {
  const document = JSON.parse(await exported(box, "long", "--format", "json"));
  assert.equal(document.schema, "tracefork/tape/1");
  const [run] = document.runs;
  assert.equal(run.id, long);
  assert.equal(run.replayable, true);
  const shown = answer<{ exchanges: unknown[]; fingerprint: string }>(
    await box.tracefork(["show", "long", "--json"]),
  );
  assert.equal(run.fingerprint, shown.fingerprint);
  assert.equal(run.exchanges.length, shown.exchanges.length);
  assert.match(run.exchanges[0].request.body.data, /measured/);
  assert.match(run.output.stdout.data, /left/);
  const har = JSON.parse(await exported(box, "long", "--format", "har"));
  assert.equal(har.log.entries.length, shown.exchanges.length);
  assert.deepEqual(
    har.log.entries.map((each: { request: { postData: { text: string } } }) => each.request.postData.text),
    run.exchanges.map((each: { request: { body: { data: string } } }) => each.request.body.data),
  );
  assert.deepEqual(readdirSync(box.work), [], "no file was made");
});

stored("--format seed writes the Python original's layout, with its fingerprint", async (box) => {
  const json = JSON.parse(await exported(box, "long", "--format", "seed", "--json"));
  const file = box.path("work", `${long}.tape.sqlite`);
  assert.equal(json.file, file);
  assert.ok(json.left_out.includes("URL"));
  const har = JSON.parse(await exported(box, "long", "--format", "har"));
  const draws = rowsOf(file, "SELECT a, b FROM events WHERE kind = 'draw' ORDER BY seq").map(({ a, b }) =>
    [a, b] as [string, string]
  );
  const exchanges = har.log.entries.map((each: {
    request: { postData: { text: string } };
    response: { content: { text: string } };
  }) => [each.request.postData.text, each.response.content.text]);
  assert.ok(draws.length > 100);
  assert.equal(json.seed_fingerprint, digestOf({ draws, exchanges }));
  const back = answer<{ files: { runs: { seed_fingerprint: string }[] }[] }>(
    await box.tracefork(["import", file, "--json", "--store", box.path("back.db")]),
  );
  assert.equal(back.files[0]!.runs[0]!.seed_fingerprint, json.seed_fingerprint);
});

stored("bad calls are usage errors and write nothing", async (box) => {
  for (
    const args of [
      ["--format", "xml"],
      ["--format", "har", "--with-branches"],
      ["--format", "seed", "--with-branches"],
    ]
  ) assertFails(await box.tracefork(["export", "small", ...args]), 2, "TF_USAGE");
  const both = await box.tracefork(["export", "small", "--format", "json", "--json"]);
  assert.equal(both.code, 2, told(both));
  assert.equal(answer<{ error: { code: string } }>(both).error.code, "TF_USAGE");
  assertFails(await box.tracefork(["export", "nowhere"]), 4, "TF_TAPE_NOT_FOUND");
  assertFails(await box.tracefork(["export", "small", "-o", box.work]), 4, "TF_NOT_A_TAPE");
  assert.deepEqual(readdirSync(box.work), []);
});

stored("a damaged run is not exported", async (box) => {
  alterTape(box.store, (db) => db.prepare("UPDATE runs SET created = created + 1 WHERE id = ?").run(small));
  assertFails(await box.tracefork(["export", "small"]), 4, "TF_TAPE_DAMAGED");
  assert.deepEqual(readdirSync(box.work), []);
  await exported(box, "other");
});

stored("a run that is being recorded is not exported, and then it is", async (box) => {
  const script = writeAgent(box, "Math.random(); console.log('up'); for await (const _ of process.stdin);");
  const running = box.startCli(["run", "--name", "now", "--", ...runtimeNamed("node").command(script)], {
    open: true,
  });
  await running.until(/up/);
  assertFails(await box.tracefork(["export", "now"]), 1, "TF_TAPE_IN_USE");
  running.endInput();
  assert.equal((await running.done).code, 0);
  const tape = box.path("now.tape");
  await exported(box, "now", "-o", tape);
  assertExact(await box.replay(tape));
  assert.equal(existsSync(tape), true);
});
