/**
 * W6: the original set the replayed fingerprint equal to the recorded one; a tampered answer, a draw left over, another final
 * answer and an empty tape all passed. Here it is computed from what the replay saw. (Tampering and empty
 * runs: `tests/e2e/tampered.test.ts`, `not_a_pass.test.ts`.)
 */
import assert from "node:assert/strict";
import { assertExact, type Box, onEachRuntime } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import type { Runtime } from "../helpers/runtimes.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const AGENT = `const [draws = "2", last = "the answer"] = args;
for (let i = 0; i < Number(draws); i++) Math.random();
await (await fetch(url)).text();
console.log(last);`;

async function record(box: Box, runtime: Runtime): Promise<{ tape: string; script: string }> {
  const script = writeAgent(box, AGENT);
  const tape = await withServer(
    (_, response) => void response.end("fine"),
    (url) => box.record("fingerprint.tape", runtime.command(script), { env: { SERVICE_URL: url } }),
  );
  return { tape, script };
}

onEachRuntime(
  "the replayed fingerprint is computed: it is another one whenever the replay is",
  async (box, runtime) => {
    const { tape, script } = await record(box, runtime);
    const exact = await box.replay(tape);
    assertExact(exact);
    const seen = new Set([exact.fingerprint.recorded]);
    for (const args of [["3"], ["1"], ["2", "another answer"], ["2", "a third answer"]]) {
      const replayed = await box.replay(tape, ["--", ...runtime.command(script, ...args)]);
      const { recorded, replayed: computed } = replayed.fingerprint;
      assert.equal(replayed.exact, false, told(replayed.ran));
      assert.equal(recorded, exact.fingerprint.recorded);
      assert.match(computed, /^[0-9a-f]{64}$/, told(replayed.ran));
      assert.ok(!seen.has(computed), `${args}: ${told(replayed.ran)}`);
      seen.add(computed);
    }
  },
);

onEachRuntime("the receipt of a replay that differs does not claim what is not so", async (box, runtime) => {
  const { tape, script } = await record(box, runtime);
  const ran = await box.tracefork(["replay", tape, "--", ...runtime.command(script, "2", "another answer")]);
  assert.equal(ran.code, 3, told(ran));
  assert.match(ran.out, /\[x\] every request byte-identical/);
  assert.match(ran.out, /\[ \] output byte-identical/);
  assert.match(ran.out, /\[ \] chain recomputed and equal/);
  assert.match(ran.out, /RESULT: DIVERGED/);
  assert.doesNotMatch(ran.out, /RESULT: EXACT/);
});
