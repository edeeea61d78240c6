/** The figures of the hot path as tables and as a plot: the WASM core against its peers, and the growing conversation. */

import type { RuntimeName } from "./bench_place.ts";
import type { CoreFigure } from "./core_figures.ts";
import { shown } from "./figures.ts";
import { bytesPerStep, type GrowthFigures } from "./growth.ts";
import { plot } from "./plot.ts";

/** One goal of the hot path with what was measured. */
export interface HotRow {
  readonly what: string;
  readonly goal: string;
  readonly figure: string;
  readonly met: boolean;
}

const MB = 1024 * 1024;

/** The WASM core's goals on one runtime. */
export function coreRows(runtime: RuntimeName, figures: readonly CoreFigure[]): HotRow[] {
  return figures.flatMap(({ what, peer, ours, theirs, goal }) => {
    const want = goal[runtime];
    const ratio = theirs / ours;
    return want === undefined ? [] : [{
      what: `${what}, against ${peer}, ${runtime}`,
      goal: `≥ ${want} ×`,
      figure: `${ratio.toFixed(1)} ×`,
      met: ratio >= want,
    }];
  });
}

/** The growing conversation's goals on one runtime. */
export function growthRows(figures: GrowthFigures): HotRow[] {
  const { runtime, marks, verify, openssl, load, memory } = figures;
  const [first, last] = [marks[0]!, marks.at(-1)!];
  const steps = bytesPerStep(marks);
  const flat = Math.max(...steps) / Math.min(...steps);
  const most = Math.max(memory.recorded, memory.replayed) - memory.bare;
  const row = (what: string, goal: string, figure: string, met: boolean) => ({
    what: `${what}, ${runtime}`,
    goal,
    figure,
    met,
  });
  return [
    row(
      `tape of ${last.steps} steps, ${shown(last.bodies / 1e6)} MB of bodies`,
      "≤ 4 MB",
      `${(last.tape / 1e6).toFixed(1)} MB`,
      last.tape <= 4e6,
    ),
    row(
      `bytes a step between ${marks.map((mark) => mark.steps).join(", ")} steps`,
      "flat",
      steps.map((each) => shown(each)).join(", "),
      flat < 1.1,
    ),
    row(
      `added to a recorded exchange at step ${last.steps}`,
      "≤ 2.0 ms",
      `${(last.added / 1000).toFixed(2)} ms`,
      last.added <= 2000,
    ),
    row(
      `the same against step ${first.steps}, with as much new text`,
      "≤ 1.5 ×",
      `${(last.added / first.added).toFixed(2)} ×`,
      last.added <= first.added * 1.5,
    ),
    row(
      `a replayed exchange at step ${last.steps}`,
      "≤ 2.0 ms",
      `${(last.replayed / 1000).toFixed(2)} ms`,
      last.replayed <= 2000,
    ),
    row(
      `verify of that tape (${shown(verify)} ms, on Deno), against openssl over its bodies (${
        shown(openssl)
      } ms)`,
      "≤ 0.25 ×",
      `${(verify / openssl).toFixed(2)} ×`,
      verify <= openssl * 0.25,
    ),
    row("load of that tape for a replay", "≤ 150 ms", `${shown(load.ms)} ms`, load.ms <= 150),
    row(
      "memory above the bare agent's, at the most",
      "≤ 60 MB",
      `${shown(Math.max(load.memory, most) / MB)} MB`,
      Math.max(load.memory, most) <= 60 * MB,
    ),
  ];
}

/** Rows for a terminal. */
export function hotText(rows: readonly HotRow[]): string {
  return rows.map(({ what, goal, figure, met }) =>
    `  ${figure.padStart(10)}  ${goal.padEnd(9)} ${met ? "met    " : "not met"}  ${what}\n`
  ).join("");
}

/** Rows for the document. */
export function hotTable(rows: readonly HotRow[]): string {
  const lines = rows.map(({ what, goal, figure, met }) =>
    `| ${what} | ${goal} | ${figure}${met ? "" : " ✗"} |`
  );
  return ["| what | goal | measured |", "| --- | --- | --- |", ...lines].join("\n");
}

const [OURS, WHOLE] = ["#2a9d8f", "#e76f51"];

/** Size and time over steps, beside bodies that are kept whole. */
export function growthPlot({ marks, runtime }: GrowthFigures): string {
  const line = (name: string, colour: string, value: (mark: GrowthFigures["marks"][number]) => number) => ({
    name,
    colour,
    points: marks.map((mark) => [mark.steps, Math.max(value(mark), 1e-3)] as const),
  });
  return plot([
    {
      title: "On disk over steps",
      unit: "MB",
      lines: [
        line("tracefork", OURS, ({ tape }) => tape / 1e6),
        line("whole bodies", WHOLE, ({ bodies }) => bodies / 1e6),
      ],
    },
    {
      title: `Added to an exchange over steps, ${runtime}`,
      unit: "ms",
      lines: [
        line("tracefork", OURS, ({ added }) => added / 1000),
        line("whole bodies", WHOLE, ({ whole }) => whole / 1000),
      ],
    },
  ]);
}
