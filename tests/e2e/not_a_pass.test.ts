/**
 * What a replay must not let pass: an agent that does something else than it was recorded doing, whether it
 * hides it or not. Each case has its control: the unchanged agent, from the same tape, is exact.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { agent, assertDiverged, assertExact, boxed, onEachRuntime } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";

const SWALLOW = agent("swallow.mjs");

/** What the swallowing agent is switched to, and how that has to be called. */
const SWITCHES = [
  ["one more call, its failure swallowed", "EXTRA_CALL=1", "request", "extra_request", 3],
  ["a wrong call before the right one, its failure swallowed", "WRONG_FIRST=1", "request", "code_change", 1],
  ["a call left out whose answer nobody misses", "SKIP_LAST=1", "exit", "missing_request", 2],
  ["another exit code", "EXIT_CODE=5", "exit", "code_change", 3],
  ["another last line", "SAY=something else", "output", "code_change", 3],
] as const;

onEachRuntime("an agent that swallows every failure is no pass", async (box, runtime, t) => {
  const tape = await withModel(
    ({ env }) => box.record("swallow.tape", runtime.command(SWALLOW), { env }),
    { errorRate: 0 },
  );
  await t.test("the unchanged agent is exact", async () => {
    assertExact(await box.replay(tape));
    assertExact(await box.replay(tape, ["--", ...runtime.command(SWALLOW)]));
  });
  for (const [name, change, kind, cause, step] of SWITCHES) {
    await t.test(name, async () => {
      const replayed = await box.replay(tape, ["--", ...runtime.command(SWALLOW, change)]);
      assertDiverged(replayed, kind, cause);
      assert.equal(replayed.divergence!.step, step, told(replayed.ran));
    });
  }
});

onEachRuntime("draws are counted: one more or one less is no pass", async (box, runtime, t) => {
  const script = agent("draws.mjs");
  const tape = await box.record("draws.tape", runtime.command(script, "5"));
  await t.test("as many draws as recorded are exact", async () => {
    const replayed = await box.replay(tape, ["--", ...runtime.command(script, "5")]);
    assertExact(replayed);
    assert.ok(replayed.draws.recorded >= 5, told(replayed.ran));
  });
  await t.test("a draw left over", async () => {
    const replayed = await box.replay(tape, ["--", ...runtime.command(script, "4")]);
    assertDiverged(replayed, "exit", "code_change");
    assert.match(replayed.divergence!.expected, /^1 more draws?$/);
    assert.equal(replayed.draws.served, replayed.draws.recorded - 1);
  });
  await t.test("a draw too many", async () => {
    const replayed = await box.replay(tape, ["--", ...runtime.command(script, "6")]);
    assertDiverged(replayed, "draw", "code_change");
    assert.equal(replayed.divergence!.got, "draw random");
    assert.match(replayed.divergence!.where, /draws\.mjs:\d+:\d+$/);
  });
});

onEachRuntime("a run in which nothing was recorded proves nothing", async (box, runtime, t) => {
  const script = box.path("empty.mjs");
  writeFileSync(script, "console.log('hello');\n");
  const tape = await box.record("empty.tape", runtime.command(script));
  const replayed = await box.replay(tape);
  assertDiverged(replayed, "tape", "boundary_violation");
  assert.doesNotMatch(replayed.divergence!.hint, /started no/, "it did start a runtime");
  await t.test("the control draws once, and is exact", async () => {
    assertExact(await box.replay(await box.record("one.tape", runtime.command(agent("draws.mjs"), "1"))));
  });
});

boxed("a command without a JavaScript runtime is said to record nothing, and is no pass", async (box) => {
  const tape = box.path("true.tape");
  const ran = await box.tracefork(["run", "-o", tape, "--", "true"]);
  assert.equal(ran.code, 0, told(ran));
  assert.match(ran.err, /nothing was recorded/);
  const replayed = await box.replay(tape);
  assertDiverged(replayed, "tape", "boundary_violation");
  assert.match(replayed.divergence!.hint, /Deno, Bun and Node/);
});

boxed("a replay with a command that starts no JavaScript runtime is no pass", async (box) => {
  const script = agent("draws.mjs");
  const tape = await box.record("draws.tape", runtimeNamed("deno").command(script, "2"));
  const replayed = await box.replay(tape, ["--", "echo", "done"]);
  assertDiverged(replayed, "exit", "boundary_violation");
});

onEachRuntime(
  "an edited program is a code change, found where it asks for something else",
  async (box, runtime) => {
    const script = box.path("agent.mjs");
    const text = readFileSync(agent("marks.mjs"), "utf8");
    writeFileSync(script, text);
    const command = runtime.command(script, box.path("marks"));
    const tape = await withModel(({ env }) => box.record("edited.tape", command, { env }), { errorRate: 0 });
    assertExact(await box.replay(tape));
    writeFileSync(script, text.replace("`order ", "`another order "));
    const replayed = await box.replay(tape);
    assertDiverged(replayed, "request", "code_change");
    assert.equal(replayed.divergence!.step, 0);
    assert.match(replayed.divergence!.where, /agent\.mjs:\d+:\d+$/);
    writeFileSync(script, text);
    assertExact(await box.replay(tape));
  },
);

onEachRuntime(
  "what no seam holds and differs from run to run is named as nondeterminism",
  async (box, runtime) => {
    const script = box.path("agent.mjs");
    const counter = box.path("counter");
    const text = readFileSync(agent("marks.mjs"), "utf8");
    writeFileSync(
      script,
      text.replace("{ appendFileSync }", "{ readFileSync }").replace(/^appendFileSync.*$/m, "")
        .replace("${crypto.randomUUID()}", `\${readFileSync(${JSON.stringify(counter)})}`),
    );
    writeFileSync(counter, "number 17");
    const tape = await withModel(
      ({ env }) => box.record("counter.tape", runtime.command(script), { env }),
      { errorRate: 0 },
    );
    assertExact(await box.replay(tape));
    writeFileSync(counter, "number 18");
    assertDiverged(await box.replay(tape), "request", "unrecorded_nondeterminism");
  },
);
