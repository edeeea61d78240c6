/** Puts figures into rows, rows into a table for the terminal and into `docs/performance.md`. */

import type { RuntimeName } from "./bench_place.ts";
import { ratio, shown } from "./figures.ts";
import { type HotRow, hotTable } from "./growth_report.ts";
import type { ExchangeFigures, RuntimeFigures } from "./measure.ts";
import type { Breakdown } from "./profile.ts";

/** Goals of the project. They are aimed at, not asserted. */
export const GOALS = {
  /** Microseconds that recording adds to an exchange of 10 KB. */
  recorded: 150,
  /** Microseconds of an exchange that is replayed. */
  replayed: 100,
  /** Nanoseconds that recording adds to a draw. */
  draw: 100,
  /** Milliseconds that the preload adds to a process. */
  start: 30,
  /** Bytes of a clock draw on disk. */
  drawBytes: 3,
} as const;

type Goal = keyof typeof GOALS;

/** One figure of one runtime. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  /** The same without tracefork, where there is such a thing. */
  readonly bare: number | undefined;
  readonly measured: number;
  /** What the goal is about: what is added, or all of it. */
  readonly figure: number;
  readonly goal: Goal | undefined;
  readonly note: string;
}

function added(what: string, unit: string, bare: number, measured: number, goal?: Goal, note = ""): Row {
  return { what, unit, bare, measured, figure: measured - bare, goal, note };
}

function whole(what: string, unit: string, measured: number, goal?: Goal, bare?: number): Row {
  return { what, unit, bare, measured, figure: measured, goal, note: "" };
}

function exchangeRows(name: string, figures: ExchangeFigures): Row[] {
  const { bare, recorded, replayed, noise, cpu, chunks } = figures;
  const read = chunks.bare > 0 ? `, ${shown(chunks.recorded)} chunks` : "";
  return [
    added(`recorded exchange, ${name}`, "µs", bare, recorded, "recorded", `noise ${shown(noise)}${read}`),
    added(`  its processor time`, "µs", cpu.bare, cpu.recorded),
    whole(`replayed exchange, ${name}`, "µs", replayed, "replayed", bare),
  ];
}

/** All rows of one runtime. */
export function rowsOf(figures: RuntimeFigures): Row[] {
  const { json, sse, draws, starts, startsWithModules, disk } = figures;
  const kinds = Array.from(draws);
  return [
    ...exchangeRows("JSON", json),
    ...exchangeRows("SSE", sse),
    ...kinds.map(([kind, { bare, record }]) => added(`recorded ${kind}`, "ns", bare, record, "draw")),
    ...kinds.map(([kind, { bare, replay }]) => whole(`replayed ${kind}`, "ns", replay, undefined, bare)),
    added("start-up, empty program", "ms", starts.bare, starts.recorded, "start"),
    added(
      "start-up, program with node:http",
      "ms",
      startsWithModules.bare,
      startsWithModules.recorded,
      undefined,
    ),
    whole("clock draw on disk, among draws", "B", disk.draw, "drawBytes"),
    whole("clock draw on disk, on its own", "B", disk.loneDraw),
    whole("JSON exchange on disk, of 20 KB", "B", disk.json),
    whole("SSE exchange on disk, of 20 KB", "B", disk.sse),
  ];
}

/** `met`, `not met`, or nothing where there is no goal. */
export function verdict({ goal, figure }: Row): string {
  return goal === undefined ? "" : figure <= GOALS[goal] ? "met" : "not met";
}

const HEADER = ["", "bare", "with tracefork", "figure", "goal", "", "to bare", ""] as const;

function cells(row: Row): string[] {
  const { what, unit, bare, measured, figure, goal, note } = row;
  const sign = bare !== undefined && figure !== measured ? "+" : "";
  return [
    what,
    bare === undefined ? "" : shown(bare),
    shown(measured),
    `${sign}${shown(figure)} ${unit}`,
    goal === undefined ? "" : `${GOALS[goal]}`,
    verdict(row),
    bare === undefined ? "" : ratio(measured, bare),
    note,
  ];
}

/** The table of one runtime, for a terminal. */
export function textTable(rows: readonly Row[]): string {
  const lines = [[...HEADER], ...rows.map(cells)];
  const widths = HEADER.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const lay = (line: readonly string[]) =>
    line.map((cell, i) => i === 0 || i >= 5 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ")
      .trimEnd();
  return lines.map((line) => `  ${lay(line)}\n`).join("");
}

/** How many shares of a breakdown are shown. */
const TOP = 15;

/** A breakdown for a terminal. */
export function textBreakdown({ title, total, shares }: Breakdown): string {
  const lines = shares.slice(0, TOP).map(({ name, time }) => `  ${shown(time).padStart(8)}  ${name}`);
  return `${title}: ${shown(total)} µs\n${lines.join("\n")}\n`;
}

function markdownTable(lines: readonly (readonly string[])[], alignment: string): string {
  const [head, ...rest] = lines.map((line) => `| ${line.join(" | ")} |`);
  return [head, alignment, ...rest].join("\n");
}

/** What the document says besides figures. */
export interface Surroundings {
  readonly date: string;
  readonly machine: string;
  readonly load: string;
  readonly versions: Readonly<Record<RuntimeName, string>>;
  readonly tracefork: string;
}

const TITLES: Readonly<Record<RuntimeName, string>> = { deno: "Deno", bun: "Bun", node: "Node" };

function summary(all: ReadonlyMap<RuntimeName, readonly Row[]>): string {
  const names = [...all.keys()];
  const [first] = all.values();
  const rows = first!.filter(({ goal }) => goal !== undefined).map((row) => {
    const figures = names.map((name) => {
      const own = all.get(name)!.find(({ what }) => what === row.what)!;
      return `${shown(own.figure)}${verdict(own) === "met" ? "" : " ✗"}`;
    });
    return [row.what, row.unit, `${GOALS[row.goal!]}`, ...figures];
  });
  const head = ["", "unit", "goal", ...names.map((name) => TITLES[name])];
  return markdownTable([head, ...rows], `| --- | --- | --: | ${names.map(() => "--: ").join("| ")}|`);
}

/** What stands in the way of each goal, read off the profile and off each part measured by itself. */
const BOUNDS: Readonly<Record<Goal, string>> = {
  recorded:
    "a request is committed to SQLite before it leaves the process, its answer soon after: two transactions of 50 to 90 µs " +
    "each, in which every page that is touched is written whole (rows and indexes of chunks, bodies and events). Taking " +
    "the body in, comparing, cutting and hashing what is new is 40 to 60 µs at 10 KB, most of it the calls themselves; " +
    "searching the last 16 KB for secrets 30 to 40 µs, which at 10 KB is all of the body; `Request` and `Response` of the " +
    "platform 15 to 60 µs. None of it grows with the body as before: see the hot path. What would lower it is a log that " +
    "is appended to and put into SQLite by another process.",
  replayed:
    "the platform's own `Request`, `Response` and body stream take 10 µs on Bun and 25 to 45 µs on Deno and Node; the " +
    "request is searched for secrets and hashed as when it was recorded, the answer read from SQLite and hashed twice, " +
    "once to check the store and once for the replay's own chain. The code is still being compiled, too: after 2,600 " +
    "exchanges a replayed one takes 210 µs on Deno and Node and 145 µs on Bun. A stream's exchange is 22 deliveries, each " +
    "in a macrotask of its own.",
  draw:
    "what is above the goal are the kinds whose value takes work to write: `hrtime.bigint` is split by BigInt division " +
    "(90 ns in V8), a UUID's text is a rope that has to be flattened before it can be read (200 ns in V8), random " +
    "bytes are copied out of the program's own array. Hashing and writing are 2 to 4 ns a byte, and such a draw has 9 to " +
    "18 bytes. Clock draws, of which an agent has most, have two.",
  start:
    "on Deno any preload that uses `node:fs` or is CommonJS starts the layer for Node's modules (18 ms); on Bun " +
    "`node:http`, which has to be patched before the program imports it, and `node:zlib` load all of `node:stream` " +
    "(8 ms). A program that uses an npm package has paid for this by itself, as the row with `node:http` shows.",
  drawBytes: "a draw's bytes are a kind and a difference to the clock's last reading.",
};

/** The goals that are missed, each with where and why. */
function bounds(all: ReadonlyMap<RuntimeName, readonly Row[]>): string {
  const missed = new Map<Goal, Map<string, string[]>>();
  for (const [name, rows] of all) {
    for (const row of rows) {
      if (verdict(row) !== "not met") continue;
      const what = row.what.replace(/^(?:recorded|replayed|start-up,) (?:exchange, )?/, "");
      const places = missed.get(row.goal!) ?? new Map<string, string[]>();
      places.set(what, [...places.get(what) ?? [], TITLES[name]]);
      missed.set(row.goal!, places);
    }
  }
  if (missed.size === 0) return "Every goal is met.";
  const told = (places: ReadonlyMap<string, readonly string[]>) =>
    Array.from(places, ([what, names]) => `${what}: ${names.join(", ")}`).join("; ");
  return Array.from(
    missed,
    ([goal, places]) => `- **${GOAL_NAMES[goal]}** (${told(places)}): ${BOUNDS[goal]}`,
  )
    .join("\n");
}

const GOAL_NAMES: Readonly<Record<Goal, string>> = {
  recorded: "A recorded exchange",
  replayed: "A replayed exchange",
  draw: "A draw",
  start: "Start-up",
  drawBytes: "A clock draw on disk",
};

/** `docs/performance.md`. Not yet laid out as `deno fmt` wants it. */
export function performanceDocument(
  all: ReadonlyMap<RuntimeName, readonly Row[]>,
  hot: readonly HotRow[],
  breakdowns: readonly Breakdown[],
  { date, machine, load, versions, tracefork }: Surroundings,
): string {
  const sections = Array.from(all, ([name, rows]) => {
    const head = ["", "bare", "with tracefork", "figure", "goal", "", "to bare", "remarks"];
    const lines = [head, ...rows.map((row) => cells(row).map((cell) => cell.trim()))];
    return `### ${TITLES[name]}\n\n${
      markdownTable(lines, "| --- | --: | --: | --: | --: | --- | --: | --- |")
    }`;
  });
  const profiles = breakdowns.map(({ title, total, shares }) => {
    const rows = shares.slice(0, TOP).map(({ name, time }) => [shown(time), name.replace("  ", ", ")]);
    return `### ${title}: ${shown(total)} µs\n\n${
      markdownTable([["µs", "function"], ...rows], "| --: | --- |")
    }`;
  });
  return `${HEAD}
## Goals

tracefork ${tracefork}, ${date}, on ${machine} (load average ${load}).
${[...all.keys()].map((name) => `${TITLES[name]} ${versions[name]}`).join(", ")}.

${summary(all)}

✗: the goal is not met. What bounds it:

${bounds(all)}

## The hot path

An agent that sends its whole conversation again at every step, which grows by 2.5 KB each time; and the WASM core that
makes this cheap. [architecture.md](architecture.md#cost-follows-what-is-new) says how.

${hotTable(hot)}

![Size on disk and time added over the steps of a growing conversation, beside whole bodies](growth.svg)

✗: the goal is not met. What bounds it:

${HOT_BOUNDS}

${METHOD}
## All figures

${sections.join("\n\n")}

## Where the time goes

Node's sampling profiler, one sample every 100 µs. A sample counts for the innermost function of the preload on its
stack, so what SQLite, zstd or a RegExp does for a function is that function's. The profiler slows everything down:
the shares are what to read. Of a bare run all is agent and platform.

${profiles.join("\n\n")}
`;
}

/** What stands in the way of the hot path's goals that may be missed, read off profiles. */
const HOT_BOUNDS =
  `- **verify**: the start of Deno with tracefork in it is 70 ms of the command, before the tape is open. Of the rest a third
  is \`node:zlib\`: 1,300 chunks take 17 µs each on Deno, of which the frame itself is 3; it can't be asked for several
  frames in one call (Bun can). A fifth is reading the rows, a tenth each the digests of chunks, the digests of bodies,
  and the chain. Chunks of 8 KB would halve the first and add a third to the tape; frames of several chunks would
  shorten it to a tenth, at the price that a chunk can't be taken out of the file by itself.
- **A recorded exchange at step 800 against step 50**: what grows with the body is the platform's own work on a text of
  a megabyte, of which the recorder's share is encoding it (30 to 70 µs) and comparing it with the last one (40 to
  100 µs): both are bound by memory, not by arithmetic. The rest is the commit before the request leaves, 60 to 90 µs
  at any step.
- **Memory on Bun**: what is above the bare agent is mostly texts of requests that JavaScriptCore has not collected yet;
  the scanner itself keeps at most 16 MB, the connection to SQLite 2 MB.
- **1 MB that extends the last body by 2.5 KB**: in cache it is five to eight times as fast as \`node:crypto\`; a body that
  was made a moment ago is not in the cache, and copying and comparing it is then 0.15 ms of memory traffic against
  0.6 ms of hashing.
- **Four lanes in V8**: 890 MB/s; 3,300 vector operations for four blocks are near what the machine can issue.`;

const HEAD = `# What tracefork costs

<!-- Written by \`deno task bench --write\`; change scripts/bench/report.ts, not this file. -->

What a recording adds to an agent, and how long a replay takes. Run \`deno task bench\` for the figures of your
machine, \`deno task bench --quick\` for rough ones, \`deno task bench --profile\` for where the time goes. Times are of
one machine on one day: read the ratios.
`;

const METHOD = `## How it is measured

- **Exchange**: an agent posts 400 JSON bodies to a loopback server in another process, one after the other, and reads
  each answer whole. A body is a conversation that is sent again at every step, 6 to 14 KB, 10 KB at the mean; an
  answer is 10 KB that never came before: JSON, or a stream of 20 chunks that are 0.5 ms apart. The same script runs
  bare, recorded, and bare again as a control, three processes at a time, of which the server lets one go on for ten
  exchanges while the others wait. The figures are medians after 400 exchanges of warm-up; _added_ is recorded minus bare;
  _noise_ is by how much the control differs from the first bare run. The replay runs by itself, without the server.
- **Its processor time**: of the process, all threads, at the mean, with what the recorder does between exchanges.
- **Draw**: 1,000,000 calls of each kind in ten rounds, three processes for each mode in turn, the median of the
  rounds. Processor time of the process, writing to the tape included.
- **Clock of the agent**: a file that is loaded before the preload, in bare runs too, keeps the platform's own
  \`performance.now\` and \`process.cpuUsage\`. So an agent can time itself without drawing.
- **Start-up**: from the start of a process to its end, 20 times bare and recorded in turn, the median; into a store that
  exists, with the preload named by a flag, nothing else. The run's closing is in it. A program that imports
  \`node:http\`, as SDKs do, has loaded much of what the preload needs.
- **Growing conversation**: 800 steps, bare and recorded by \`tracefork run\` in turn, ten steps each; at a step: the
  median of the 40 steps up to it. Sizes are of runs of that many steps, each a tape of its own. The replay runs by
  itself. verify is the whole command, the runtime's start in it, in turn with \`openssl dgst -sha256\` over a file of
  all bodies, one after the other; the median of five. Whole bodies: hashed by the host, a row of SQLite each.
- **WASM core**: both sides in turn within one process; the lower quartile.
- **Disk**: the size of the tape that \`tracefork run -o\` leaves, less that of an empty run, divided by how many there are
  in it. The exchanges are those of above.
`;
