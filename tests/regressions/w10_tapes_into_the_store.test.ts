/**
 * W10 of the Python original: no command puts a tape into the store, so whatever wants a run of the store can't be used
 * with a tape that somebody sent. Here `import` does, and what was imported is a run as any other.
 */
import assert from "node:assert/strict";
import { agent, answer, assertExact, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";

boxed("a tape that was recorded into a file of its own becomes a run of the store", async (box) => {
  const node = runtimeNamed("node");
  const tape = await withModel(({ env }) =>
    box.record("sent.tape", node.command(agent("growing.mjs")), { env: { ...env, STEPS: "2" } })
  );
  const [{ id }] = answer<{ tapes: [{ tape: string }] }>(await box.tracefork(["verify", tape, "--json"]))
    .tapes.map((each) => ({ id: each.tape })) as [{ id: string }];
  assertFails(await box.tracefork(["show", id]), 4, "TF_TAPE_NOT_FOUND");
  const ran = await box.tracefork(["import", tape]);
  assert.equal(ran.code, 0, told(ran));
  for (const name of [id, "latest", id.slice(0, 6)]) {
    const shown = answer<{ tape: string }>(await box.tracefork(["show", name, "--json"]));
    assert.equal(shown.tape, id);
  }
  const replayed = await box.replay("latest");
  assertExact(replayed);
  assert.equal(replayed.fingerprint.recorded, (await box.replay(tape)).fingerprint.recorded);
}, [runtimeNamed("node")]);
