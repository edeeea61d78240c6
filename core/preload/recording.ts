/**
 * Records this process: opens the store, joins the run that the launcher made (or makes one when there is no
 * launcher), and writes what the session hands out.
 */

import { readlinkSync } from "node:fs";
import { resolve } from "node:path";
import { fromHex, toHex } from "../base/hex.ts";
import { PLATFORM, RUNTIME, RUNTIME_VERSION } from "../base/runtime.ts";
import { VERSION } from "../base/version.ts";
import type { KeepBody } from "../session/body_log.ts";
import { LaneLog } from "../session/lane_log.ts";
import { type RecordHost, RecordSession } from "../session/record.ts";
import { isSecretEnv, type Redactor } from "../session/redact.ts";
import type { Session } from "../session/session.ts";
import type { Turns } from "../session/turns.ts";
import { closeRun } from "../store/close.ts";
import { type Database, openDatabase, storeError } from "../store/database.ts";
import { maskSecret } from "../store/handed_secrets.ts";
import { LaneWriter } from "../store/lane_writer.ts";
import { locateStore } from "../store/locate.ts";
import { createRun, findRunKey, joinLane } from "../store/runs.ts";
import { TraceforkError } from "../base/errors.ts";
import type { Platform } from "../seams/install.ts";
import type { Core } from "../../wasm/core.ts";
import { type Orders, readEnv } from "./orders.ts";
import { refTimer } from "./ref_timer.ts";

/** How long written rows may wait, in milliseconds. */
export const COMMIT_AFTER = 2;

/** What runs in this process, and what has to be done when it ends. */
export interface Recording {
  readonly session: Session;
  flush(last?: boolean): void;
  end(code: number): void;
}

function randomId(platform: Platform): string {
  // Not the global `crypto`: Node would load all of Web Crypto for it.
  const { randomBytes } = platform.builtins.get<{ randomBytes(size: number): Uint8Array }>("node:crypto")!;
  return toHex(randomBytes(6));
}

/** The time zone, without ICU where that can be had: its first use costs Node several milliseconds. */
function timeZone(): string {
  const named = readEnv("TZ");
  if (named !== undefined && named !== "") return named;
  try {
    const zone = readlinkSync("/etc/localtime").split("/zoneinfo/")[1];
    if (zone !== undefined) return zone;
  } catch {
    // No such link here.
  }
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Makes a run of its own, for a preload that nobody launched. */
function ownRun(
  db: Database,
  platform: Platform,
  orders: Orders,
  redactor: Redactor,
  created: number,
): number {
  return createRun(db, {
    id: randomId(platform),
    name: orders.get("TRACEFORK_NAME"),
    created,
    writer: process.pid,
    about: {
      command: process.argv.map((each) => redactor.text(each)),
      cwd: process.cwd(),
      engine: VERSION,
      platform: PLATFORM,
      captured: [],
      secrets: orders.secrets.map(([name]) => name),
      redact: orders.get("TRACEFORK_REDACT") ?? "",
      ambient: {},
      files: {},
      timezone: timeZone(),
    },
  });
}

/** How long everything is written at once after the process seemed to end, in milliseconds. */
const CALM_AFTER = 100;

/** How often it is looked whether the program waits for something long, in milliseconds. */
const IDLE_LOOK = 100;

/** Calls `act` now and then while `count` stands still: an agent mostly waits for its model. */
function whenIdle(platform: Platform, count: () => number, act: () => void): void {
  let last = -1;
  const look = () => {
    const now = count();
    if (now === last) act();
    last = now;
  };
  refTimer(platform.neutral(() => platform.timers.setInterval(look, IDLE_LOOK)), false);
}

/** A lane of a run that this process writes. */
export interface JoinedLane {
  readonly db: Database;
  readonly path: string;
  readonly key: number;
  readonly lane: number;
  /** Microseconds from the run's beginning to this process's. */
  readonly offset: number;
}

/**
 * Joins the run that the launcher made, or makes one. `shownPid` gives the process id that the program sees, by
 * lane, where that is another than the process has. @throws TraceforkError where the file can't be written.
 */
export function joinRun(
  platform: Platform,
  orders: Orders,
  redactor: Redactor,
  shownPid?: (lane: number) => number | undefined,
): JoinedLane {
  const tape = orders.get("TRACEFORK_TAPE");
  const path = tape !== undefined ? resolve(tape) : locateStore({ cwd: process.cwd(), env: readEnv }).path;
  const db = openDatabase(path, "create");
  // The launcher folds the log in when the run is over; until then the program need not wait for it.
  if (orders.get("TRACEFORK_RUN") !== undefined) db.exec("PRAGMA wal_autocheckpoint = 0");
  const created = platform.now() * 1000;
  const launched = orders.get("TRACEFORK_RUN");
  let key: number;
  let lane: number;
  let offset = 0;
  try {
    const run = launched === undefined ? undefined : findRunKey(db, launched);
    if (launched !== undefined && run === undefined) {
      throw new TraceforkError(
        "TF_TAPE_NOT_FOUND",
        `Cannot record into run ${launched}: ${path} has no such run`,
      );
    }
    key = run?.key ?? ownRun(db, platform, orders, redactor, created);
    offset = run === undefined ? 0 : Math.max(0, created - run.created);
    lane = joinLane(db, key, {
      pid: process.pid,
      runtime: `${RUNTIME} ${RUNTIME_VERSION}`,
      argv: process.argv.map((each) => redactor.text(each)),
      started: created,
      ...(shownPid === undefined ? {} : { shownPid }),
    });
  } catch (error) {
    throw storeError(path, error);
  }
  return { db, path, key, lane, offset };
}

/** What writes a lane, and what a session that records needs of it. */
export interface LaneRecorder {
  readonly host: RecordHost;
  readonly writer: LaneWriter;
  flush(last?: boolean): void;
  end(code: number): void;
}

/**
 * Makes what writes a lane. `now` gives microseconds since the run began, for the events' times. `onBody` is told of
 * each body on its way.
 */
export function laneRecorder(
  core: Core,
  platform: Platform,
  orders: Orders,
  redactor: Redactor,
  turns: Turns,
  { db, path, key, lane }: JoinedLane,
  now: () => number,
  onBody: KeepBody = () => {},
): LaneRecorder {
  const launched = orders.get("TRACEFORK_RUN");
  const writer = new LaneWriter(db, core, path, key, lane, now);
  const log = new LaneLog(core, {
    append: (...row) => writer.append(...row),
    body(digest, body) {
      onBody(digest, body);
      return writer.body(digest, body);
    },
  }, lane);

  const masked = orders.get("TRACEFORK_KEY");
  if (masked !== undefined) {
    const maskKey = fromHex(masked);
    let learned = 0;
    redactor.onLearn = (value, stand) => {
      const seq = lane * 100_000 + learned++;
      writer.secret(seq, maskSecret(core, maskKey, seq, { value, stand }));
    };
  }

  const listed = new Set(orders.secrets.map(([name]) => name));
  let ending = false;
  let planned = false;
  let warned = false;
  const flush = (last = false) => {
    if (last) writer.ending = true;
    log.writePackEarly();
    writer.commit();
    if (writer.failure !== undefined && !warned) {
      warned = true;
      const { code, message, hint } = writer.failure;
      console.error(`tracefork: ${message} (${code}); the agent goes on${hint ? `; ${hint}` : ""}`);
    }
  };
  /** The process may end at any moment without telling: everything is written at once. */
  let urgent = false;
  let flushes = 0;
  const later = () => {
    planned = false;
    flushes++;
    flush();
  };
  // With a launcher it is the launcher that compresses, when the program is gone.
  if (launched === undefined) whenIdle(platform, () => flushes, () => writer.squeeze());
  const host: RecordHost = {
    log,
    turns,
    redactor,
    commit: () => flush(),
    commitSoon() {
      if (ending || urgent) return flush();
      if (planned) return;
      planned = true;
      platform.neutral(() => platform.timers.setTimeout(later, COMMIT_AFTER));
    },
    quiet: platform.quiet,
    inside: platform.inside,
    runInside: platform.runInside,
    onEnvironment(name, value) {
      // The launcher's own orders are none of the program's surroundings.
      if (/^(TRACEFORK_|NODE_OPTIONS$|BUN_OPTIONS$)/.test(name)) return;
      const secret = value !== undefined && (isSecretEnv(name, value) || listed.has(name));
      writer.variable(name, value === undefined || secret ? undefined : redactor.text(value), secret);
    },
    onBoundary(surface, detail) {
      if (launched === undefined) console.error(`tracefork: not held: ${surface} ${detail}`);
    },
  };
  return {
    host,
    writer,
    flush(last) {
      flush(last);
      if (last !== true || urgent) return;
      urgent = true;
      const calm = () => {
        urgent = false;
      };
      refTimer(platform.neutral(() => platform.timers.setTimeout(calm, CALM_AFTER)), false);
    },
    end(code) {
      ending = true;
      planned = false;
      log.closePack();
      flush(true);
      // With a launcher it is the launcher that closes the run, once the process is gone.
      if (launched === undefined && writer.failure === undefined) {
        closeRun(db, core, key, { code, signal: undefined, ended: platform.now() * 1000 });
      }
    },
  };
}

/** Starts recording. @throws TraceforkError where the file can't be written. */
export function startRecording(
  core: Core,
  platform: Platform,
  orders: Orders,
  redactor: Redactor,
  turns: Turns,
): Recording {
  const joined = joinRun(platform, orders, redactor);
  const start = platform.performanceNow();
  const now = () => joined.offset + Math.round((platform.performanceNow() - start) * 1000);
  const { host, flush, end } = laneRecorder(core, platform, orders, redactor, turns, joined, now);
  return { session: new RecordSession(host), flush, end };
}
