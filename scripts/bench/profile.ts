/**
 * Where the time goes, by Node's own sampling profiler: each sample counts for the innermost function of the
 * preload on its stack, so that what a function has the platform do (SQLite, zstd, a RegExp) is its own. What
 * has no such function on its stack is the agent and the platform.
 */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PRELOAD_SOURCE } from "../../core/launch/preload_generated.ts";
import type { AgentMode, BenchPlace } from "./bench_place.ts";
import type { BodyKind, ExchangeReport } from "./measure.ts";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds of the monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** One line of a breakdown. */
export interface Share {
  readonly name: string;
  /** Microseconds for each exchange (or each process). */
  readonly time: number;
}

/** A breakdown of one kind of run. */
export interface Breakdown {
  readonly title: string;
  /** Time of the processor for each exchange (or each process), in microseconds. */
  readonly total: number;
  readonly shares: readonly Share[];
}

/** Functions of the preload that only pass a call on: what the platform does below them is the platform's. */
const PASSES_ON = /^(?:send|pull|go) .*\/fetch|^\(anonymous\) .*\/ending\.ts$/;

/** Frames that stand for the profiler's own categories. */
const GARBAGE = "(garbage collector)";
const IDLE = "(idle)";
const REST = "agent and platform";

/** For each line of the preload the source file that it came from: the bundler writes it above each module. */
function sourceOfLines(): string[] {
  let file = "";
  return PRELOAD_SOURCE.split("\n").map((line) =>
    file = /^\/\/ ((?:core|wasm)\/\S+)$/.exec(line)?.[1] ?? file
  );
}

/** For each node the name that its samples count for; undefined for idle time. */
function nameNodes(profile: Profile): Map<number, string | undefined> {
  const sources = sourceOfLines();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const names = new Map<number, string | undefined>();
  const queue: [ProfileNode, string][] = [[profile.nodes[0]!, REST]];
  for (const [node, above] of queue) {
    const { functionName, url, lineNumber } = node.callFrame;
    const own = url.endsWith("/preload.cjs")
      ? `${functionName || "(anonymous)"}  ${sources[lineNumber]}`
      : above;
    names.set(node.id, functionName === IDLE ? undefined : functionName === GARBAGE ? GARBAGE : own);
    const below = PASSES_ON.test(own) ? REST : own;
    for (const id of node.children ?? []) queue.push([nodes.get(id)!, below]);
  }
  return names;
}

function breakDown(
  title: string,
  profile: Profile,
  count: number,
  window?: readonly [number, number],
): Breakdown {
  const names = nameNodes(profile);
  const sums = new Map<string, number>();
  let at = profile.startTime;
  profile.samples.forEach((id, i) => {
    // A delta is the time since the sample before; it is taken to be spent in this one.
    at += profile.timeDeltas[i]!;
    const name = names.get(id);
    if (name === undefined || (window !== undefined && (at < window[0] || at > window[1]))) return;
    sums.set(name, (sums.get(name) ?? 0) + profile.timeDeltas[i]! / count);
  });
  const shares = Array.from(sums, ([name, time]) => ({ name, time })).sort((a, b) => b.time - a.time);
  return { title, total: shares.reduce((sum, { time }) => sum + time, 0), shares };
}

async function profiled(place: BenchPlace, name: string, start: Parameters<BenchPlace["run"]>[0]) {
  const folder = join(place.folder, `profile-${name}`);
  mkdirSync(folder);
  const flags = ["--cpu-prof", "--cpu-prof-interval=100", `--cpu-prof-dir=${folder}`];
  const text = await place.run({ ...start, flags });
  return {
    text,
    profile: JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), "utf8")) as Profile,
  };
}

/** Exchanges before those that count, so that the code is compiled. */
const WARM_UP = 400;
/** Exchanges of a profile: enough that a sample every 100 µs hits all that matters. */
const COUNT: Readonly<Record<BodyKind, number>> = { json: 1_000, sse: 200 };

const TITLES: Readonly<Record<AgentMode, string>> = { bare: "bare", record: "recorded", replay: "replayed" };

/** Profiles exchanges and the start on Node. */
export async function profileNode(place: BenchPlace, note: (what: string) => void): Promise<Breakdown[]> {
  const breakdowns: Breakdown[] = [];
  for (const kind of ["json", "sse"] as const) {
    const count = COUNT[kind];
    const tape = join(place.folder, `profile-${kind}.tape`);
    for (const mode of ["bare", "record", "replay"] as const satisfies AgentMode[]) {
      note(`profile: ${kind}, ${mode}`);
      await place.takeTurns(["alone"]);
      const args = [place.server, "alone", kind, WARM_UP, count, 10];
      const start = { runtime: "node", mode, script: "agent_exchanges.ts", args, tape } as const;
      const { text, profile } = await profiled(place, `${kind}-${mode}`, start);
      const { window } = JSON.parse(text) as ExchangeReport;
      breakdowns.push(breakDown(`${kind.toUpperCase()} exchange, ${TITLES[mode]}`, profile, count, window));
    }
  }
  note("profile: start");
  const store = join(place.folder, "profile-store.db");
  const script = "agent_plain.ts";
  const start = { runtime: "node", mode: "record", script, args: [0], store, clock: false } as const;
  await place.run(start);
  const { profile } = await profiled(place, "start", start);
  breakdowns.push(breakDown("empty process, recorded", profile, 1));
  return breakdowns;
}
