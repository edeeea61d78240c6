/**
 * What is measured, each on one runtime. Bare and recorded runs are interleaved: exchanges in blocks by the
 * server's turns, whole processes one after the other. A second bare run takes part as a control: by what it
 * differs from the first is noise.
 */

import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentMode, BenchPlace, RuntimeName } from "./bench_place.ts";
import { median } from "./figures.ts";

/** How much is measured. */
export interface Effort {
  readonly warmUp: number;
  readonly exchanges: number;
  readonly streams: number;
  readonly draws: number;
  readonly drawRuns: number;
  readonly starts: number;
}

export const FULL: Effort = {
  warmUp: 400,
  exchanges: 400,
  streams: 200,
  draws: 1_000_000,
  drawRuns: 3,
  starts: 20,
};
export const QUICK: Effort = {
  warmUp: 100,
  exchanges: 100,
  streams: 40,
  draws: 200_000,
  drawRuns: 1,
  starts: 6,
};

/** Exchanges of one agent before it is the next one's turn. */
const BLOCK = 10;
const ROUNDS = 10;

export type BodyKind = "json" | "sse";

/** Microseconds of one exchange, at the median. */
export interface ExchangeFigures {
  readonly bare: number;
  readonly recorded: number;
  readonly replayed: number;
  /** What the control differs from the bare run by. */
  readonly noise: number;
  /** Processor time of an exchange, at the mean; recorder's work between exchanges included. */
  readonly cpu: { readonly bare: number; readonly recorded: number };
  /** Chunks that the agent read of an answer, at the mean. */
  readonly chunks: { readonly bare: number; readonly recorded: number };
}

/** What `agent_exchanges.ts` prints. */
export interface ExchangeReport {
  readonly times: readonly number[];
  readonly cpu: number;
  readonly chunks: number;
  /** Microseconds of the monotonic clock between which the exchanges lay. */
  readonly window: readonly [number, number];
}

/** Time of exchanges. */
export async function measureExchanges(
  place: BenchPlace,
  runtime: RuntimeName,
  kind: BodyKind,
  effort: Effort,
): Promise<ExchangeFigures> {
  const tape = join(place.folder, `${runtime}-${kind}.tape`);
  const count = kind === "json" ? effort.exchanges : effort.streams;
  const run = async (mode: AgentMode, name: string) => {
    const args = [place.server, name, kind, effort.warmUp, count, BLOCK];
    const text = await place.run({ runtime, mode, script: "agent_exchanges.ts", args, tape });
    return JSON.parse(text) as ExchangeReport;
  };
  await place.takeTurns(["bare", "recorded", "control"]);
  const [bare, recorded, control] = await Promise.all([
    run("bare", "bare"),
    run("record", "recorded"),
    run("bare", "control"),
  ]);
  const replayed = await run("replay", "recorded");
  return {
    bare: median(bare.times),
    recorded: median(recorded.times),
    replayed: median(replayed.times),
    noise: Math.abs(median(control.times) - median(bare.times)),
    cpu: { bare: bare.cpu, recorded: recorded.cpu },
    chunks: { bare: bare.chunks, recorded: recorded.chunks },
  };
}

/** Nanoseconds of processor time of one draw, writing it to the file included. */
export type DrawFigures = Readonly<Record<AgentMode, number>>;

/** Time of draws, by kind. */
export async function measureDraws(
  place: BenchPlace,
  runtime: RuntimeName,
  effort: Effort,
): Promise<ReadonlyMap<string, DrawFigures>> {
  const samples = new Map<string, Record<AgentMode, number[]>>();
  for (let i = 0; i < effort.drawRuns; i++) {
    const tape = join(place.folder, `${runtime}-draws-${i}.tape`);
    for (const mode of ["bare", "record", "replay"] as const) {
      const args = [effort.draws, ROUNDS];
      const text = await place.run({ runtime, mode, script: "agent_draws.ts", args, tape });
      const { figures } = JSON.parse(text) as { figures: Record<string, number[]> };
      for (const [kind, rounds] of Object.entries(figures)) {
        const kept = samples.get(kind) ?? { bare: [], record: [], replay: [] };
        kept[mode].push(...rounds);
        samples.set(kind, kept);
      }
    }
  }
  return new Map(
    Array.from(
      samples,
      ([kind, { bare, record, replay }]) =>
        [kind, { bare: median(bare), record: median(record), replay: median(replay) }] as const,
    ),
  );
}

/** Milliseconds from the start of a process to its end, at the median. */
export interface StartFigures {
  readonly bare: number;
  readonly recorded: number;
}

/** Time of a whole process that runs `text`: the preload's start, and the closing of its run. */
export async function measureStarts(
  place: BenchPlace,
  runtime: RuntimeName,
  effort: Effort,
  text: string,
): Promise<StartFigures> {
  const script = join(place.folder, "program.mjs");
  writeFileSync(script, text);
  const store = join(place.folder, `${runtime}-store.db`);
  const samples: Record<"bare" | "record", number[]> = { bare: [], record: [] };
  // The first round makes the store and warms the caches.
  for (let i = -1; i < effort.starts; i++) {
    for (const mode of ["bare", "record"] as const) {
      const before = performance.now();
      await place.run({ runtime, mode, script, store, clock: false });
      if (i >= 0) samples[mode].push(performance.now() - before);
    }
  }
  return { bare: median(samples.bare), recorded: median(samples.record) };
}

/** Bytes on disk, beyond what an empty run takes. */
export interface DiskFigures {
  /** Of a clock draw among other draws. */
  readonly draw: number;
  /** Of a clock draw alone between two other events. */
  readonly loneDraw: number;
  readonly json: number;
  readonly sse: number;
}

/** Size of what `tracefork run` leaves, each kind recorded into a tape of its own. */
export async function measureDisk(place: BenchPlace, runtime: RuntimeName): Promise<DiskFigures> {
  const [DRAWS, TIMERS, EXCHANGES] = [200_000, 4_000, 200];
  const size = async (...args: (string | number)[]) => {
    const tape = join(place.folder, `${runtime}-disk-${args.join("-").replaceAll(/\W+/g, "-")}.tape`);
    await place.runRecorded({ runtime, script: "agent_plain.ts", args, tape });
    return statSync(tape).size;
  };
  const none = await size(0);
  const timers = await size(TIMERS, "timer");
  return {
    draw: (await size(DRAWS, "draw") - none) / DRAWS,
    loneDraw: (await size(TIMERS, "timer", "draw") - timers) / TIMERS,
    json: (await size(EXCHANGES, "json", place.server) - none) / EXCHANGES,
    sse: (await size(EXCHANGES, "sse", place.server) - none) / EXCHANGES,
  };
}

/** All figures of one runtime. */
export interface RuntimeFigures {
  readonly json: ExchangeFigures;
  readonly sse: ExchangeFigures;
  readonly draws: ReadonlyMap<string, DrawFigures>;
  readonly starts: StartFigures;
  readonly startsWithModules: StartFigures;
  readonly disk: DiskFigures;
}

/** Measures everything on one runtime. */
export async function measureRuntime(
  place: BenchPlace,
  runtime: RuntimeName,
  effort: Effort,
  note: (what: string) => void,
): Promise<RuntimeFigures> {
  const step = <T>(what: string, done: Promise<T>) => (note(`${runtime}: ${what}`), done);
  return {
    json: await step("exchanges, JSON", measureExchanges(place, runtime, "json", effort)),
    sse: await step("exchanges, streamed", measureExchanges(place, runtime, "sse", effort)),
    draws: await step("draws", measureDraws(place, runtime, effort)),
    starts: await step("start-up", measureStarts(place, runtime, effort, "")),
    startsWithModules: await step(
      "start-up with modules",
      measureStarts(place, runtime, effort, 'import "node:http";'),
    ),
    disk: await step("bytes on disk", measureDisk(place, runtime)),
  };
}
