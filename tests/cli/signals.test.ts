/** Recordings that are interrupted or killed: the tape stays readable, says its state, and is intact up to its last event. */
import assert from "node:assert/strict";
import process from "node:process";
import { agent, answer, type Box, onEachRuntime } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { killForGood, type Ran, type Running, told } from "../helpers/process.ts";
import type { Runtime } from "../helpers/runtimes.ts";
import { rowsOf } from "../helpers/tape.ts";

interface Listed {
  readonly runs: readonly { state: string; exchanges: number; draws: number; exit: number | string | null }[];
}

/** Starts a recording of the waiting agent and lets `act` at it once the agent is ready. */
function interrupted(
  box: Box,
  runtime: Runtime,
  how: string,
  act: (running: Running, pid: number) => Promise<void> | void,
): Promise<Ran> {
  return withModel(async ({ env }) => {
    const running = box.startCli(["run", "--", ...runtime.command(agent("waits.mjs"), how)], {
      env,
      open: true,
    });
    await running.until(/ready/);
    await act(running, Number(rowsOf(box.store, "SELECT pid FROM lanes")[0]!.pid));
    return await running.done;
  }, { errorRate: 0 });
}

/** The one run in the store, after `verify` has found it intact. */
async function intactRun(box: Box): Promise<Listed["runs"][number]> {
  const verified = await box.tracefork(["verify", "--json"]);
  assert.equal(verified.code, 0, told(verified));
  const listed = await box.tracefork(["ls", "--json"]);
  assert.equal(listed.code, 0, told(listed));
  const { runs } = answer<Listed>(listed);
  assert.equal(runs.length, 1);
  return runs[0]!;
}

onEachRuntime("control: left alone, the agent's run is complete", async (box, runtime) => {
  const ran = await interrupted(box, runtime, "plain", (running) => running.write("go on\n"));
  assert.equal(ran.code, 0, told(ran));
  const { state, exchanges, exit } = await intactRun(box);
  assert.deepEqual({ state, exchanges, exit }, { state: "complete", exchanges: 1, exit: 0 });
});

onEachRuntime(
  "Ctrl-C reaches an agent that handles it: its code passes through, the run is complete",
  async (box, runtime) => {
    const ran = await interrupted(box, runtime, "handles", (running) => running.kill("SIGINT"));
    assert.equal(ran.code, 5, told(ran));
    assert.match(ran.out, /interrupted, ending well/);
    const { state, exchanges, exit } = await intactRun(box);
    assert.deepEqual({ state, exchanges, exit }, { state: "complete", exchanges: 1, exit: 5 });
  },
);

onEachRuntime(
  "Ctrl-C ends an agent that does not handle it: 130, and the tape says that it was cut off",
  async (box, runtime) => {
    const ran = await interrupted(box, runtime, "plain", (running) => running.kill("SIGINT"));
    assert.equal(ran.code, 130, told(ran));
    assert.match(ran.err, /recorded \(recovered\)/);
    const { state, exchanges, exit } = await intactRun(box);
    assert.deepEqual({ state, exchanges, exit }, { state: "recovered", exchanges: 1, exit: "SIGINT" });
  },
);

onEachRuntime("a second Ctrl-C ends an agent that stays, at once", async (box, runtime) => {
  const ran = await interrupted(box, runtime, "stays", async (running) => {
    running.kill("SIGINT");
    await running.until(/I stay/);
    running.kill("SIGINT");
  });
  assert.equal(ran.code, 137, told(ran));
  const { state, exchanges, exit } = await intactRun(box);
  assert.deepEqual({ state, exchanges, exit }, { state: "recovered", exchanges: 1, exit: "SIGKILL" });
});

onEachRuntime("SIGTERM reaches the agent", async (box, runtime) => {
  const ran = await interrupted(box, runtime, "plain", (running) => running.kill("SIGTERM"));
  assert.equal(ran.code, 143, told(ran));
  assert.equal((await intactRun(box)).exit, "SIGTERM");
});

onEachRuntime(
  "an agent killed with SIGKILL leaves a tape that is intact up to its last event",
  async (box, runtime) => {
    const ran = await interrupted(box, runtime, "plain", (_, pid) => void process.kill(pid, "SIGKILL"));
    assert.equal(ran.code, 137, told(ran));
    const { state, exchanges, exit } = await intactRun(box);
    assert.deepEqual({ state, exchanges, exit }, { state: "recovered", exchanges: 1, exit: "SIGKILL" });
    // What was recorded matches, and the verdict says that more is not known.
    const replayed = await box.replay("latest");
    assert.equal(replayed.exact, false, told(replayed.ran));
    assert.equal(replayed.ran.code, 3);
    assert.equal(replayed.exchanges.matched, 1, told(replayed.ran));
    assert.match(replayed.divergence!.got, /recovered/);
  },
);

onEachRuntime(
  "a launcher killed with SIGKILL leaves a tape that is intact up to its last event",
  async (box, runtime) => {
    let agentPid = 0;
    const ran = await interrupted(box, runtime, "plain", (running, pid) => {
      agentPid = pid;
      running.kill("SIGKILL");
    });
    assert.equal(ran.signal, "SIGKILL");
    // With its launcher gone its input has ended, and the agent has nothing more to wait for; none is left behind.
    await killForGood(agentPid);
    const { state, exchanges, exit } = await intactRun(box);
    assert.deepEqual({ state, exchanges, exit }, { state: "recovered", exchanges: 1, exit: null });
    const listed = await box.tracefork(["ls"]);
    assert.match(listed.out, /\trecovered\t/);
  },
);

onEachRuntime(
  "a run that is being recorded says so, and can be looked at meanwhile",
  async (box, runtime) => {
    const ran = await interrupted(box, runtime, "plain", async (running) => {
      const { state, exchanges } = await intactRun(box);
      assert.deepEqual({ state, exchanges }, { state: "recording", exchanges: 1 });
      running.write("go on\n");
    });
    assert.equal(ran.code, 0, told(ran));
    assert.equal((await intactRun(box)).state, "complete");
  },
);

onEachRuntime(
  "Ctrl-C on a replay ends it and its agent: 130, and no receipt that says exact",
  async (box, runtime) => {
    const script = agent("stalls.mjs");
    const tape = await withModel(({ env }) => box.record("x.tape", runtime.command(script), { env }), {
      errorRate: 0,
    });
    const flags = ["--output", "--stall-after", "50", "--", ...runtime.command(script, "ticks")];
    const running = box.startCli(["replay", tape, ...flags]);
    await running.until(/“first”/);
    running.kill("SIGINT");
    const ran = await running.done;
    assert.equal(ran.code, 130, told(ran));
    assert.doesNotMatch(ran.out, /EXACT/);
  },
);
