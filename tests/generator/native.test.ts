/**
 * The generator itself, before it is used on tracefork: programs are a function of their seed, no word of the grammar
 * drops out, and bare runs end. `GENERATOR_SEEDS=200` runs more seeds than the few of the fast suite.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { DRAWN } from "./draws.mjs";
import { STATEMENT_KINDS } from "./generate.mjs";
import { RUN_KINDS } from "./interpret.mjs";
import { agentCommand, type NativeRun, runNative } from "./native.ts";
import { startGeneratorOrigin } from "./origin.ts";
import { FEATURES, features, generate, laneDepth, statements } from "./program.ts";
import { READ } from "./reads.mjs";
import { CALLBACK_SOURCES, READS, SOURCES } from "./words.mjs";

const HUNDRED = Array.from({ length: 100 }, (_, seed) => generate(seed));
const SEEDS = Number(process.env.GENERATOR_SEEDS ?? 6);

test("the same seed gives the same program", () => {
  for (const program of HUNDRED) assert.deepEqual(generate(program.seed), program);
  assert.deepEqual(generate(7, 25), generate(7, 25));
});

test("different seeds give different programs", () => {
  assert.equal(new Set(HUNDRED.map((program) => JSON.stringify(program.body))).size, HUNDRED.length);
});

test("a program is plain data", () => {
  for (const program of HUNDRED) assert.deepEqual(JSON.parse(JSON.stringify(program)), program);
});

test("a program has the size that was asked for, 10 to 60 statements otherwise, each with its own id", () => {
  assert.equal(statements(generate(3, 25)).length, 25);
  for (const program of HUNDRED) {
    const all = statements(program);
    assert.equal(all.length, program.size);
    assert.ok(all.length >= 10 && all.length <= 60);
    assert.equal(new Set(all.map((st) => st.id)).size, all.length);
  }
});

test("every word of the grammar turns up within 100 seeds, lanes three deep too", () => {
  const seen = new Set(HUNDRED.flatMap((program) => [...features(program)]));
  assert.deepEqual(FEATURES.filter((feature) => !seen.has(feature)), []);
  assert.deepEqual([...seen].filter((feature) => !FEATURES.includes(feature)), []);
  assert.equal(Math.max(...HUNDRED.map(laneDepth)), 3);
});

test("the interpreter knows exactly the grammar's words", () => {
  assert.deepEqual([...RUN_KINDS].sort(), [...STATEMENT_KINDS].sort());
  assert.deepEqual([...READ].sort(), [...READS].sort());
  assert.deepEqual([...DRAWN].sort(), [...SOURCES, ...CALLBACK_SOURCES].sort());
});

/** A bare run is sound when it ended by itself, said something, and failed only on purpose. */
function assertSound(seed: number, origin: string, run: NativeRun): void {
  const how = `seed ${seed}: ${agentCommand(seed, origin)}`;
  assert.ok(!run.hung, `${how}: hangs after\n${run.stdout.slice(-500)}`);
  assert.notEqual(run.stdout, "", `${how}: prints nothing`);
  assert.doesNotMatch(`${run.stdout}${run.stderr}`, /ReferenceError|is not a function|no source/, how);
  const meant = run.code === 0 || / #end | exiting with | about to fail /.test(run.stdout);
  assert.ok(meant, `${how}: exit code ${run.code}\n${run.stderr}`);
}

test("seeds run bare to their end", { timeout: 60_000 + SEEDS * 3_000 }, async () => {
  const origin = await startGeneratorOrigin();
  try {
    for (let seed = 1; seed <= SEEDS; seed++) {
      assertSound(seed, origin.url, await runNative(seed, origin.url));
    }
  } finally {
    await origin.close();
  }
});

test("two bare runs of a seed differ, so a replay that is exact has something to prove", async () => {
  const origin = await startGeneratorOrigin();
  try {
    const runs = await Promise.all([runNative(1, origin.url), runNative(1, origin.url)]);
    assert.notEqual(runs[0]?.stdout, runs[1]?.stdout);
  } finally {
    await origin.close();
  }
});
