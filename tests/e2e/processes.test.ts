/** Runs of several processes: the preload reaches those that a command starts in turn, and each keeps its own order. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import {
  agent,
  answer,
  assertDiverged,
  assertExact,
  type Box,
  boxed,
  onEachRuntime,
} from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { alterTape, rowsOf } from "../helpers/tape.ts";

const [deno, bun, node] = [runtimeNamed("deno"), runtimeNamed("bun"), runtimeNamed("node")];
const ALL = [deno, bun, node];
const FETCH = agent("raw_fetch.mjs");
const DRAWS = agent("draws.mjs");
const shell = (command: string) => ["sh", "-c", command];
const line = (command: readonly string[]) => command.map((word) => `'${word}'`).join(" ");

function lanes(tape: string): string[] {
  return rowsOf(tape, "SELECT runtime FROM lanes ORDER BY lane").map(({ runtime }) =>
    String(runtime).split(" ")[0]!
  );
}

function record(box: Box, command: readonly string[]): Promise<string> {
  return withModel(({ env }) => box.record("processes.tape", command, { env }));
}

boxed("a shell that starts one runtime after the other is one run with a lane for each", async (box) => {
  const command = [node.command(FETCH), bun.command(agent("booking.ts")), deno.command(DRAWS, "3")].map(line);
  const tape = await record(box, shell(command.join(" && ")));
  assert.deepEqual(lanes(tape), ["node", "bun", "deno"]);
  assertExact(await box.replay(tape));
}, ALL);

boxed("a process left out, or one more, is no pass", async (box) => {
  const [one, two] = [line(node.command(DRAWS, "2")), line(bun.command(DRAWS, "3"))];
  const tape = await record(box, shell(`${one} && ${two}`));
  assertDiverged(await box.replay(tape, ["--", ...shell(`${one}; echo done`)]), "exit", "missing_request");
  const more = await box.replay(tape, ["--", ...shell(`${one} && ${two} && ${one}`)]);
  assert.equal(more.exact, false, told(more.ran));
  assert.equal(more.ran.code, 3);
  assertExact(await box.replay(tape, ["--", ...shell(`${one} && ${two}`)]));
}, ALL);

boxed("two different agents at once keep their lanes, whichever starts first on replay", async (box) => {
  const one = `${line(node.command(FETCH))} >one`;
  const two = `${line(bun.command(agent("booking.ts")))} >two`;
  const ways = `case "$ORDER" in 12) ${one}; ${two};; 21) ${two}; ${one};; *) ${one} & ${two} & wait;; esac`;
  const tape = await record(box, shell(`${ways}; cat one two`));
  assert.deepEqual(lanes(tape).sort(), ["bun", "node"]);
  for (const ORDER of ["12", "21", ""]) assertExact(await box.replay(tape, [], { env: { ORDER } }));
}, ALL);

boxed("npm start is let alone; the agent that it starts is recorded", async (box) => {
  writeFileSync(
    box.path("work", "package.json"),
    JSON.stringify({ scripts: { start: line(node.command(FETCH)) } }),
  );
  const tape = await record(box, ["npm", "start", "--silent"]);
  assert.deepEqual(lanes(tape), ["node"]);
  assertExact(await box.replay(tape));
}, [node]);

boxed("deno task is let alone; the agent that it starts is recorded", async (box) => {
  const start = line(deno.command(FETCH));
  writeFileSync(box.path("work", "deno.json"), JSON.stringify({ tasks: { start } }));
  const tape = await record(box, [deno.path!, "task", "-q", "start"]);
  assert.deepEqual(lanes(tape), ["deno"]);
  assertExact(await box.replay(tape));
});

onEachRuntime(
  "an agent that starts another one waits for it, and both are recorded",
  async (box, runtime) => {
    const script = box.path("parent.mjs");
    const [file, ...args] = runtime.command(FETCH);
    writeFileSync(
      script,
      `import { spawn } from "node:child_process";
    console.log(Math.random());
    spawn(${JSON.stringify(file)}, ${JSON.stringify(args)}, { stdio: "inherit" })
      .on("exit", (code) => console.log("child", code, Math.random()));`,
    );
    const tape = await record(box, runtime.command(script));
    assert.deepEqual(lanes(tape), [runtime.name, runtime.name]);
    assertExact(await box.replay(tape));
  },
);

boxed("verify names the lane of an event that was edited", async (box) => {
  const tape = await record(
    box,
    shell(`${line(node.command(DRAWS, "2"))}; ${line(bun.command(DRAWS, "2"))}`),
  );
  const intact = await box.tracefork(["verify", tape]);
  assert.equal(intact.code, 0, told(intact));

  alterTape(tape, (db) => db.exec("UPDATE events SET body = x'0102ff' WHERE lane = 1 AND seq = 0"));

  const ran = await box.tracefork(["verify", tape, "--json"]);
  assert.equal(ran.code, 4, told(ran));
  const { flaws } = answer<{ flaws: { lane: number; seq: number | null }[] }>(ran);
  assert.deepEqual(flaws.filter(({ seq }) => seq === 0).map(({ lane }) => lane).slice(0, 1), [1]);
}, ALL);
