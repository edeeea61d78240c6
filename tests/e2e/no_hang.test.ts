/**
 * A replay ends by itself, whatever the agent waits for, and says at which step and why. The only measure of time here is the
 * guard against a hang.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { agent, assertDiverged, assertExact, type Box, onEachRuntime } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import type { Runtime } from "../helpers/runtimes.ts";

/** Twice the five seconds that are promised. */
const GUARD = { limitMs: 10_000 };
/** One case waits as long as a replay does by itself; the others need not. */
const HASTE = ["--stall-after", "1"];
const SCRIPT = agent("stalls.mjs");

function record(box: Box, runtime: Runtime): Promise<string> {
  return withModel(({ env }) => box.record("stalls.tape", runtime.command(SCRIPT), { env }), {
    latencyMs: [20, 40],
    errorRate: 0,
  });
}

onEachRuntime(
  "control: the agent that does as recorded is exact, interval, server and all",
  async (box, runtime) => {
    assertExact(await box.replay(await record(box, runtime), [], GUARD));
  },
);

onEachRuntime(
  "an agent that asks in another order is stopped at the first wrong request",
  async (box, runtime) => {
    const tape = await record(box, runtime);
    const replayed = await box.replay(tape, ["--", ...runtime.command(SCRIPT, "swapped")], GUARD);
    assertDiverged(replayed, "request", "code_change");
    assert.equal(replayed.divergence!.step, 0);
    assert.equal(replayed.divergence!.nearest, 1, "it is the second recorded request that came");
  },
);

/** What the agent does instead of asking the second time. */
const STALLS = [
  ["whose interval goes on", "ticks", []],
  ["that is busy on a message channel", "spins", HASTE],
  ["that is in an endless loop", "blocks", HASTE],
] as const;

for (const [name, how, patience] of STALLS) {
  onEachRuntime(`a replay of an agent ${name} ends as stalled, at its step`, async (box, runtime) => {
    const tape = await record(box, runtime);
    const replayed = await box.replay(tape, [...patience, "--", ...runtime.command(SCRIPT, how)], GUARD);
    assertDiverged(replayed, "stall", "stalled");
    assert.equal(replayed.divergence!.step, 1, told(replayed.ran));
    assert.equal(replayed.exchanges.matched, 1);
    assert.match(replayed.divergence!.expected, /request POST|timer|delivery of fire/, told(replayed.ran));
  });
}

onEachRuntime("a program that would be started on replay is refused at once", async (box, runtime) => {
  const tape = await record(box, runtime);
  const replayed = await box.replay(tape, ["--", ...runtime.command(SCRIPT, "spawns")], GUARD);
  assertDiverged(replayed, "boundary", "boundary_violation");
  assert.equal(replayed.divergence!.step, 1);
});

onEachRuntime(
  "an agent that awaits for ever with nothing pending has left a request out",
  async (box, runtime) => {
    const tape = await record(box, runtime);
    const replayed = await box.replay(tape, ["--", ...runtime.command(SCRIPT, "waits")], GUARD);
    assert.equal(replayed.exact, false);
    assert.equal(replayed.ran.code, 3, told(replayed.ran));
    // Its first act is to clear the interval, at a place where it had not.
    assert.ok(
      ["missing_request", "code_change", "stalled"].includes(replayed.divergence!.cause),
      told(replayed.ran),
    );
    assert.equal(replayed.divergence!.step, 1);
  },
);

onEachRuntime(
  "an agent that does everything and leaves a server open is stalled at the end",
  async (box, runtime) => {
    const tape = await record(box, runtime);
    const replayed = await box.replay(tape, [...HASTE, "--", ...runtime.command(SCRIPT, "serves")], GUARD);
    assertDiverged(replayed, "stall", "stalled");
    assert.equal(replayed.divergence!.step, 2);
    // Closing a server also clears a timer of the platform's own, which is on the tape of Bun and Node.
    assert.match(
      replayed.divergence!.expected,
      /^(the end of the run|cancel of op \d+)$/,
      told(replayed.ran),
    );
  },
);

onEachRuntime(
  "an agent whose recorded answer never comes to be read ends by itself",
  async (box, runtime) => {
    const script = box.path("agent.mjs");
    const text = (read: string) => `
    import process from "node:process";
    const response = await fetch(process.env.ANTHROPIC_BASE_URL + "/nowhere", { method: "POST", body: "{}" });
    console.log(response.status);
    ${read}
    await new Promise((resolve) => setTimeout(resolve, 1));`;
    writeFileSync(script, text("await response.text();"));
    const tape = await withModel(({ env }) => box.record("read.tape", runtime.command(script), { env }));
    writeFileSync(script, text(""));
    const replayed = await box.replay(tape, [], GUARD);
    assert.equal(replayed.ran.code, 3, told(replayed.ran));
    assert.equal(replayed.divergence!.cause, "code_change", told(replayed.ran));
    writeFileSync(script, text("await response.text();"));
    assertExact(await box.replay(tape, [], GUARD));
  },
);

onEachRuntime(
  "an agent that polls with setImmediate until its answer is there replays exact",
  async (box, runtime) => {
    const script = box.path("agent.mjs");
    writeFileSync(
      script,
      `import process from "node:process";
    let answer;
    fetch(process.env.ANTHROPIC_BASE_URL + "/nowhere").then(async (response) => answer = await response.text());
    let turns = 0;
    while (answer === undefined) {
      turns++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(turns, answer);`,
    );
    const tape = await withModel(({ env }) => box.record("polls.tape", runtime.command(script), { env }));
    assertExact(await box.replay(tape, [], GUARD));
  },
);

onEachRuntime("--stall-after says how long to wait", async (box, runtime) => {
  const tape = await record(box, runtime);
  const command = ["--stall-after", "0.5", "--", ...runtime.command(SCRIPT, "ticks")];
  const replayed = await box.replay(tape, command, GUARD);
  assertDiverged(replayed, "stall", "stalled");
  assert.match(replayed.divergence!.got, /nothing for 0\.5 s/);
});
