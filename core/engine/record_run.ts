/**
 * `run`: starts a command with the preload in it, tees what is piped, and closes the tape when it is over.
 */

import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { replaceBytes, utf8 } from "../base/bytes.ts";
import { TraceforkError } from "../base/errors.ts";
import { PLATFORM } from "../base/runtime.ts";
import { VERSION } from "../base/version.ts";
import { type ChildEnd, findCommand, type InputPlan, type OutputPlan, runChild } from "../launch/child.ts";
import { preloadFile } from "../launch/preload_file.ts";
import { makeTarget, runtimeOf } from "../launch/target.ts";
import { isSecretEnv, parseRedactRules, Redactor } from "../session/redact.ts";
import { closeRun, type Ending } from "../store/close.ts";
import { lastBlob, squeezeRest } from "../store/blobs.ts";
import { HandedSecrets } from "../store/handed_secrets.ts";
import { closeDatabase, type Database, openDatabase, storeError } from "../store/database.ts";
import { OutputWriter, withoutLoaderLines } from "../store/output_writer.ts";
import { createRun, lanesOf, listRuns, type Run, type RunAbout, runById } from "../store/runs.ts";
import { createWasmCore } from "../../wasm/mod.ts";

/** What a branch differs in from a run that begins at its beginning. */
export interface BranchPlan {
  /** Id of the run that is forked, and the step. */
  readonly parent: { readonly id: string; readonly step: number };
  /** What the branch says about itself otherwise than a run would. */
  readonly about: Pick<RunAbout, "ambient" | "timezone" | "fork">;
  /** Streams that the parent captured: the program must find pipes there again. */
  readonly captured: RunAbout["captured"];
  /** Names of variables to be taken for secrets, besides those that look so. */
  readonly secrets: readonly string[];
  /** What the parent read, given again; undefined where its input was not captured. */
  readonly stdin: Uint8Array | undefined;
  /** Variables for the command. */
  readonly env: Readonly<Record<string, string>>;
  /** The parent's file, and the folder for orders and reports. */
  readonly files: readonly string[];
  readonly folder: string;
  /** Process id that the parent's first process had. */
  readonly pid: number | undefined;
  /** True ends the command at once. */
  look(): boolean;
  /** Whether the branch is kept, asked when the command has ended. */
  keep(): boolean;
}

/** What to record, and how. */
export interface RecordPlan {
  readonly branch?: BranchPlan;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file to write: the store, or a tape of its own. */
  readonly path: string;
  /** True for a tape of its own, which must not be there yet unless `overwrite`. */
  readonly ownFile: boolean;
  readonly overwrite: boolean;
  readonly name: string | undefined;
  readonly redact: string;
  /** Tee streams even where they are a terminal. */
  readonly capture: boolean;
  /** Where both output streams go, where not to this process's own. */
  readonly showOutput?: NodeJS.WritableStream | undefined;
  /** Gives the command an empty input, and keeps its output from this process's own unless `showOutput` is set. */
  readonly closedInput?: boolean;
  /** Told what is added to the command. */
  readonly onStart: (added: readonly string[]) => void;
}

/** What came of it. */
export interface Recorded {
  readonly run: Run;
  readonly end: ChildEnd;
  /** False where no JavaScript runtime of the command loaded the preload. */
  readonly loaded: boolean;
  /** Why the tape could not be closed, where it could not. */
  readonly failure: TraceforkError | undefined;
}

/** How often teed output goes to the file, in milliseconds. */
const OUTPUT_EVERY = 100;
/** Variables that the runtimes themselves read, in native code, and that change what a program prints. */
const AMBIENT = ["NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM", "LANG", "LC_ALL", "NODE_NO_WARNINGS"];
const MAX_HASHED = 16 * 1024 * 1024;

/** What counts as a program, among the files that a command names. */
const SCRIPT = /\.[cm]?[jt]sx?$/;

/** SHA-256 of the scripts that a command names, so that a changed program is recognised. */
export function hashFiles(command: readonly string[], cwd: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const arg of command.slice(1)) {
    if (!SCRIPT.test(arg)) continue;
    const path = resolve(cwd, arg);
    try {
      if (!statSync(path).isFile() || statSync(path).size > MAX_HASHED) continue;
      out[arg] = createHash("sha256").update(readFileSync(path)).digest("hex");
    } catch {
      // No file: an option, or something that only the program understands.
    }
  }
  return out;
}

/** What is left out of a stream's recording: see `withoutLoaderLines`. */
export function cleanerOf(command: readonly string[], stream: 0 | 1 | 2): (bytes: Uint8Array) => Uint8Array {
  return stream === 2 && runtimeOf(command[0]!) === "deno" ? withoutLoaderLines : (bytes) => bytes;
}

function refuseExisting(plan: RecordPlan): void {
  if (!plan.ownFile || !existsSync(plan.path)) return;
  if (statSync(plan.path).isFile() && statSync(plan.path).size === 0) return;
  // Throws for what is no tape: that is never replaced.
  const db = openDatabase(plan.path, "read");
  const busy = listRuns(db).some((run) => run.state === "recording");
  db.close();
  if (busy || !plan.overwrite) {
    throw new TraceforkError(
      busy ? "TF_TAPE_IN_USE" : "TF_TAPE_EXISTS",
      `Cannot record into ${plan.path}: it ${busy ? "is being recorded into" : "holds a run already"}`,
      {
        hint: busy
          ? "name another file, or wait until it has ended"
          : "name another file, or replace it with --force",
      },
    );
  }
  for (const suffix of ["", "-wal", "-shm"]) rmSync(plan.path + suffix, { force: true });
}

/** Runs a command under the recorder. @throws TraceforkError where it can't begin. */
export async function recordRun(plan: RecordPlan): Promise<Recorded> {
  const file = findCommand(plan.command[0]!, plan.cwd, plan.env.PATH);
  refuseExisting(plan);
  const preload = preloadFile(plan.env);
  const core = createWasmCore();
  const secretEnv = Object.entries(plan.env).flatMap(([name, value]) =>
    value !== undefined && isSecretEnv(name, value) ? [[name, value] as const] : []
  );
  const rules = parseRedactRules(plan.redact);
  const { branch } = plan;
  const named = [...new Set([...rules.env, ...(branch?.secrets ?? [])])].flatMap((name) => {
    const value = plan.env[name];
    const listed = secretEnv.some(([each]) => each === name);
    return value === undefined || listed ? [] : [[name, value] as const];
  });
  const secrets = [...secretEnv, ...named];
  const redactor = new Redactor(rules, secrets);
  const db = openDatabase(plan.path, "create");
  const created = Date.now() * 1000;
  const started = performance.now();
  const now = () => Math.round((performance.now() - started) * 1000);
  const piped = {
    stdin: branch === undefined
      ? plan.closedInput !== true && !process.stdin.isTTY
      : branch.stdin !== undefined,
    stdout: plan.capture || !process.stdout.isTTY || branch?.captured.includes("stdout") === true,
    stderr: plan.capture || !process.stderr.isTTY || branch?.captured.includes("stderr") === true,
  };
  const id = randomBytes(6).toString("hex");
  let key: number;
  try {
    key = createRun(db, {
      id,
      name: plan.name,
      created,
      writer: process.pid,
      about: {
        command: plan.command.map((each) => redactor.text(each)),
        cwd: plan.cwd,
        engine: VERSION,
        platform: PLATFORM,
        captured: (["stdin", "stdout", "stderr"] as const).filter((stream) => piped[stream]),
        secrets: secrets.map(([name]) => name),
        redact: plan.redact,
        ambient: Object.fromEntries(AMBIENT.map((name) => [name, plan.env[name] ?? null])),
        files: hashFiles(plan.command, plan.cwd),
        timezone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
        ...branch?.about,
      },
      parent: branch?.parent,
    });
  } catch (error) {
    db.close();
    throw storeError(plan.path, error);
  }

  const blobsBefore = lastBlob(db);
  let pid: number | undefined;
  const keep = (stream: 0 | 1 | 2) => {
    const clean = cleanerOf(plan.command, stream);
    // Runtimes print their process id in warnings, past what the program is shown.
    const shown = (bytes: Uint8Array) =>
      branch?.pid === undefined || pid === undefined
        ? clean(bytes)
        : replaceBytes(clean(bytes), utf8(`(node:${pid})`), utf8(`(node:${branch.pid})`));
    return new OutputWriter(core, redactor, branch === undefined ? clean : shown, {
      db,
      run: key,
      stream,
      now,
    });
  };
  const writers = {
    stdin: piped.stdin ? keep(0) : undefined,
    stdout: piped.stdout ? keep(1) : undefined,
    stderr: piped.stderr ? keep(2) : undefined,
  };
  let failure: TraceforkError | undefined;
  const guarded = (act: () => void) => {
    try {
      act();
    } catch (error) {
      failure ??= storeError(plan.path, error);
    }
  };
  const key32 = randomBytes(32);
  const handed = new HandedSecrets(db, core, key, key32);
  const flushOutput = () =>
    guarded(() => {
      for (const { value, stand } of handed.take()) redactor.know(value, stand);
      for (const writer of Object.values(writers)) writer?.flush(false);
    });
  const ticker = setInterval(flushOutput, OUTPUT_EVERY);
  const target = makeTarget([file, ...plan.command.slice(1)], {
    preload,
    files: [...new Set([plan.path, ...(branch?.files ?? [])])].flatMap((path) =>
      ["", "-wal", "-shm", "-journal"].map((suffix) => path + suffix)
    ),
    folder: branch?.folder,
  }, plan.env);
  plan.onStart(target.added);
  const out = (writer: OutputWriter | undefined, own: NodeJS.WritableStream): OutputPlan => {
    if (writer === undefined) return { kind: "inherit" };
    const to = plan.showOutput ?? (plan.closedInput === true ? undefined : own);
    return { kind: "tee", onData: (chunk) => guarded(() => writer.add(chunk)), to };
  };
  const input: InputPlan = branch?.stdin !== undefined
    ? { kind: "bytes", bytes: branch.stdin }
    : plan.closedInput === true
    ? { kind: "ignore" }
    : writers.stdin === undefined
    ? { kind: "inherit" }
    : { kind: "tee", onData: (chunk) => guarded(() => writers.stdin!.add(chunk)) };
  const forget = () => {
    dropRun(db, key);
    db.close();
    if (plan.ownFile) {
      for (const suffix of ["", "-wal", "-shm"]) rmSync(plan.path + suffix, { force: true });
    }
  };
  let end: ChildEnd;
  try {
    end = await runChild({
      file: target.file,
      args: target.args,
      cwd: plan.cwd,
      env: {
        ...plan.env,
        ...target.env,
        TRACEFORK_MODE: "record",
        TRACEFORK_TAPE: plan.path,
        TRACEFORK_RUN: id,
        TRACEFORK_KEY: key32.toString("hex"),
        // A replay sets these: a program that lists its environment must find the same names.
        TRACEFORK_REPORT: "",
        TRACEFORK_OPTIONS: "",
        TRACEFORK_REDACT: plan.redact,
        TRACEFORK_SECRETS: secrets.map(([name]) => name).join(","),
        ...branch?.env,
      },
      onStart: (started) => pid = started,
      ...(branch === undefined ? {} : { watch: { everyMs: 500, look: () => branch.look() } }),
      stdin: input,
      stdout: out(writers.stdout, process.stdout),
      stderr: out(writers.stderr, process.stderr),
    });
  } catch (error) {
    clearInterval(ticker);
    forget();
    throw error;
  }
  clearInterval(ticker);
  const loaded = lanesOf(db, key).length > 0;
  if (branch?.keep() === false) {
    const run = runById(db, id)!;
    forget();
    return { run, end, loaded, failure };
  }
  if (branch?.stdin !== undefined) guarded(() => writers.stdin!.add(branch.stdin!));
  flushOutput();
  guarded(() => {
    handed.drop();
    squeezeRest(db, blobsBefore);
    const ending: Ending = {
      code: end.code,
      signal: end.signal,
      ended: created + Math.max(now(), branch === undefined ? 0 : lastEventAt(db, key)),
      stdin: writers.stdin?.finish(),
      stdout: writers.stdout?.finish(),
      stderr: writers.stderr?.finish(),
    };
    // A process that a signal ended, or that could not write, has lost what came last.
    const whole = end.signal === undefined && lanesOf(db, key).every((lane) => lane.ended);
    closeRun(db, core, key, ending, whole ? "complete" : "recovered");
    if (plan.ownFile) db.exec("PRAGMA journal_mode = DELETE; VACUUM");
  });
  const run = runById(db, id)!;
  closeDatabase(db);
  return { run, end, loaded, failure };
}

/** A branch's events go on from the parent's times, so it may end later than the clock says. */
function lastEventAt(db: Database, run: number): number {
  const row = db.prepare("SELECT coalesce(max(at), 0) AS at FROM events WHERE run = ?").get(run) as {
    at: number;
  };
  return row.at;
}

function dropRun(db: Database, key: number): void {
  for (const table of ["events", "output", "environment", "handover", "lanes"]) {
    db.prepare(`DELETE FROM ${table} WHERE run = ?`).run(key);
  }
  db.prepare("DELETE FROM runs WHERE key = ?").run(key);
}
