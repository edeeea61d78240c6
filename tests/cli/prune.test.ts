/** `prune`: old runs go by a rule, shared rows that nobody needs go always, and nothing else. */
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { answer, assertExact, type Box, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { recordedStore } from "../helpers/recorded_store.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { writeAgent } from "../helpers/serve.ts";
import { conversation, makeRun, opened, unreferenced } from "../helpers/stores.ts";
import { rowsOf } from "../helpers/tape.ts";

const STORE = await recordedStore("long", "small");
const { long, small } = STORE.ids as Record<"long" | "small", string>;
const DAY = 86_400e6;

interface PruneAnswer {
  readonly removed: readonly string[];
  readonly freed_bytes: number;
  readonly collected: { blobs: number; lists: number; bodies: number } | null;
  readonly recording: string | null;
}

/** The recorded runs of now, and three of 10, 40 and 400 days ago. */
function aged(name: string, body: (box: Box) => Promise<void>): void {
  boxed(name, async (box) => {
    STORE.into(box);
    opened(box.store, (db) => {
      for (const days of [400, 10, 40]) {
        const created = Math.floor(Date.now() * 1000 - days * DAY);
        makeRun(db, box.store, `${days}`.padStart(12, "0"), conversation(`${days}`, 8), { created });
      }
    });
    await body(box);
  }, [runtimeNamed("node")]);
}

async function prune(box: Box, ...args: string[]): Promise<PruneAnswer> {
  const ran = await box.tracefork(["prune", "--json", ...args]);
  assert.equal(ran.code, 0, told(ran));
  return answer(ran);
}

async function assertRest(box: Box, ...ids: string[]): Promise<void> {
  const { runs } = answer<{ runs: { id: string }[] }>(await box.tracefork(["ls", "--json"]));
  assert.deepEqual(runs.map(({ id }) => id), ids);
  assert.deepEqual(opened(box.store, unreferenced), []);
  const verified = await box.tracefork(["verify", "--store"]);
  assert.equal(verified.code, 0, told(verified));
}

const AGO = (days: number) => `${days}`.padStart(12, "0");

aged("--older-than takes what is older, and what remains verifies and replays exact", async (box) => {
  const { removed, freed_bytes } = await prune(box, "--older-than", "30d", "--yes");
  assert.deepEqual(removed.toSorted(), [AGO(40), AGO(400)]);
  assert.ok(freed_bytes > 10_000);
  await assertRest(box, small, long, AGO(10));
  assertExact(await box.replay("long"));
  assertExact(await box.replay("small"));
});

aged("--keep takes all but the newest", async (box) => {
  assert.deepEqual((await prune(box, "--keep", "5", "--yes")).removed, []);
  assert.deepEqual((await prune(box, "--keep", "3", "--yes")).removed.toSorted(), [AGO(40), AGO(400)]);
  await assertRest(box, small, long, AGO(10));
});

aged("--max-size takes the oldest until the file is small enough", async (box) => {
  await prune(box);
  const limit = statSync(box.store).size - 5_000;
  const planned = await prune(box, "--max-size", `${limit}`, "--dry-run");
  assert.deepEqual(planned.removed, [AGO(400)]);
  assert.deepEqual(await prune(box, "--max-size", `${limit}`, "--yes"), { ...planned, dry_run: false });
  assert.ok(statSync(box.store).size <= limit);
  await assertRest(box, small, long, AGO(10), AGO(40));
  const err = assertFails(await box.tracefork(["prune", "--max-size", "1KB", "--yes"]), 2, "TF_USAGE");
  assert.match(err, /Cannot make the store as small/);
  await assertRest(box, small, long, AGO(10), AGO(40));
});

aged("without a rule no run goes, and it need not be agreed to", async (box) => {
  opened(
    box.store,
    (db) =>
      db.exec("INSERT INTO blobs (digest, size, zstd, data) VALUES (randomblob(32), 5, 0, x'0102030405')"),
  );
  assert.equal(opened(box.store, unreferenced).length, 1, "control: there is something to collect");
  const ran = await box.tracefork(["prune"]);
  assert.equal(ran.code, 0, told(ran));
  assert.match(ran.out, /^removed 0 runs and 1 shared row, freed/);
  await assertRest(box, small, long, AGO(10), AGO(40), AGO(400));
});

aged("without a terminal it wants --yes, and --dry-run removes nothing", async (box) => {
  assertFails(await box.tracefork(["prune", "--keep", "1"]), 2, "TF_USAGE");
  assert.equal((await prune(box, "--keep", "1", "--dry-run")).removed.length, 4);
  await assertRest(box, small, long, AGO(10), AGO(40), AGO(400));
});

aged("while something is recorded nothing shared is collected, and afterwards it is", async (box) => {
  const script = writeAgent(box, "Math.random(); console.log('up'); for await (const _ of process.stdin);");
  const running = box.startCli(["run", "--name", "now", "--", ...runtimeNamed("node").command(script)], {
    open: true,
  });
  await running.until(/up/);
  const before = rowsOf(box.store, "SELECT count(*) AS blobs FROM blobs");
  const first = await prune(box, "--keep", "1", "--yes");
  assert.equal(first.collected, null);
  assert.match(first.recording!, /^[0-9a-f]{12}$/);
  assert.deepEqual(
    first.removed.toSorted(),
    [AGO(10), AGO(40), AGO(400), long].toSorted(),
    "the recorded one stays",
  );
  assert.deepEqual(rowsOf(box.store, "SELECT count(*) AS blobs FROM blobs"), before);
  assertFails(await box.tracefork(["prune", "--max-size", "1MB", "--yes"]), 1, "TF_TAPE_IN_USE");
  assertFails(await box.tracefork(["rm", "now", "--yes"]), 1, "TF_TAPE_IN_USE");
  running.endInput();
  assert.equal((await running.done).code, 0);
  const second = await prune(box);
  assert.equal(second.recording, null);
  assert.ok(second.collected!.blobs > 20, JSON.stringify(second));
  const { runs } = answer<{ runs: { id: string }[] }>(await box.tracefork(["ls", "--json"]));
  await assertRest(box, runs[0]!.id, small);
  assertExact(await box.replay("now"));
});

boxed("bad rules are usage errors, and no store is made", async (box) => {
  for (
    const args of [
      ["--older-than", "soon"],
      ["--keep", "-1"],
      ["--keep", "some"],
      ["--max-size", "big"],
      ["--keep", "1", "--older-than", "1d"],
    ]
  ) assertFails(await box.tracefork(["prune", ...args, "--yes"]), 2, "TF_USAGE");
  assertFails(await box.tracefork(["prune"]), 4, "TF_TAPE_NOT_FOUND");
  assert.equal(existsSync(box.store), false);
});
