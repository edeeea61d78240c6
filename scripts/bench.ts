/**
 * Measures what tracefork costs: time added to an exchange, to a draw, to a start; time of a replayed exchange; bytes
 * on disk; and the hot path: the WASM core against its peers, a conversation that grows to a megabyte. Prints figures
 * beside goals and fails for no figure: machines differ.
 *
 *   deno task bench [--runtime deno,bun,node] [--only small|hot] [--quick] [--profile] [--write]
 *
 * --only measures one half; --quick measures less of everything; --profile prints where Node spends the time instead; --write does both in full and
 * writes docs/performance.md and docs/growth.svg.
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
import type { CoreFigure } from "./bench/core_figures.ts";
import { type GrowthFigures, MARKS, measureGrowth } from "./bench/growth.ts";
import { coreRows, growthPlot, growthRows, type HotRow, hotText } from "./bench/growth_report.ts";
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
const PLOT = "docs/growth.svg";
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

/** The core's figures come from a process of the runtime itself. */
function measureCore(file: string, name: RuntimeName, turns: number): CoreFigure[] {
  const args = [
    ...(name === "deno" ? ["run", "-A"] : []),
    "scripts/bench/core_bench.ts",
    "json",
    String(turns),
  ];
  return JSON.parse(execFileSync(file, args, { cwd: ROOT, encoding: "utf8" })) as CoreFigure[];
}

async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runtime: { type: "string", default: NAMES.join(",") },
      only: { type: "string" },
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
  const hot: HotRow[] = [];
  const growth: GrowthFigures[] = [];
  try {
    for (const name of values.profile ? [] : chosen) {
      console.log(`${name} ${versionOf(found[name])}`);
      if (values.only !== "hot") {
        const rows = rowsOf(await measureRuntime(place, name, effort, note));
        all.set(name, rows);
        note("");
        console.log(textTable(rows));
      }
      if (values.only === "small") continue;
      note(`${name}: the WASM core`);
      const core = measureCore(found[name], name, effort === QUICK ? 20 : 120);
      note(`${name}: a growing conversation`);
      const grown = await measureGrowth(place, name, found.deno, effort === QUICK ? 200 : MARKS.at(-1)!);
      growth.push(grown);
      const rows = [...coreRows(name, core), ...growthRows(grown)];
      hot.push(...rows);
      note("");
      console.log(hotText(rows));
    }
    if (!values.profile && !values.write) return;
    const breakdowns = await profileNode(place, note);
    note("");
    for (const breakdown of breakdowns) console.log(textBreakdown(breakdown));
    if (!values.write || all.size === 0) return;
    writeFileSync(
      join(ROOT, DOCUMENT),
      performanceDocument(all, hot, breakdowns, surroundings(found, loadBefore)),
    );
    if (growth[0] !== undefined) writeFileSync(join(ROOT, PLOT), growthPlot(growth[0]));
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
