/**
 * What a conversation costs that grows by 2.5 KB at every step and is sent whole each time: size on disk, time added to
 * an exchange, time to verify and to load, against the number of steps. Bare and recorded agents take turns.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { openSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchPlace, RuntimeName } from "./bench_place.ts";
import { median } from "./figures.ts";
import { growing, GROWTH } from "./texts.ts";

const CLI = join(dirname(fileURLToPath(import.meta.url)), "../../cli.ts");
/** Steps at which sizes are measured, each in a run of its own. */
export const MARKS: readonly number[] = [50, 100, 200, 400, 800];
/** Steps before a mark over which times are taken. */
const WINDOW = 40;
const BLOCK = 10;
/** How often verify and openssl run in turn. */
const ROUNDS = 5;

interface AgentReport {
  readonly times: readonly number[];
  readonly bytes: number;
  readonly memory: number;
}

/** Figures at one number of steps. */
export interface GrowthMark {
  readonly steps: number;
  /** Bytes of all request bodies so far. */
  readonly bodies: number;
  /** Bytes of the tape. */
  readonly tape: number;
  /** Microseconds that recording adds to an exchange here; of a replayed exchange; of storing the body whole. */
  readonly added: number;
  readonly replayed: number;
  readonly whole: number;
}

export interface GrowthFigures {
  readonly runtime: RuntimeName;
  readonly marks: readonly GrowthMark[];
  /** Milliseconds. */
  readonly verify: number;
  readonly openssl: number;
  /** Milliseconds and bytes of loading the tape for a replay. */
  readonly load: { readonly ms: number; readonly memory: number };
  /** Bytes of resident memory at the most. */
  readonly memory: { readonly bare: number; readonly recorded: number; readonly replayed: number };
}

const at = (times: readonly number[], step: number) => median(times.slice(step - WINDOW, step));

/** Milliseconds of a command's processor-bound run, at the median of some, in turn with another one. */
function inTurn(first: () => void, second: () => void): [number, number] {
  const samples: [number[], number[]] = [[], []];
  for (let i = -1; i < ROUNDS; i++) {
    for (const [k, run] of [first, second].entries()) {
      const before = performance.now();
      run();
      if (i >= 0) samples[k]!.push(performance.now() - before);
    }
  }
  return [median(samples[0]), median(samples[1])];
}

function writeBodies(file: string, steps: number): void {
  const out = openSync(file, "w");
  const encoder = new TextEncoder();
  for (const body of growing(steps)) writeSync(out, encoder.encode(body));
}

function mustRun(command: string, args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot measure ${command}: ${error?.message ?? stderr}`);
}

/** Measures the growth on one runtime. `deno` runs verify. */
export async function measureGrowth(
  place: BenchPlace,
  runtime: RuntimeName,
  deno: string,
  steps = MARKS.at(-1)!,
): Promise<GrowthFigures> {
  const args = (name: string, count: number) => [place.server, name, count, BLOCK];
  const script = "agent_growth.ts";
  const marks = MARKS.filter((each) => each <= steps);
  const tape = join(place.folder, `${runtime}-growth.tape`);
  const parse = (text: string) => JSON.parse(text) as AgentReport;

  await place.takeTurns(["bare", "recorded"]);
  const [bare, recorded] = await Promise.all([
    place.run({ runtime, mode: "bare", script, args: args("bare", steps) }).then(parse),
    place.runRecorded({ runtime, script, args: args("recorded", steps), tape, clock: true }).then(parse),
  ]);
  // The agent of a replay may not draw its own clock from the tape: recorded with the clock loaded before the preload.
  const own = join(place.folder, `${runtime}-growth-own.tape`);
  await place.takeTurns(["own"]);
  await place.run({ runtime, mode: "record", script, args: args("own", steps), tape: own });
  const replayed = parse(
    await place.run({ runtime, mode: "replay", script, args: args("own", steps), tape: own }),
  );

  const sizes = new Map([[steps, statSync(tape).size]]);
  for (const mark of marks.filter((each) => each !== steps)) {
    const path = join(place.folder, `${runtime}-growth-${mark}.tape`);
    await place.takeTurns(["sized"]);
    await place.runRecorded({ runtime, script, args: args("sized", mark), tape: path, clock: true });
    sizes.set(mark, statSync(path).size);
  }
  const whole = parse(
    await place.run({
      runtime,
      mode: "bare",
      script: "whole_bodies.ts",
      args: [join(place.folder, `${runtime}-whole.db`), steps],
    }),
  );

  const bodies = join(place.folder, "growth.bodies");
  writeBodies(bodies, steps);
  const [verify, openssl] = inTurn(
    () => mustRun(deno, ["run", "-A", CLI, "verify", tape]),
    () => void execFileSync("openssl", ["dgst", "-sha256", bodies]),
  );
  const load = JSON.parse(
    await place.run({ runtime, mode: "bare", script: "agent_load.ts", args: [tape] }),
  ) as GrowthFigures["load"];

  let sum = 0;
  const sent = [...growing(steps)].map((body) => sum += body.length);
  return {
    runtime,
    marks: marks.map((mark) => ({
      steps: mark,
      bodies: sent[mark - 1]!,
      tape: sizes.get(mark)!,
      added: at(recorded.times, mark) - at(bare.times, mark),
      replayed: at(replayed.times, mark),
      whole: at(whole.times, mark),
    })),
    verify,
    openssl,
    load,
    memory: { bare: bare.memory, recorded: recorded.memory, replayed: replayed.memory },
  };
}

/** Bytes of the tape for each step between the first and the last mark but one, and between the last two. */
export function bytesPerStep(marks: readonly GrowthMark[]): readonly number[] {
  return marks.slice(1).map((mark, i) => (mark.tape - marks[i]!.tape) / (mark.steps - marks[i]!.steps));
}

/** New text of each step, in bytes. */
export const NEW_TEXT = GROWTH;
