/** Forks of runs with several processes, and of Deno agents with narrow permissions. */
import assert from "node:assert/strict";
import { agent, assertExact, boxed } from "../helpers/box.ts";
import { assertForked, fork, sharedPrefix } from "../helpers/fork.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { DENO, runtimeNamed } from "../helpers/runtimes.ts";
import { rowsOf } from "../helpers/tape.ts";

const [deno, bun, node] = [runtimeNamed("deno"), runtimeNamed("bun"), runtimeNamed("node")];
const line = (command: readonly string[]) => command.map((word) => `'${word}'`).join(" ");

boxed("a run of three processes, one after the other, is forked in each of them", async (box) => {
  await withModel(async ({ env }) => {
    const commands = [node, bun, deno].map((runtime) => line(runtime.command(agent("asks.mjs"))));
    const ran = await box.tracefork(["run", "--name", "r", "--", "sh", "-c", commands.join(" && ")], { env });
    assert.equal(ran.code, 0, told(ran));
    const parent = rowsOf(box.store, "SELECT id FROM runs")[0]!.id as string;
    for (const step of [1, 4, 7]) {
      const forked = await fork(box, [`r:${step}`, "--text", `changed ${step}`, "--json"], env);
      const branch = assertForked(forked);
      assert.ok(forked.ran.err.includes(`changed ${step} (end_turn)`), told(forked.ran));
      // The last request of this process is new; the processes behind ask what is on the tape.
      assert.equal(forked.live.length, 1, told(forked.ran));
      const lanes = [0, 1, 2].map((lane) => sharedPrefix([box.store, parent], [box.store, branch], lane));
      assert.equal(lanes.filter((shared) => shared > 0).length, Math.floor(step / 3) + 1, `${lanes}`);
      const replayed = await box.replay(branch);
      assertExact(replayed);
      assert.equal(replayed.exchanges.recorded, 9);
    }
  }, { errorRate: 0 });
}, [deno, bun, node]);

boxed("a Deno agent with the network alone is forked with just these permissions", async (box) => {
  await withModel(async ({ url }) => {
    const command = [
      DENO,
      "run",
      "--no-prompt",
      `--allow-net=${new URL(url).host}`,
      agent("narrow.mjs"),
      url,
      "none",
    ];
    const ran = await box.tracefork(["run", "--name", "n", "--", ...command]);
    assert.equal(ran.code, 0, told(ran));
    const forked = await fork(box, ["n:1", "--text", "forked", "--json"]);
    const branch = assertForked(forked);
    assert.match(forked.ran.err, /^read: NotCapable\n[^]*^200 forked$/m);
    assertExact(await box.replay(branch));
  }, { errorRate: 0 });
});

boxed("what a process is told that it is called is on the branch what it was on the parent", async (box) => {
  await withModel(async ({ env }) => {
    await box.tracefork(["run", "--name", "r", "--", ...deno.command(agent("asks.mjs"))], { env });
    const branch = assertForked(await fork(box, ["r:1", "--json"], env));
    const pids = rowsOf(box.store, "SELECT DISTINCT pid FROM lanes");
    assert.equal(pids.length, 1);
    assertExact(await box.replay(branch));
  }, { errorRate: 0 });
});
