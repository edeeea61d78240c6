/**
 * Measures what tracefork costs: time added to an exchange, to a draw, to a start; time of a replayed exchange; bytes
 * on disk. Prints figures beside goals and fails for no figure: machines differ.
 *
 *   deno task bench [--runtime deno,bun,node] [--quick] [--profile] [--write]
 *
 * --quick measures less of everything; --profile prints where Node spends the time instead; --write does both in full and
 * writes docs/performance.md.
 */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, type } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { VERSION } from "../core/base/version.ts";
import { openBenchPlace, type RuntimeName } from "./bench/bench_place.ts";
import { FULL, measureRuntime, QUICK } from "./bench/measure.ts";
import { profileNode } from "./bench/profile.ts";
import {
  performanceDocument,
  type Row,
  rowsOf,
  type Surroundings,
  textBreakdown,
  textTable,
} from "./bench/report.ts";
import { preloadIsFresh } from "./build_preload.ts";
import { type Runtimes, runtimes } from "./runtimes.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DOCUMENT = "docs/performance.md";
const NAMES: readonly RuntimeName[] = ["deno", "bun", "node"];

function versionOf(file: string): string {
  return /\d+\.\d+\.\d+/.exec(execFileSync(file, ["--version"], { encoding: "utf8" }))?.[0] ?? "unknown";
}

function surroundings(found: Runtimes, loadBefore: number): Surroundings {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${availableParallelism()} cores of ${model}, ${type()} ${release()}`,
    load: `${loadBefore.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after`,
    versions: { deno: versionOf(found.deno), bun: versionOf(found.bun), node: versionOf(found.node) },
    tracefork: VERSION,
  };
}

async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runtime: { type: "string", default: NAMES.join(",") },
      quick: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const chosen = NAMES.filter((name) => values.runtime.split(",").includes(name));
  if (chosen.length === 0) {
    throw new RangeError(`Cannot measure on ${values.runtime}: none of ${NAMES.join(", ")}`);
  }
  if (!(await preloadIsFresh())) {
    console.error("the preload is stale: `deno task build` first, or this measures the old one");
  }

  const effort = values.quick && !values.write ? QUICK : FULL;
  const found = await runtimes();
  const loadBefore = loadavg()[0]!;
  const place = await openBenchPlace(found);
  const note = (what: string) => process.stderr.isTTY && process.stderr.write(`\r\u001b[K${what}`);
  const all = new Map<RuntimeName, readonly Row[]>();
  try {
    if (!values.profile) {
      for (const name of chosen) {
        const rows = rowsOf(await measureRuntime(place, name, effort, note));
        all.set(name, rows);
        note("");
        console.log(`${name} ${versionOf(found[name])}\n${textTable(rows)}`);
      }
    }
    if (!values.profile && !values.write) return;
    const breakdowns = await profileNode(place, note);
    note("");
    for (const breakdown of breakdowns) console.log(textBreakdown(breakdown));
    if (!values.write || all.size === 0) return;
    writeFileSync(
      join(ROOT, DOCUMENT),
      performanceDocument(all, breakdowns, surroundings(found, loadBefore)),
    );
    execFileSync(found.deno, ["fmt", "--quiet", DOCUMENT], { cwd: ROOT });
    console.log(`wrote ${DOCUMENT}`);
  } finally {
    place.close();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
