/**
 * W10: in the original no command put a tape into the store, and fork wanted an id from there. Here `run` puts it there,
 * says its id, and `fork` takes it; so it does a tape's file.
 */
import assert from "node:assert/strict";
import { agent, answer, assertExact, boxed } from "../helpers/box.ts";
import { assertForked, fork } from "../helpers/fork.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";

boxed("W10: from `run` to `fork` to `replay` with nothing but what the commands say", async (box) => {
  await withModel(async ({ env }) => {
    const command = runtimeNamed("bun").command(agent("asks.mjs"));
    const ran = await box.tracefork(["run", "--", ...command], { env });
    const id = /recorded ([0-9a-f]{12})/.exec(ran.err)?.[1];
    assert.ok(id, told(ran));
    const branch = assertForked(await fork(box, [`${id}:0`, "--text", "otherwise", "--json"], env));
    assertExact(await box.replay(branch));
    const { runs } = answer<{ runs: { id: string; parent: string | null; fork_step: number | null }[] }>(
      await box.tracefork(["ls", "--json"]),
    );
    assert.deepEqual(runs.map(({ id, parent, fork_step }) => [id, parent, fork_step]), [[branch, id, 0], [
      id,
      null,
      null,
    ]]);
  }, { errorRate: 0 });
});
