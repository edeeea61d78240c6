/** Records a generated agent and replays it: the body of the fast and of the slow suite. */

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { startGeneratorOrigin } from "../generator/origin.ts";
import { recordRun } from "../../core/engine/record_run.ts";
import { replayRun } from "../../core/engine/replay_run.ts";
import { findRun } from "../../core/store/find.ts";
import { type Box, cli, ROOT } from "./box.ts";
import type { Runtime } from "./runtimes.ts";

const AGENT = join(ROOT, "tests", "generator", "agent.mjs");

/** Records the agent of each seed once and replays it; a failure prints the command that replays its tape. */
export async function replayGenerated(box: Box, runtime: Runtime, seeds: readonly number[]): Promise<void> {
  const origin = await startGeneratorOrigin();
  const failed: string[] = [];
  let empties = 0;
  const env = { ...box.env, ORIGIN: origin.url };
  const one = async (seed: number) => {
    const path = box.path(`seed-${seed}.tape`);
    await recordRun({
      command: runtime.command(AGENT, String(seed)),
      cwd: box.work,
      env,
      path,
      ownFile: true,
      overwrite: false,
      name: undefined,
      redact: "",
      capture: true,
      closedInput: true,
      onStart: () => {},
    });
    const tape = findRun(path, { cwd: box.work, env: () => undefined });
    const { exact, divergence } = await replayRun({
      tape,
      command: [],
      cwd: box.work,
      env: box.env,
      recordedSpeed: false,
      liveDraws: false,
      stallAfter: 3,
      showOutput: undefined,
    });
    tape.db.close();
    // A few programs ask for nothing at all, and an empty run is no proof.
    const empty = divergence?.kind === "tape" && divergence.got.startsWith("an empty run");
    if (empty) empties++;
    if (exact || empty) rmSync(path);
    else failed.push(`seed ${seed}: ${JSON.stringify(divergence)}\n  ${cli(["replay", path]).join(" ")}`);
  };
  const queue = [...seeds];
  const worker = async () => {
    for (let seed = queue.shift(); seed !== undefined; seed = queue.shift()) await one(seed);
  };
  try {
    await Promise.all([worker(), worker()]);
  } finally {
    await origin.close();
  }
  assert.ok(empties <= Math.max(2, seeds.length / 20), `${empties} of ${seeds.length} asked for nothing`);
  assert.equal(failed.length, 0, `${failed.length} of ${seeds.length} are not exact\n${failed.join("\n")}`);
}

/**
 * Seeds of this run: those that TRACEFORK_TEST_SEEDS names, else `count` from `first` on. The fast suite takes the same
 * programs every time (their races differ all the same); the slow one takes new ones.
 */
export function seedsOf(count: number, first = Math.floor(Math.random() * 1_000_000)): number[] {
  const named = process.env.TRACEFORK_TEST_SEEDS;
  if (named) return named.split(",").map(Number);
  return Array.from({ length: count }, (_, i) => first + i);
}
