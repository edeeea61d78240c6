/**
 * `fork`: proves the parent, runs its command again from the tape up to a step, serves another answer there, and
 * records what follows as a run of its own.
 */

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Exchange, readExchanges } from "../analyse/exchanges.ts";
import { TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { FORK_FILE, type ForkOrders } from "../preload/fork_orders.ts";
import type { ForkReport, ForkRequest } from "../preload/forking.ts";
import type { ReplayOptions } from "../preload/orders.ts";
import type { Divergence } from "../session/divergence.ts";
import { firstPlace, placeOfStep, stopsOf } from "../session/fork_point.ts";
import type { Tail } from "../session/fork.ts";
import { placeholderFor } from "../session/redact.ts";
import type { FoundRun } from "../store/find.ts";
import { lanesOf } from "../store/runs.ts";
import { outputOf, tapeSource } from "../store/tape_reader.ts";
import { verifyRun } from "../store/verify.ts";
import { TYPE } from "../tape/events.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { type ChangeWish, describeWish, makeChange } from "./fork_change.ts";
import {
  divergenceOf,
  hereZone,
  NOT_STARTED,
  readReports,
  silentLane,
  stuckDivergence,
} from "./lane_reports.ts";
import { hashFiles, type Recorded, recordRun } from "./record_run.ts";

/** What to fork, and how. */
export interface ForkPlan {
  readonly tape: FoundRun;
  /** At least one; the one whose answer came first is where the run is forked. */
  readonly wishes: readonly ChangeWish[];
  readonly tail: Tail;
  /** What random draws come from; left out, parent and changes decide. */
  readonly seed: string | undefined;
  readonly force: boolean;
  /** Another command than the recorded one; empty for the recorded one. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file that gets the branch. */
  readonly path: string;
  readonly ownFile: boolean;
  readonly overwrite: boolean;
  readonly name: string | undefined;
  readonly capture: boolean;
  readonly showOutput: NodeJS.WritableStream | undefined;
  readonly closedInput?: boolean;
  readonly stallAfter: number;
  readonly onStart: (added: readonly string[]) => void;
}

/** What a fork is going to do. */
export interface ForkOutline {
  readonly orders: ForkOrders;
  /** The step at which the run is forked. */
  readonly step: number;
  readonly changes: readonly { readonly step: number; readonly what: string }[];
  /** Recorded exchanges that are replayed, that were in flight at the fork, and that came later. */
  readonly replayed: readonly Exchange[];
  readonly inFlight: readonly Exchange[];
  readonly later: readonly Exchange[];
}

/** What came of it. */
export interface Forked {
  readonly outline: ForkOutline;
  /** The branch; undefined where the fork diverged before its step. */
  readonly recorded: Recorded | undefined;
  readonly interrupted: boolean;
  readonly divergence: Divergence | undefined;
  readonly prefix: { readonly exchanges: number; readonly draws: number; readonly deliveries: number };
  readonly requests: readonly ForkRequest[];
  /** Steps of which the change was never served. */
  readonly unserved: readonly number[];
  /** Secret variables that are not set here. */
  readonly missing: readonly string[];
}

/** @throws TraceforkError TF_TAPE_DAMAGED or TF_TAPE_IN_USE. */
function proveParent({ db, run }: FoundRun): void {
  if (run.state === "recording") {
    throw new TraceforkError("TF_TAPE_IN_USE", `Cannot fork ${run.id}: it is still being recorded`, {
      hint: "wait until it has ended",
    });
  }
  const flaw = verifyRun(db, createWasmCore(), run).flaws[0];
  if (flaw === undefined) return;
  const place = flaw.seq === undefined ? "" : ` at step ${flaw.step}, lane ${flaw.lane} event ${flaw.seq}`;
  throw new TraceforkError(
    "TF_TAPE_DAMAGED",
    `Cannot fork ${run.id}: it is not what was recorded${place}: ${flaw.message}`,
    { hint: "the agent was not run; `tracefork verify` names every place" },
  );
}

function checkSteps(plan: ForkPlan, exchanges: readonly Exchange[]): void {
  const { run } = plan.tape;
  const wrong = plan.wishes.find(({ step }) => exchanges[step] === undefined);
  if (wrong !== undefined) {
    const { length } = exchanges;
    const range = length === 0
      ? "it holds no exchange"
      : length === 1
      ? "its only step is 0"
      : `its steps are 0 to ${length - 1}`;
    throw new TraceforkError(
      "TF_STEP_OUT_OF_RANGE",
      `Cannot fork ${run.id} at step ${wrong.step}: ${range}`,
      {
        hint: `\`tracefork show ${run.id}\` lists the steps`,
      },
    );
  }
}

/** Says what a fork is going to do. @throws TraceforkError for a parent, a step or a change that can't be. */
export function outlineFork(plan: ForkPlan): ForkOutline {
  const { db, path, run } = plan.tape;
  proveParent(plan.tape);
  const source = tapeSource(db, createWasmCore(), run.key);
  const { exchanges } = readExchanges(source);
  checkSteps(plan, exchanges);
  const laneStep = ({ lane, step }: Exchange) =>
    exchanges.filter((each) => each.lane === lane && each.step < step).length;
  const changes = plan.wishes.flatMap((wish) => {
    const exchange = exchanges[wish.step]!;
    return makeChange(wish, exchange, laneStep(exchange), plan.force) ?? [];
  });
  const rows = source.events();
  const place = firstPlace(plan.wishes.map(({ step }) => placeOfStep(rows, step)!));
  const stops = stopsOf(rows, place);
  const told = plan.wishes.map((wish) => ({ step: wish.step, what: describeWish(wish) }));
  const derived = JSON.stringify([run.fingerprint && toHex(run.fingerprint), plan.tail, place.step, changes]);
  const seed = createHash("sha256").update(`tracefork fork\n${plan.seed ?? derived}`).digest("hex");
  const starts = rows.filter(({ type }) => type === TYPE.request);
  const asked = exchanges.filter((_, i) => starts[i]!.seq < (stops[starts[i]!.lane] ?? 0));
  const over = (each: Exchange) =>
    each.endedAt !== undefined && each.endedAt <= place.at && each.step !== place.step;
  return {
    orders: {
      path,
      parent: run.id,
      tail: plan.tail,
      seed,
      stops,
      lane: place.lane,
      at: place.at,
      changes,
    },
    step: place.step,
    changes: told,
    replayed: asked.filter(over),
    inFlight: asked.filter((each) => !over(each) && each.step !== place.step),
    later: exchanges.filter((each) => !asked.includes(each)),
  };
}

/** Forks a run. @throws TraceforkError where it can't begin. */
export async function forkRun(plan: ForkPlan): Promise<Forked> {
  const { db, run } = plan.tape;
  const { about } = run;
  const outline = outlineFork(plan);
  const own = plan.command.length === 0;
  const command = own ? about.command : plan.command;
  const cwd = own && existsSync(about.cwd) ? about.cwd : plan.cwd;
  const files = own ? hashFiles(about.command, cwd) : {};
  const codeChanged = !own || Object.entries(about.files).some(([name, hash]) => files[name] !== hash);
  const missing = about.secrets.filter((name) => !plan.env[name]);
  const options: ReplayOptions = { stallAfter: plan.stallAfter, codeChanged };
  const folder = mkdtempSync(join(tmpdir(), "tracefork-fork-"));
  let stuck: ForkReport | undefined;
  let reports: ForkReport[] = [];
  const forkedWell = () =>
    reports.some(({ lane, forked }) => lane === outline.orders.lane && forked) &&
    reports.every(({ divergence }) => divergence === undefined);
  try {
    writeFileSync(join(folder, FORK_FILE), JSON.stringify(outline.orders), { mode: 0o600 });
    const recorded = await recordRun({
      command,
      cwd,
      env: {
        ...plan.env,
        ...Object.fromEntries(
          Object.entries(about.ambient).map(([name, value]) => [name, value ?? undefined]),
        ),
        ...Object.fromEntries(missing.map((name) => [name, placeholderFor(name)])),
        ...(plan.env.TZ === undefined && hereZone() !== about.timezone ? { TZ: about.timezone } : {}),
      },
      path: plan.path,
      ownFile: plan.ownFile,
      overwrite: plan.overwrite,
      name: plan.name,
      redact: about.redact,
      capture: plan.capture,
      showOutput: plan.showOutput,
      closedInput: plan.closedInput ?? false,
      onStart: plan.onStart,
      branch: {
        parent: { id: run.id, step: outline.step },
        about: {
          ambient: about.ambient,
          timezone: about.timezone,
          fork: {
            at: outline.orders.at,
            tail: plan.tail,
            seed: outline.orders.seed,
            changes: outline.changes,
          },
        },
        captured: about.captured,
        secrets: about.secrets,
        stdin: about.captured.includes("stdin") ? outputOf(db, run.key, 0) : undefined,
        env: {
          TRACEFORK_MODE: "fork",
          TRACEFORK_REPORT: folder,
          TRACEFORK_OPTIONS: JSON.stringify(options),
        },
        files: [plan.tape.path],
        folder,
        pid: lanesOf(db, run.key).find(({ lane }) => lane === 0)?.pid,
        look: () =>
          (stuck = silentLane<ForkReport>(folder, plan.stallAfter + 1, ({ forked }) => forked)) !== undefined,
        keep: () => {
          reports = readReports<ForkReport>(folder);
          return forkedWell();
        },
      },
    });
    const kept = forkedWell();
    const sum = (key: "exchanges" | "draws" | "deliveries") =>
      reports.reduce((total, { prefix }) => total + prefix[key], 0);
    const { exchanges } = readExchanges(tapeSource(db, createWasmCore(), run.key));
    const stepOf = (lane: number, laneStep: number) =>
      exchanges.filter((each) => each.lane === lane)[laneStep]?.step;
    return {
      outline,
      recorded: kept ? recorded : undefined,
      interrupted: recorded.end.interrupted,
      divergence: kept ? undefined : divergedBefore(reports, stuck, plan, outline),
      prefix: { exchanges: sum("exchanges"), draws: sum("draws"), deliveries: sum("deliveries") },
      requests: reports.flatMap(({ lane, requests }) =>
        requests.map(({ step, ...request }) => {
          const whole = step === undefined ? undefined : stepOf(lane, step);
          return whole === undefined ? request : { ...request, step: whole };
        })
      ),
      unserved: reports.flatMap(({ lane, unserved }) => unserved.map((each) => stepOf(lane, each)!)),
      missing,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function divergedBefore(
  reports: readonly ForkReport[],
  stuck: ForkReport | undefined,
  plan: ForkPlan,
  { step }: ForkOutline,
): Divergence {
  const found = (stuck && stuckDivergence(stuck, plan.stallAfter + 1)) ??
    reports.find(({ divergence }) => divergence !== undefined)?.divergence ??
    reports.find(({ leftOver }) => leftOver !== undefined)?.leftOver;
  return found ?? divergenceOf({
    step,
    kind: "exit",
    cause: reports.length === 0 ? "boundary_violation" : "missing_request",
    expected: `step ${step}`,
    got: "the end of the run",
    ...(reports.length === 0 ? { hint: NOT_STARTED } : {}),
  });
}
