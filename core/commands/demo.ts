/**
 * `tracefork demo`: a real agent on the real SDK, recorded, replayed offline, proven; then the negative
 * control, which must diverge. The model behind it is the embedded server, or the real API with `--live`.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { EXIT, TraceforkError } from "../base/errors.ts";
import { recordRun } from "../engine/record_run.ts";
import { replayRun } from "../engine/replay_run.ts";
import { startModelServer } from "../provider/model_server.ts";
import { divergenceText, receiptText } from "../report/receipt.ts";
import { findRun } from "../store/find.ts";
import { type Call, document, type Io, JSON_FLAG, on, text, type Verb } from "./verb.ts";

const AGENT = join(dirname(fileURLToPath(import.meta.url)), "demo", "agent.ts");

function commandFor(runtime: string): string[] {
  switch (runtime) {
    case "deno":
      // Quiet: in a fresh checkout Deno still says now and then what it downloads, which a replay would not repeat.
      return ["deno", "run", "-q", "--allow-net", "--allow-env", AGENT];
    case "bun":
    case "node":
      return [runtime, AGENT];
    default:
      throw new TraceforkError("TF_USAGE", `Cannot run the demo on ${JSON.stringify(runtime)}`, {
        hint: "--runtime takes deno, bun or node",
      });
  }
}

async function run(call: Call, io: Io): Promise<number> {
  const live = on(call, "live");
  if (live && !io.env.ANTHROPIC_API_KEY) {
    throw new TraceforkError("TF_USAGE", "Cannot run the demo live: ANTHROPIC_API_KEY is not set", {
      hint: "without --live the demo needs no key and costs nothing",
    });
  }
  const command = commandFor(text(call, "runtime") ?? "deno");
  const folder = mkdtempSync(join(tmpdir(), "tracefork-demo-"));
  const path = join(folder, "demo.tape");
  const server = live ? undefined : await startModelServer({ latencyMs: [60, 240], chunkDelayMs: [0, 10] });
  const env = {
    ...io.env,
    ...(server === undefined
      ? {}
      : { ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: "sk-ant-demo-0123456789abcdef" }),
  };
  try {
    io.note(`tracefork: recording ${command.join(" ")}\n`);
    // The agent's own words belong on stderr here: stdout is for the receipts.
    const recorded = await recordRun({
      command,
      cwd: io.cwd,
      env,
      path,
      ownFile: true,
      overwrite: false,
      name: "demo",
      redact: "",
      capture: true,
      onStart: () => {},
      showOutput: on(call, "json") ? undefined : process.stderr,
      closedInput: true,
    });
    await server?.close();
    if (recorded.end.code !== 0) {
      throw new TraceforkError("TF_CHECK_FAILED", `The demo's agent ended with ${recorded.end.code}`);
    }
    io.note("tracefork: the model server is gone; replaying\n");
    const tape = findRun(path, { cwd: io.cwd, env: (name) => io.env[name] });
    const plan = {
      tape,
      command: [],
      cwd: io.cwd,
      env,
      recordedSpeed: false,
      liveDraws: false,
      stallAfter: 3,
      showOutput: undefined,
    };
    const replayed = await replayRun(plan);
    const control = await replayRun({ ...plan, liveDraws: true });
    tape.db.close();
    const held = replayed.exact && !control.exact && control.divergence !== null;
    if (on(call, "json")) io.out(document("demo", { held, replay: replayed, control }));
    else {
      const name = `${command[0]} demo agent`;
      io.out(receiptText(replayed, name));
      if (replayed.divergence !== null) io.out(divergenceText(tape.run.id, replayed.divergence));
      io.out(
        "\n  Negative control: the same replay with clock, ids and randomness left live must diverge.\n",
      );
      if (control.divergence === null) io.out("  It did not: the proof above proves nothing.\n");
      else {
        const { step, expected, got, diff } = control.divergence;
        io.out(`  diverged at step ${step}: expected ${expected}, got ${got}\n`);
        for (const line of (diff ?? []).slice(0, 6)) io.out(`      ${line}\n`);
        io.out("  CONTROL: DIVERGED, as it must\n");
      }
    }
    return held ? EXIT.ok : EXIT.checkFailed;
  } finally {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const demoVerb: Verb = {
  name: "demo",
  group: "record and replay",
  summary: "record a real agent, replay it offline, prove it, and show that the proof can fail",
  usage: "[--live] [--runtime deno|bun|node]",
  args: [],
  about:
    "Runs a tool-using agent with three concurrent sub-agents on the real @anthropic-ai/sdk, against a model server\n" +
    "that is built in and truly random. Nothing is paid, nothing leaves the machine.",
  flags: [
    { flags: "--live", help: "use the real API and ANTHROPIC_API_KEY (this costs a few cents)" },
    { flags: "--runtime <name>", help: "deno (default), bun or node" },
    JSON_FLAG,
  ],
  examples: [["tracefork demo", "on Deno"], ["tracefork demo --runtime bun", "on Bun"]],
  run,
};
