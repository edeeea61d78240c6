/**
 * The same tape a hundred times on each runtime: 32 requests in flight with random latencies, identical ones
 * racing, streams interleaved, timers against answers. Takes a few minutes.
 */
import assert from "node:assert/strict";
import { agent, assertExact, onEachRuntime } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";

onEachRuntime("one tape replays exact a hundred times", async (box, runtime) => {
  const tape = await withModel(({ env }) =>
    box.record("many.tape", runtime.command(agent("many.mjs")), { env })
  );
  const prints = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const replayed = await box.replay(tape);
    assertExact(replayed);
    prints.add(replayed.fingerprint.replayed);
  }
  assert.equal(prints.size, 1);
});
