/**
 * Replays into this process: loads the lane's events, serves them, watches for a stall, and leaves a report
 * for the launcher. What the report says is what this process saw; the launcher draws the conclusions.
 */

import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { TraceforkError } from "../base/errors.ts";
import { sameBytes } from "../base/bytes.ts";
import { fromHex, toHex } from "../base/hex.ts";
import type { Divergence } from "../session/divergence.ts";
import { createJudge, type Finding } from "../session/judge.ts";
import { type Counts, LaneLog } from "../session/lane_log.ts";
import { placeholderFor, type Redactor } from "../session/redact.ts";
import { ReplaySession } from "../session/replay.ts";
import type { Turns } from "../session/turns.ts";
import { maskSecret } from "../store/handed_secrets.ts";
import { openDatabase } from "../store/database.ts";
import { locateStore } from "../store/locate.ts";
import { environmentOf, type Lane, lanesOf, listRuns, runById, type Variable } from "../store/runs.ts";
import { tapeSource } from "../store/tape_reader.ts";
import { TYPE } from "../tape/events.ts";
import type { Platform } from "../seams/install.ts";
import { disguise, plain, shapedLike } from "../seams/registry.ts";
import type { Core } from "../../wasm/core.ts";
import { type Orders, readEnv } from "./orders.ts";
import { COMMIT_AFTER } from "./recording.ts";
import { refTimer } from "./ref_timer.ts";
import { refuseNetwork } from "./refuse_network.ts";

/** How often the watchdog looks, in milliseconds. */
const LOOK_EVERY = 250;
/** Below this share of one core a process counts as idle. */
const IDLE_SHARE = 0.6;
/** How long a runtime may load modules before the first event, in looks. */
const LOADING_LOOKS = 120;

/** What a lane's replay tells its launcher. */
export interface LaneReport {
  readonly lane: number;
  readonly argv: readonly string[];
  readonly counts: Counts;
  readonly events: { readonly recorded: number; readonly done: number };
  readonly drawsLeft: number;
  /** Calls that went to the network for real. */
  readonly network: number;
  /** Last link (hex) of the chain that this replay computed. */
  readonly link: string;
  readonly done: boolean;
  /** Secrets that were learned here, masked, so that the launcher keeps them out of the output that it compares. */
  readonly learned: readonly string[];
  readonly divergence: Divergence | undefined;
  /** What the tape had next where it was not done. */
  readonly leftOver: Divergence | undefined;
}

/** A replay in this process. */
export interface Replaying {
  readonly session: ReplaySession;
  flush(last?: boolean): void;
  end(code: number): void;
}

/**
 * Takes a free lane: one that ran the same command, where there is one, because processes that start side by side
 * may come in another order. Report files are made exclusively.
 */
function takeLane(
  folder: string | undefined,
  recorded: readonly Lane[],
): { lane: number; path: string | undefined } {
  if (folder === undefined) return { lane: 0, path: undefined };
  const own = JSON.stringify(process.argv);
  const same = recorded.filter(({ argv }) => JSON.stringify(argv) === own).map(({ lane }) => lane);
  const others = recorded.map(({ lane }) => lane).filter((lane) => !same.includes(lane));
  for (let i = 0;; i++) {
    const order = [...same, ...others];
    const lane = order[i] ?? i;
    const path = join(folder, `lane-${lane}.json`);
    try {
      closeSync(openSync(path, "wx", 0o600));
      return { lane, path };
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST" && !/exists/i.test(String(error))) throw error;
    }
  }
}

/** Puts the recorded environment in place: what was read then reads the same now. */
export function restoreEnvironment(variables: readonly Variable[]): void {
  const { env } = globalThis.process;
  for (const { name, value, secret } of variables) {
    try {
      if (secret) env[name] ||= placeholderFor(name);
      else if (value === undefined) delete env[name];
      else env[name] = value;
    } catch {
      // A variable that this process may not read: the program could not then, and can't now.
    }
  }
}

/**
 * The process id that the program sees is the recorded one: runtimes print it in their warnings. Who signals it
 * means this process.
 */
export function restorePid(recorded: number | undefined): void {
  if (recorded === undefined) return;
  const real = process.pid;
  const { Deno } = globalThis as unknown as { Deno?: object };
  const { kill } = process;
  const mapped = plain((pid: number, ...rest: [NodeJS.Signals?]) =>
    kill.call(process, pid === recorded ? real : pid, ...rest)
  );
  process.kill = disguise(shapedLike(mapped, kill), kill) as typeof kill;
  for (const target of [process, ...(Deno === undefined ? [] : [Deno])]) {
    try {
      const native = Object.getOwnPropertyDescriptor(target, "pid");
      const looks = { configurable: true, enumerable: native?.enumerable ?? true };
      Object.defineProperty(
        target,
        "pid",
        native?.get === undefined
          ? { ...looks, value: recorded, writable: native?.writable ?? true }
          : { ...looks, get: disguise(() => recorded, native.get), set: native.set },
      );
    } catch {
      // A runtime that does not let it be set shows its own.
    }
  }
}

// Taken before the program runs: one that replaces them must not be able to keep a divergence to itself.
const { stringify } = JSON;
const writeFile = writeFileSync;
const writePlace = writeSync;
const { reallyExit, exit } = process as unknown as Record<"reallyExit" | "exit", (code: number) => never>;

/** Writes a report, past whatever the program has made of the functions for it. */
export function writeReport(path: string, report: LaneReport): void {
  writeFile(path, stringify(report));
}

/** Ends the process at once, past the program's own handlers where the runtime allows. */
export function exitNow(code: number): never {
  if (reallyExit !== undefined) reallyExit.call(process, code);
  return exit.call(process, code);
}

/** Starts the replay. @throws TraceforkError where the tape can't be read. */
export function startReplaying(
  core: Core,
  platform: Platform,
  orders: Orders,
  redactor: Redactor,
  turns: Turns,
): Replaying {
  const tape = orders.get("TRACEFORK_TAPE");
  const path = tape !== undefined ? resolve(tape) : locateStore({ cwd: process.cwd(), env: readEnv }).path;
  const db = openDatabase(path, "read");
  const id = orders.get("TRACEFORK_RUN");
  const run = id === undefined ? listRuns(db)[0] : runById(db, id);
  if (run === undefined) {
    throw new TraceforkError("TF_TAPE_NOT_FOUND", `Cannot replay: ${path} holds no such run`);
  }
  const { lane, path: reportPath } = takeLane(orders.get("TRACEFORK_REPORT"), lanesOf(db, run.key));
  const source = tapeSource(db, core, run.key);
  const rows = source.events(lane).filter((row) => row.type !== TYPE.exit);

  // The last body that this replay saw, for the judge: the tape has the recorded ones.
  let last: { readonly digest: Uint8Array; bytes(): Uint8Array } | undefined;
  const log = new LaneLog(core, {
    append() {},
    body(digest, body) {
      last = { digest, bytes: body.bytes };
    },
  }, lane);
  const bodyOf = (digest: Uint8Array) => {
    try {
      return last !== undefined && sameBytes(last.digest, digest) ? last.bytes() : source.body(digest);
    } catch {
      return undefined;
    }
  };
  // Where the replay is, for a launcher that finds this process stuck: a few bytes, because it is on the hot path.
  const place = reportPath === undefined ? undefined : openSync(`${reportPath}.at`, "w", 0o600);
  const judge = createJudge({ core, rows, body: bodyOf, codeChanged: orders.options.codeChanged === true });

  const learned: string[] = [];
  const masked = orders.get("TRACEFORK_KEY");
  if (masked !== undefined) {
    redactor.onLearn = (value, stand) => {
      learned.push(
        toHex(maskSecret(core, fromHex(masked), lane * 100_000 + learned.length, { value, stand })),
      );
    };
  }

  const report = () => {
    const left: Finding = { what: "left over", drawsLeft: session.drawsLeft };
    const { done, divergence } = session;
    const out: LaneReport = {
      lane,
      argv: process.argv,
      counts: log.counts,
      events: { recorded: rows.length, done: session.cursor },
      drawsLeft: session.drawsLeft,
      network: platform.crossings.network,
      link: toHex(log.currentLink()),
      done,
      learned,
      divergence,
      leftOver: done || divergence !== undefined
        ? undefined
        : judge(left, log.counts.exchanges, session.peek()),
    };
    if (reportPath !== undefined) writeReport(reportPath, out);
    return out;
  };

  const session: ReplaySession = new ReplaySession({
    log,
    turns,
    redactor,
    rows,
    body: (digest) => source.body(digest),
    judge,
    inside: platform.inside,
    runInside: platform.runInside,
    wait: (ms, callback) => void platform.neutral(() => platform.timers.setTimeout(callback, ms)),
    atRecordedSpeed: orders.options.recordedSpeed === true,
    liveDraws: orders.options.liveDraws === true,
    onDivergence(divergence) {
      // `session.divergence` is set after this returns; the report needs it now.
      session.divergence = divergence;
      report();
      if (reportPath === undefined) {
        console.error(`tracefork: replay diverged at step ${divergence.step}: ${divergence.cause}`);
        console.error(`  expected ${divergence.expected}\n  got      ${divergence.got}`);
      }
      exitNow(3);
    },
    commitSoon: waiter(platform),
    hold: holder(platform),
    // A process that ends without telling JavaScript leaves at least this.
    onRequest(exchanges) {
      if (place !== undefined) writePlace(place, `${exchanges}`.padEnd(12), 0);
    },
    onDone: () => void report(),
    onBeyond() {
      // A recording that was cut off ends where it was cut off.
      if (orders.options.endSignal !== undefined) {
        session.divergence = undefined;
        report();
        process.kill(process.pid, orders.options.endSignal as NodeJS.Signals);
      } else report();
    },
  });
  refuseNetwork();
  restoreEnvironment(environmentOf(db, run.key));
  restorePid(lanesOf(db, run.key).find((each) => each.lane === lane)?.pid);
  report();
  watchStall(platform, session, orders, report);

  return {
    session,
    flush: () => void report(),
    end() {
      const { done, divergence } = report();
      if (reportPath === undefined && divergence === undefined) {
        console.error(
          done ? `tracefork: replay of ${run.id} matched` : "tracefork: replay diverged: events left over",
        );
        if (!done) process.exitCode = 3;
      }
    },
  };
}

/** A timer as a recording has one that waits to write: whether anything is due decides how a process ends. */
function waiter(platform: Platform): () => void {
  let planned = false;
  const done = () => {
    planned = false;
  };
  return () => {
    if (planned) return;
    planned = true;
    platform.neutral(() => platform.timers.setTimeout(done, COMMIT_AFTER));
  };
}

/** Keeps the process alive while it is told to. */
export function holder(platform: Platform): (on: boolean) => void {
  let timer: unknown;
  return (on) => {
    timer ??= platform.neutral(() => platform.timers.setInterval(() => {}, 0x7fffffff));
    refTimer(timer, on);
  };
}

/**
 * Ends a replay that does not get on. A process that works (loads modules, computes) is given more time than
 * one that is idle. Bun spins on an await that never settles, so a busy process is not trusted for ever.
 */
export function watchStall(
  platform: Platform,
  session: ReplaySession,
  orders: Orders,
  beat: () => void,
  over: () => boolean = () => false,
): void {
  const seconds = orders.options.stallAfter ?? 3;
  const idleLooks = Math.max(1, Math.round((seconds * 1000) / LOOK_EVERY));
  const signal = orders.options.endSignal;
  const usage = process.cpuUsage?.bind(process);
  let before = usage?.();
  let progress = -1;
  let idle = 0;
  let busy = 0;
  const look = () => {
    if (over()) return;
    // The launcher sees by the report's age whether this process still turns at all.
    beat();
    const now = usage?.();
    const used = now === undefined || before === undefined
      ? 0
      : (now.user + now.system - before.user - before.system) / (LOOK_EVERY * 1000);
    before = now;
    if (session.progress !== progress) {
      progress = session.progress;
      idle = busy = 0;
      return;
    }
    if (used < IDLE_SHARE) idle++;
    else busy++;
    // The recorded run was ended by a signal from outside: once all is done, end the same way.
    if (session.done && signal !== undefined && idle + busy >= 2) {
      platform.runInside(() => process.kill(process.pid, signal as NodeJS.Signals));
      return;
    }
    const loading = progress === 0 && (globalThis as { Bun?: unknown }).Bun === undefined;
    const stalled = idle >= idleLooks || (!loading && idle + busy >= idleLooks * 1.5) ||
      busy >= LOADING_LOOKS;
    if (!stalled) return;
    try {
      session.diverge({ what: "stalled", seconds, drawsLeft: session.drawsLeft });
    } catch {
      // `diverge` has told the host, which ends the process.
    }
  };
  const timer = platform.neutral(() => platform.timers.setInterval(look, LOOK_EVERY)) as unknown;
  refTimer(timer, false);
}
