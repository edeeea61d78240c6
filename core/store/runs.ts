/**
 * Runs as rows: making one, reading it back, closing it. A run says its state; one whose writers are gone
 * without closing it reads as `recovered`.
 */

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { Writer } from "../base/bytes.ts";
import { TraceforkError } from "../base/errors.ts";
import type { Core } from "../../wasm/core.ts";
import type { Database } from "./database.ts";

/** What a tape says about itself. */
export type RunState = "recording" | "complete" | "recovered";

/** What is known about a run from its start; sealed together with its times. All but `command` may grow. */
export interface RunAbout {
  /** The recorded command, argv[0] first. Empty when the preload recorded alone. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** Version of tracefork that recorded. */
  readonly engine: string;
  readonly platform: string;
  /** Which streams were teed into the tape. */
  readonly captured: readonly ("stdin" | "stdout" | "stderr")[];
  /** Names of environment variables that were taken for secrets; a replay fills in what is missing. */
  readonly secrets: readonly string[];
  /** Redaction rules besides the built-in ones, as given. */
  readonly redact: string;
  /** SHA-256 (hex) of the files that the command names, by path as given. */
  readonly files: Readonly<Record<string, string>>;
  /** Variables that the runtimes read past JavaScript; null where one is not set. */
  readonly ambient: Readonly<Record<string, string | null>>;
  /** Time zone of the recorded process. */
  readonly timezone: string;
  /** Where the run comes from, when no tracefork recorded it. Such a run can be looked at, not replayed. */
  readonly imported?: Imported;
  /** How a branch came to be. */
  readonly fork?: ForkAbout;
}

/** What a run that was recorded by another program says about that. */
export interface Imported {
  /** `seed`: the Python original. */
  readonly format: "seed" | "har";
  /** Name of the file, without its folder. */
  readonly file: string;
  /** What its source did not keep; the run's events hold a stand-in for each. */
  readonly unknown: readonly string[];
  /** The seed's fingerprint, in hex, as it was computed from the imported file. */
  readonly seed_fingerprint?: string;
  /** The seed's `boundary` and `agent_name`, so that an export says the same. */
  readonly seed_meta?: { readonly boundary: string; readonly agent_name: string };
}

/** What a branch keeps of how it was forked, besides `parent` and `fork_step`. */
export interface ForkAbout {
  /** Microseconds from the parent's beginning to the fork. */
  readonly at: number;
  readonly tail: string;
  /** What random draws behind the fork come from, in hex. */
  readonly seed: string;
  readonly changes: readonly { readonly step: number; readonly what: string }[];
}

/** A run's row. */
export interface Run {
  readonly key: number;
  readonly id: string;
  readonly name: string | undefined;
  readonly state: RunState;
  /** Microseconds since the epoch; 0 where it is not known, which only an imported run may say. */
  readonly created: number;
  readonly ended: number | undefined;
  readonly about: RunAbout;
  readonly exitCode: number | undefined;
  readonly exitSignal: string | undefined;
  readonly fingerprint: Uint8Array | undefined;
  readonly seal: Uint8Array | undefined;
  readonly parent: string | undefined;
  readonly forkStep: number | undefined;
  /** What the user wrote about it. */
  readonly note: string | undefined;
}

/** A process that recorded into a run. */
export interface Lane {
  readonly lane: number;
  readonly pid: number;
  /** Such as `bun 1.4.5`. */
  readonly runtime: string;
  readonly argv: readonly string[];
  /** True where it told of its end, after everything else was written. */
  readonly ended: boolean;
}

interface RunRow {
  key: number;
  id: string;
  name: string | null;
  state: RunState;
  created: number;
  ended: number | null;
  writer: string | null;
  about: string;
  exit_code: number | null;
  exit_signal: string | null;
  fingerprint: Uint8Array | null;
  seal: Uint8Array | null;
  parent: string | null;
  fork_step: number | null;
  /** Not there in a file of format 1. */
  note?: string | null;
}

/** When a process started (and that it is no zombie), so that a reused pid is not taken for it; undefined where the system won't say. */
function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "zombie" : fields[19];
  } catch {
    return undefined;
  }
}

/** This machine's name; empty where the process may not ask (Deno without `--allow-sys`). */
function hostName(): string {
  try {
    return hostname();
  } catch {
    return "";
  }
}

/** Names a process so that `isAlive` can ask about it later. */
export function processMark(pid: number): string {
  return JSON.stringify({ host: hostName(), pid, start: processStart(pid) });
}

function isAlive(mark: string): boolean {
  const { host, pid, start } = JSON.parse(mark) as { host: string; pid: number; start?: string };
  // What was copied from another file has no process.
  if (pid <= 0) return false;
  // Another machine's process can't be asked from here: its run is left as it is.
  if (host !== "" && hostName() !== "" && host !== hostName()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as { code?: string }).code === "ESRCH") return false;
  }
  const now = processStart(pid);
  return now !== "zombie" && (start === undefined || now === start);
}

function parseStored<T>(text: string, what: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new TraceforkError("TF_TAPE_DAMAGED", `Cannot read ${what}: it is no JSON any more`, {
      cause: error,
    });
  }
}

function parseAbout(row: RunRow): RunAbout {
  const what = `what run ${row.id} says about itself`;
  const about = parseStored<Partial<RunAbout>>(row.about, what);
  const whole = Array.isArray(about.command) && Array.isArray(about.captured) &&
    Array.isArray(about.secrets) &&
    typeof about.cwd === "string" && typeof about.files === "object" && typeof about.ambient === "object";
  if (!whole) throw new TraceforkError("TF_TAPE_DAMAGED", `Cannot read ${what}: parts are missing`);
  return about as RunAbout;
}

function toRun(db: Database, row: RunRow): Run {
  let state = row.state;
  if (state === "recording") {
    const lanes = db.prepare("SELECT mark FROM lanes WHERE run = ?").all(row.key) as { mark: string }[];
    const marks = [...(row.writer === null ? [] : [row.writer]), ...lanes.map(({ mark }) => mark)];
    if (!marks.some(isAlive)) state = "recovered";
  }
  return {
    key: row.key,
    id: row.id,
    name: row.name ?? undefined,
    state,
    created: row.created,
    ended: row.ended ?? undefined,
    about: parseAbout(row),
    exitCode: row.exit_code ?? undefined,
    exitSignal: row.exit_signal ?? undefined,
    fingerprint: row.fingerprint ?? undefined,
    seal: row.seal ?? undefined,
    parent: row.parent ?? undefined,
    forkStep: row.fork_step ?? undefined,
    note: row.note ?? undefined,
  };
}

/**
 * Ids of the runs into which a living process may still write. Not only those in state `recording`: a process may go
 * on for a moment, or for long, after its run was closed. Of a closed run only this machine's processes count, and
 * only where the system can tell that a process is still the same one.
 */
export function writingRuns(db: Database): string[] {
  const rows = db.prepare(
    `SELECT id, state, writer AS mark FROM runs WHERE writer IS NOT NULL AND state = 'recording'
     UNION ALL SELECT id, state, mark FROM lanes JOIN runs ON runs.key = lanes.run`,
  ).all() as { id: string; state: RunState; mark: string }[];
  const here = hostName();
  const writes = rows.filter(({ state, mark }) => {
    const { host, start } = JSON.parse(mark) as { host: string; start?: string };
    return (state === "recording" || (start !== undefined && (host === here || host === ""))) &&
      isAlive(mark);
  });
  return [...new Set(writes.map(({ id }) => id))];
}

/** All runs, newest first; those of which the time is unknown come last. */
export function listRuns(db: Database): Run[] {
  const rows = db.prepare("SELECT * FROM runs ORDER BY created DESC, key DESC").all() as unknown as RunRow[];
  return rows.map((row) => toRun(db, row));
}

/** The run with this id. */
export function runById(db: Database, id: string): Run | undefined {
  const row = db.prepare("SELECT * FROM runs WHERE id = ?").get(id) as RunRow | undefined;
  return row && toRun(db, row);
}

/** Sets what the user says about a run; neither is part of what was recorded. */
export function setNote(
  db: Database,
  id: string,
  said: { readonly name: string | undefined; readonly note: string | undefined },
): Run {
  db.prepare("UPDATE runs SET name = ?, note = ? WHERE id = ?").run(said.name ?? null, said.note ?? null, id);
  return runById(db, id)!;
}

/** Why a run can't be replayed; undefined where it can. */
export function whyNotReplayable({ about: { imported } }: Run): string | undefined {
  if (imported === undefined) return undefined;
  const from = imported.format === "seed" ? "a tape of the Python original" : "a HAR file";
  return `it was imported from ${from}, which does not keep: ${imported.unknown.join(", ")}`;
}

/** A run's row key and start, without the rest: what a process needs to join it. */
export function findRunKey(db: Database, id: string): { key: number; created: number } | undefined {
  return db.prepare("SELECT key, created FROM runs WHERE id = ?").get(id) as
    | { key: number; created: number }
    | undefined;
}

/** The processes that recorded into a run, in the order in which they joined. */
export function lanesOf(db: Database, run: number): Lane[] {
  const rows = db.prepare("SELECT lane, pid, runtime, argv, ended FROM lanes WHERE run = ? ORDER BY lane")
    .all(run) as {
      lane: number;
      pid: number;
      runtime: string;
      argv: string;
      ended: number;
    }[];
  return rows.map((row) => ({
    ...row,
    ended: row.ended === 1,
    argv: parseStored<string[]>(row.argv, "a lane"),
  }));
}

/** Makes a run in state `recording`. `writer` is the pid that will close it. */
export function createRun(
  db: Database,
  run: {
    id: string;
    name: string | undefined;
    created: number;
    about: RunAbout;
    writer: number;
    /** Id of the run that this one is a fork of, and the step at which it was forked. */
    parent?: { readonly id: string; readonly step: number } | undefined;
  },
): number {
  const result = db.prepare(
    `INSERT INTO runs (id, name, state, created, writer, about, parent, fork_step)
     VALUES (?, ?, 'recording', ?, ?, ?, ?, ?)`,
  ).run(
    run.id,
    run.name ?? null,
    run.created,
    processMark(run.writer),
    JSON.stringify(run.about),
    run.parent?.id ?? null,
    run.parent?.step ?? null,
  );
  return Number(result.lastInsertRowid);
}

/** Joins a run as its next lane. Safe between processes. */
export function joinLane(
  db: Database,
  run: number,
  lane: {
    pid: number;
    runtime: string;
    argv: readonly string[];
    started: number;
    /** The process id that the program sees, by lane, where it is another than `pid`. */
    shownPid?: (lane: number) => number | undefined;
  },
): number {
  db.exec("BEGIN IMMEDIATE");
  try {
    const { next } = db.prepare("SELECT coalesce(max(lane) + 1, 0) AS next FROM lanes WHERE run = ?").get(
      run,
    ) as {
      next: number;
    };
    db.prepare(
      "INSERT INTO lanes (run, lane, pid, mark, runtime, argv, started) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
      .run(
        run,
        next,
        lane.shownPid?.(next) ?? lane.pid,
        processMark(lane.pid),
        lane.runtime,
        JSON.stringify(lane.argv),
        lane.started,
      );
    db.exec("COMMIT");
    return next;
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** An environment variable that a run read. */
export interface Variable {
  readonly name: string;
  /** Undefined where it was not set, or is a secret. */
  readonly value: string | undefined;
  readonly secret: boolean;
}

/** The environment variables that a run read. */
export function environmentOf(db: Database, run: number): Variable[] {
  const rows = db.prepare("SELECT name, value, secret FROM environment WHERE run = ? ORDER BY name").all(
    run,
  ) as {
    name: string;
    value: string | null;
    secret: number;
  }[];
  return rows.map(({ name, value, secret }) => ({ name, value: value ?? undefined, secret: secret === 1 }));
}

/** When an event happened. */
interface EventTime {
  readonly lane: number;
  readonly seq: number;
  readonly at: number;
}

/**
 * What a run's seal is made of besides the chain: what it says about itself, and every event's time. A
 * replay can't come to these again, so they are no part of the fingerprint.
 */
export function sealOf(
  db: Database,
  core: Core,
  run: number,
  fingerprint: Uint8Array,
  events: Iterable<EventTime> = db.prepare(
    "SELECT lane, seq, at FROM events WHERE run = ? ORDER BY lane, seq",
  ).iterate(run) as unknown as Iterable<EventTime>,
): Uint8Array {
  const row = db.prepare("SELECT * FROM runs WHERE key = ?").get(run) as unknown as RunRow;
  const times = new Writer(4096);
  for (const each of events) {
    times.varint(each.lane).varint(each.seq).varint(each.at);
  }
  const variables = new Writer(1024);
  for (const { name, value, secret } of environmentOf(db, run)) {
    variables.text(name).text(value === undefined ? "" : `=${value}`).u8(secret ? 1 : 0);
  }
  const outputs = db.prepare("SELECT stream, seq, at FROM output WHERE run = ? ORDER BY stream, seq").all(
    run,
  ) as {
    stream: number;
    seq: number;
    at: number;
  }[];
  for (const { stream, seq, at } of outputs) times.varint(stream).varint(seq).varint(at);
  const surroundings = JSON.stringify([row.state, row.exit_code, row.exit_signal, row.parent, row.fork_step]);
  const sealed = new Writer(512).raw(fingerprint).text(row.id).varint(row.created).varint(row.ended ?? 0)
    .text(row.about).text(surroundings).text(JSON.stringify(lanesOf(db, run)))
    .raw(core.sha256(times.view())).raw(core.sha256(variables.view()));
  return core.sha256(sealed.view());
}
