/**
 * A crowd on one store: eight recordings and four readers at once, while an old run is removed and what nobody needs is
 * asked to be collected. Every recording is complete and replays exact, and no reader sees anything but whole runs.
 */
import assert from "node:assert/strict";
import { agent, answer, assertExact, type Box, boxed } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { type Ran, told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { opened, unreferenced } from "../helpers/stores.ts";
import { rowsOf } from "../helpers/tape.ts";

const RECORDINGS = 8;
const NODE = runtimeNamed("node");
const GROWING = NODE.command(agent("growing.mjs"));

interface Listed {
  readonly runs: readonly { id: string; name: string | null; state: string; exchanges: number }[];
}

/** Starts recordings and resolves when all have ended. `during` goes on as long as they do, again and again. */
async function crowd(
  box: Box,
  env: Readonly<Record<string, string>>,
  during: readonly ((box: Box) => Promise<void>)[],
): Promise<Ran[]> {
  let left = RECORDINGS;
  const recordings = Array.from({ length: RECORDINGS }, async (_, i) => {
    const ran = await box.tracefork(["run", "--name", `r${i}`, "--", ...GROWING], {
      env: { ...env, STEPS: "6", LINES: "30" },
      limitMs: 180_000,
    });
    left--;
    return ran;
  });
  const others = during.map(async (act) => {
    do await act(box); while (left > 0);
  });
  const [ran] = await Promise.all([Promise.all(recordings), Promise.all(others)]);
  return ran;
}

/** Reads, and never fails nor sees half of something. */
const READERS: readonly ((box: Box) => Promise<void>)[] = [
  async (box) => {
    const ran = await box.tracefork(["ls", "--tree"]);
    assert.equal(ran.code, 0, told(ran));
  },
  async (box) => {
    const ran = await box.tracefork(["show", "kept", "--json"]);
    assert.equal(ran.code, 0, told(ran));
    assert.equal(answer<{ exchanges: unknown[] }>(ran).exchanges.length, 8, told(ran));
  },
  async (box) => {
    const ran = await box.tracefork(["verify", "--store", "--json"]);
    assert.equal(ran.code, 0, told(ran));
  },
  async (box) => {
    const ran = await box.tracefork(["show", "latest"]);
    assert.equal(ran.code, 0, told(ran));
  },
];

async function assertAllExact(box: Box, recorded: readonly Ran[]): Promise<void> {
  for (const ran of recorded) {
    assert.equal(ran.code, 0, told(ran));
    assert.doesNotMatch(ran.err, /TF_/, told(ran));
  }
  const { runs } = answer<Listed>(await box.tracefork(["ls", "--json"]));
  const own = runs.filter(({ name }) => /^r\d$/.test(name ?? ""));
  assert.equal(own.length, RECORDINGS);
  assert.deepEqual(
    new Set(own.map(({ state, exchanges }) => `${state} ${exchanges}`)),
    new Set(["complete 14"]),
  );
  const verified = await box.tracefork(["verify", "--store"]);
  assert.equal(verified.code, 0, told(verified));
  for (const { id } of own) assertExact(await box.replay(id));
}

boxed("eight recordings and four readers at once, while old runs are removed and pruned", async (box) => {
  await withModel(async ({ env }) => {
    for (const name of ["kept", "old0", "old1", "old2"]) {
      const options = { env: { ...env, STEPS: "3", LINES: "40" } };
      const ran = await box.tracefork(["run", "--name", name, "--", ...GROWING], options);
      assert.equal(ran.code, 0, told(ran));
    }
    const before = rowsOf(box.store, "SELECT max(key) AS blobs FROM blobs")[0]!.blobs as number;
    let removed = 0;
    const remover = async () => {
      if (removed === 3) return void await box.tracefork(["prune"]);
      const ran = await box.tracefork(["rm", `old${removed++}`, "--yes", "--json"]);
      assert.equal(ran.code, 0, told(ran));
    };
    const recorded = await crowd(box, env, [...READERS, remover]);
    while (removed < 3) await remover();
    await assertAllExact(box, recorded);
    const { runs } = answer<Listed>(await box.tracefork(["ls", "--json"]));
    assert.equal(runs.length, RECORDINGS + 1);
    assertExact(await box.replay("kept"));
    // Now that nobody records, what the removed runs left goes, and all that remains stays exact.
    const pruned = await box.tracefork(["prune", "--json"]);
    const { collected, recording } = answer<{ collected: unknown; recording: unknown }>(pruned);
    assert.equal(recording, null, told(pruned));
    assert.notEqual(collected, null);
    assert.deepEqual(opened(box.store, unreferenced), []);
    const after = rowsOf(box.store, "SELECT count(*) AS old FROM blobs WHERE key <= ?", before)[0]!
      .old as number;
    assert.ok(after > 0 && after < before / 2, `${after} of ${before}: of four old runs one is left`);
    await assertAllExact(box, recorded);
  }, { errorRate: 0 });
}, [NODE]);

boxed("eight recordings at once into a store that is not there yet", async (box) => {
  await withModel(async ({ env }) => {
    await assertAllExact(box, await crowd(box, env, []));
  }, { errorRate: 0 });
}, [NODE]);
