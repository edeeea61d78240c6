/** Paths with characters that shells, option strings and URLs take for something else. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { agent, answer, assertExact, boxed, onEachRuntime, type ReplayAnswer } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { DENO } from "../helpers/runtimes.ts";
import { writeAgent } from "../helpers/serve.ts";

const NAMES = ["with space", "ünïcode-日本", "a=b&c#d%20e$HOME:3"];

for (const name of NAMES) {
  onEachRuntime(`home and tape in a folder called ${name}`, async (box, runtime) => {
    const home = box.path(name);
    mkdirSync(home);
    const tape = box.path(name, `${name}.tape`);
    const env = { HOME: home };
    const ran = await box.tracefork(["run", "-o", tape, "--", ...runtime.command(agent("draws.mjs"), "2")], {
      env,
    });
    assert.equal(ran.code, 0, told(ran));
    const replayed = await box.replay(tape, [], { env });
    assertExact(replayed);
    assert.ok(replayed.draws.recorded >= 2, told(replayed.ran));
  });
}

boxed("a narrow Deno agent records into a folder with a space", async (box) => {
  const home = box.path("with space");
  mkdirSync(home);
  const tape = box.path("with space", "my tape");
  const command = [DENO, "run", agent("draws.mjs"), "2"];
  const ran = await box.tracefork(["run", "-o", tape, "--", ...command], { env: { HOME: home } });
  assert.equal(ran.code, 0, told(ran));
  assertExact(await box.replay(tape, [], { env: { HOME: home } }));
});

onEachRuntime(
  "a script and arguments with spaces, quotes and newlines reach the agent as they are",
  async (box, runtime) => {
    mkdirSync(box.path("my agents"));
    const script = writeAgent(
      box,
      "console.log(Math.random(), JSON.stringify(args));",
      "my agents/the agent.mjs",
    );
    const args = ["two words", 'quote"', "it's", "new\nline", "", "$HOME", "*", "--", "--json", "-h"];
    const tape = box.path("args.tape");
    const ran = await box.tracefork(["run", "-o", tape, "--", ...runtime.command(script, ...args)]);
    assert.equal(ran.code, 0, told(ran));
    assert.ok(ran.out.includes(JSON.stringify(args)), told(ran));
    assertExact(await box.replay(tape));
  },
);

onEachRuntime(
  "a run is replayed from another folder in the folder where it was recorded",
  async (box, runtime) => {
    const script = writeAgent(box, "console.log(Math.random(), process.cwd());", "work/agent.mjs");
    assert.ok(script.startsWith(box.work));
    const ran = await box.tracefork(["run", "--", ...runtime.command("agent.mjs")]);
    assert.equal(ran.code, 0, told(ran));
    const elsewhere = await box.tracefork(["replay", "--json"], { cwd: box.dir });
    assertExact({ ran: elsewhere, ...answer<ReplayAnswer>(elsewhere) });
  },
);

onEachRuntime(
  "large binary output on both streams is kept and compared to the byte",
  async (box, runtime) => {
    const script = writeAgent(
      box,
      `const bytes = new Uint8Array(5_000_000).map((_, i) => i * 7 + (i >> 8));
    Math.random();
    process.stdout.write(bytes);
    process.stderr.write(args[0] ?? "x".repeat(1_000_000));`,
    );
    const tape = await box.record("large.tape", runtime.command(script));
    assertExact(await box.replay(tape));
    const other = await box.replay(tape, ["--", ...runtime.command(script, `${"x".repeat(99_999)}y`)]);
    assert.equal(other.exact, false);
    assert.equal(other.divergence!.kind, "output", told(other.ran));
  },
);
