/** Runs form a tree: a branch is a run, can be forked again, shares what it has in common, and says where it is from. */
import assert from "node:assert/strict";
import { readExchanges } from "../../core/analyse/exchanges.ts";
import { findRun } from "../../core/store/find.ts";
import { tapeSource } from "../../core/store/tape_reader.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { agent, assertExact, type Box, boxed, onEachRuntime } from "../helpers/box.ts";
import { assertForked, fork, headSeq, sharedPrefix } from "../helpers/fork.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { rowsOf } from "../helpers/tape.ts";

const QUIET = { errorRate: 0 };

onEachRuntime(
  "a fork of a fork of a fork replays, and shares each parent's chain up to its step",
  async (box, runtime) => {
    await withModel(async ({ env }) => {
      const ran = await box.tracefork([
        "run",
        "--name",
        "root",
        "--",
        ...runtime.command(agent("four.mjs"), "4"),
      ], { env });
      assert.equal(ran.code, 0, told(ran));
      const [root] = rowsOf(box.store, "SELECT id FROM runs");
      let parent = root!.id as string;
      for (const step of [3, 7, 10]) {
        // Another status, so that the very first event behind the fork is another one.
        const forked = await fork(box, [
          `${parent}:${step}`,
          "--status",
          "200",
          "--header",
          "x-forked=1",
          "--json",
        ], env);
        const branch = assertForked(forked);
        const [row] = rowsOf(box.store, "SELECT parent, fork_step FROM runs WHERE id = ?", branch);
        assert.deepEqual({ ...row }, { parent, fork_step: step });
        assert.equal(
          sharedPrefix([box.store, parent], [box.store, branch]),
          headSeq(box.store, parent, step),
        );
        assertExact(await box.replay(branch));
        parent = branch;
      }
      const verified = await box.tracefork(["verify", "--store"]);
      assert.equal(verified.code, 0, told(verified));
    }, QUIET);
  },
);

boxed("control: two recordings of the same agent share less than a branch and its parent", async (box) => {
  await withModel(async ({ env }) => {
    const command = runtimeNamed("node").command(agent("four.mjs"), "4");
    for (const name of ["a", "b"]) await box.tracefork(["run", "--name", name, "--", ...command], { env });
    const [a, b] = rowsOf(box.store, "SELECT id FROM runs ORDER BY name").map(({ id }) => id as string);
    assert.ok(sharedPrefix([box.store, a!], [box.store, b!]) < headSeq(box.store, a!, 7));
  }, QUIET);
});

/** Bytes of bodies in the store, as they lie there. */
function bodyBytes(box: Box): number {
  const sql = `SELECT (SELECT coalesce(sum(length(data)), 0) FROM blobs)
    + (SELECT coalesce(sum(length(data)), 0) FROM lists) + (SELECT coalesce(sum(length(data)), 0) FROM bodies) AS bytes`;
  return Number(rowsOf(box.store, sql)[0]!.bytes);
}

/** Everything that was said in a run: messages of its requests, and answers. And all request bodies, whole. */
function saidIn(box: Box, id: string): { said: Set<string>; whole: number } {
  const { db, run } = findRun(id, { cwd: box.work, env: (name) => box.env[name] });
  const said = new Set<string>();
  let whole = 0;
  for (const each of readExchanges(tapeSource(db, createWasmCore(), run.key)).exchanges) {
    const body = new TextDecoder().decode(each.requestBody()!);
    whole += body.length;
    for (const { content } of JSON.parse(body).messages) said.add(content);
    said.add(new TextDecoder().decode(each.responseBody()));
  }
  db.close();
  return { said, whole };
}

boxed("a branch adds to the store's bodies what is new in it, and no more", async (box) => {
  await withModel(async ({ env }) => {
    const command = (name: string, ...args: string[]) => runtimeNamed("node").command(agent(name), ...args);
    await box.tracefork(["run", "--name", "same", "--", ...command("four.mjs", "4")], { env });
    const before = bodyBytes(box);
    // As it was recorded, it adds no body at all.
    assertForked(await fork(box, ["same:0", "--tail", "offline", "--json"], env));
    assert.equal(bodyBytes(box), before);

    // An agent that says new things at every step adds these, though it sends all of the old ones again.
    const ran = await box.tracefork(["run", "--name", "root", "--", ...command("growing.mjs")], { env });
    assert.equal(ran.code, 0, told(ran));
    const between = bodyBytes(box);
    const forked = await fork(box, ["root:16", "--text", "changed", "--json"], env);
    const branch = assertForked(forked);
    const parent = saidIn(box, "root").said;
    const { said, whole } = saidIn(box, branch);
    const fresh = [...said].filter((each) => !parent.has(each)).reduce((sum, { length }) => sum + length, 0);
    const grown = bodyBytes(box) - between;
    assert.ok(grown > 0 && grown <= 1.1 * fresh, `${grown} bytes for ${fresh} new ones`);
    // Control: kept whole, the requests would be far more.
    assert.ok(whole > 1.1 * fresh, `${whole} bytes of requests, ${fresh} new ones`);
    assertExact(await box.replay(branch));
  }, QUIET);
});

onEachRuntime(
  "a tape file is forked into the store, and a branch into a file of its own",
  async (box, runtime) => {
    await withModel(async ({ env }) => {
      const tape = await box.record("root.tape", runtime.command(agent("four.mjs"), "2"), { env });
      const branch = assertForked(await fork(box, [`${tape}:2`, "--text", "changed", "--json"], env));
      assertExact(await box.replay(branch));
      const file = box.path("branch.tape");
      const again = await fork(box, [`${branch}:3`, "--text", "again", "--json", "-o", file], env);
      assertForked(again);
      assert.equal(again.file, file);
      assertExact(await box.replay(file));
      assert.equal((await box.tracefork(["verify", file])).code, 0);
    }, QUIET);
  },
);
