/**
 * Forks in this process: replays the parent's lane up to where it is forked, then records. All of it goes into a run
 * of its own, the branch. Leaves a report for the launcher, which decides whether the branch is kept.
 */

import { join } from "node:path";
import { sameBytes } from "../base/bytes.ts";
import { fromHex, toHex } from "../base/hex.ts";
import { RUNTIME } from "../base/runtime.ts";
import type { Divergence } from "../session/divergence.ts";
import { ForkSession, type Outcome } from "../session/fork.ts";
import { ForkDraws } from "../session/fork_draws.ts";
import { ForkTape } from "../session/fork_tape.ts";
import { createJudge } from "../session/judge.ts";
import type { Counts } from "../session/lane_log.ts";
import type { Redactor } from "../session/redact.ts";
import type { Turns } from "../session/turns.ts";
import { openDatabase } from "../store/database.ts";
import { environmentOf, lanesOf, runById, type Variable } from "../store/runs.ts";
import { tapeSource } from "../store/tape_reader.ts";
import { TYPE } from "../tape/events.ts";
import { TraceforkError } from "../base/errors.ts";
import type { Platform } from "../seams/install.ts";
import type { Core } from "../../wasm/core.ts";
import { noteForked, readForkOrders, servedChange, sinceForked } from "./fork_orders.ts";
import { type Orders, readEnv } from "./orders.ts";
import { joinRun, laneRecorder, type Recording } from "./recording.ts";
import {
  exitNow,
  holder,
  type LaneReport,
  restoreEnvironment,
  restorePid,
  watchStall,
  writeReport,
} from "./replaying.ts";

/** A request behind the fork. */
export interface ForkRequest {
  readonly outcome: Outcome;
  readonly method: string;
  readonly url: string;
  /** The recorded step that answers it, in this lane. */
  readonly step?: number;
}

/** What a lane's fork tells its launcher. */
export interface ForkReport extends LaneReport {
  /** True once the recording has begun. */
  readonly forked: boolean;
  /** What was replayed. */
  readonly prefix: Counts;
  readonly requests: readonly ForkRequest[];
  /** Steps of this lane of which the change was never asked for. */
  readonly unserved: readonly number[];
}

/** Bytes of bodies from which on the replayed part is written before the fork. */
const MAX_WAITING = 8 * 1024 * 1024;

/** Where SDKs send to when their variable is not set. */
const DEFAULT_BASES: Readonly<Record<string, string>> = {
  ANTHROPIC_BASE_URL: "https://api.anthropic.com",
  OPENAI_BASE_URL: "https://api.openai.com/v1",
  GOOGLE_GEMINI_BASE_URL: "https://generativelanguage.googleapis.com",
};

/** Proxies are the user's, not the recording's. */
const PROXY = /^(https?|all|no)_proxy$/i;
const URL_VALUE = /^https?:\/\/[^\s]+$/;

/**
 * Base URLs that are others now than they were recorded: the program is shown the recorded one, so that its requests
 * are the recorded ones, and what goes live goes to the one of now.
 */
function routesOf(variables: readonly Variable[]): (readonly [from: string, to: string])[] {
  return variables.flatMap(({ name, value, secret }) => {
    const from = (value ?? DEFAULT_BASES[name])?.replace(/\/+$/, "");
    const to = readEnv(name)?.replace(/\/+$/, "");
    if (secret || from === undefined || to === undefined || from === to) return [];
    return URL_VALUE.test(from) && URL_VALUE.test(to) ? [[from, to] as const] : [];
  }).sort(([a], [b]) => b.length - a.length);
}

function routed(routes: readonly (readonly [from: string, to: string])[], url: string): string {
  const found = routes.find(([from]) => url.startsWith(from) && /^([/?#]|$)/.test(url.slice(from.length)));
  return found === undefined ? url : found[1] + url.slice(found[0].length);
}

/** Starts the fork. @throws TraceforkError where the parent can't be read or the branch can't be written. */
export function startForking(
  core: Core,
  platform: Platform,
  orders: Orders,
  redactor: Redactor,
  turns: Turns,
): Recording {
  const folder = orders.get("TRACEFORK_REPORT");
  if (folder === undefined) {
    throw new TraceforkError("TF_USAGE", "Cannot fork without a launcher", { hint: "use `tracefork fork`" });
  }
  const plan = readForkOrders(folder);
  const db = openDatabase(plan.path, "read");
  const parent = runById(db, plan.parent);
  if (parent === undefined) {
    throw new TraceforkError("TF_TAPE_NOT_FOUND", `Cannot fork ${plan.parent}: ${plan.path} has no such run`);
  }
  const lanes = lanesOf(db, parent.key);
  const pidOf = (lane: number) => lanes.find((each) => each.lane === lane)?.pid;
  const joined = joinRun(platform, orders, redactor, pidOf);
  const { lane } = joined;
  const source = tapeSource(db, core, parent.key);
  const rows = source.events(lane).filter((row) => row.type !== TYPE.exit);
  const stop = Math.min(plan.stops[lane] ?? 0, rows.length);
  const variables = environmentOf(db, parent.key);
  const routes = routesOf(variables);

  // A process that starts behind the fork has no recorded time of its own.
  const forkedAt = plan.at + (stop === 0 ? sinceForked(folder, platform.now()) : 0);
  const draws = new ForkDraws({
    core,
    seed: fromHex(plan.seed),
    lane,
    now: platform.performanceNow,
    created: parent.created,
    forkedAt,
  });
  let forked = false;
  // Events that are replayed keep their recorded times; those behind the fork go on from there.
  const now = () =>
    forked ? draws.elapsed() : rows[Math.min(session?.replay.cursor ?? 0, rows.length - 1)]?.at ?? 0;
  // The last body that was seen, for the judge: the parent has the recorded ones.
  let last: { readonly digest: Uint8Array; bytes(): Uint8Array } | undefined;
  let waiting = 0;
  const recorder = laneRecorder(
    core,
    platform,
    orders,
    redactor,
    turns,
    joined,
    now,
    (digest, { bytes, size }) => {
      last = { digest, bytes };
      waiting += size;
    },
  );
  const { host } = recorder;
  const { log } = host;
  const bodyOf = (digest: Uint8Array) => {
    try {
      return last !== undefined && sameBytes(last.digest, digest) ? last.bytes() : source.body(digest);
    } catch {
      return undefined;
    }
  };
  const judge = createJudge({ core, rows, body: bodyOf, codeChanged: orders.options.codeChanged === true });
  const requests: ForkRequest[] = [];
  let prefix: Counts | undefined;

  const reportPath = join(folder, `lane-${lane}.json`);
  const report = () => {
    const divergence: Divergence | undefined = session?.replay.divergence;
    const drawsLeft = session?.replay.drawsLeft ?? 0;
    const out: ForkReport = {
      lane,
      argv: process.argv,
      counts: log.counts,
      events: { recorded: stop, done: session?.replay.cursor ?? 0 },
      drawsLeft,
      network: platform.crossings.network,
      link: toHex(log.currentLink()),
      done: forked,
      learned: [],
      divergence,
      leftOver: forked || divergence !== undefined
        ? undefined
        : judge({ what: "left over", drawsLeft }, log.counts.exchanges, session?.replay.peek()),
      forked,
      prefix: prefix ?? log.counts,
      requests,
      unserved: session?.unserved ?? [],
    };
    writeReport(reportPath, out);
  };

  let session: ForkSession | undefined = undefined as ForkSession | undefined;
  const changes = plan.changes.filter((change) => change.lane === lane);
  const made = new ForkSession({
    replay: {
      log,
      turns: host.turns,
      redactor,
      rows,
      body: (digest) => source.body(digest),
      judge,
      inside: platform.inside,
      runInside: platform.runInside,
      wait: (ms, callback) => void platform.neutral(() => platform.timers.setTimeout(callback, ms)),
      atRecordedSpeed: false,
      liveDraws: false,
      commitSoon: () => host.commitSoon(),
      hold: holder(platform),
      onDivergence(divergence) {
        session!.replay.divergence = divergence;
        report();
        exitNow(3);
      },
      onRequest() {
        // What is replayed goes to the file in one piece, where it is not too large for that.
        if (waiting < MAX_WAITING) return;
        waiting = 0;
        recorder.flush();
      },
      onDone() {},
      onBeyond: () => report(),
    },
    record: host,
    stop,
    forkedAt,
    tape: new ForkTape(core, rows, stop, host.turns, (digest) => source.body(digest)),
    draws,
    tail: plan.tail,
    changes: changes.map((change) => servedChange(change, RUNTIME)),
    changed: lane === plan.lane,
    route: (url) => routed(routes, url),
    onFork() {
      prefix = { ...log.counts };
      recorder.flush();
      forked = true;
      if (lane === plan.lane) noteForked(folder, platform.now());
      report();
    },
    onRequest(outcome, { method, url }, step) {
      // A process that a signal ends leaves at least what it sent.
      if (outcome === "live") platform.neutral(() => platform.timers.setImmediate(report));
      requests.push({ outcome, method, url: redactor.url(url), ...(step === undefined ? {} : { step }) });
    },
  });
  session = made;
  restoreEnvironment(variables.filter(({ name }) => !PROXY.test(name)));
  restorePid(pidOf(lane));
  report();
  watchStall(platform, made.replay, orders, report, () => forked);
  return {
    session: made,
    flush: (last) => {
      if (forked) recorder.flush(last);
      report();
    },
    end(code) {
      recorder.end(code);
      report();
    },
  };
}
