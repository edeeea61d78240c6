/**
 * `replay`: proves the tape, runs the command again from it, and compares everything that can be compared.
 * The verdict is made here from what the replayed processes report and from what this process saw itself;
 * nothing in it is copied from the tape.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromUtf8, replaceBytes, sameBytes, utf8 } from "../base/bytes.ts";
import { fromHex, toHex } from "../base/hex.ts";
import { type ChildEnd, findCommand, type OutputPlan, runChild } from "../launch/child.ts";
import { preloadFile } from "../launch/preload_file.ts";
import { makeTarget } from "../launch/target.ts";
import type { ReplayOptions } from "../preload/orders.ts";
import type { LaneReport } from "../preload/replaying.ts";
import type { Divergence } from "../session/divergence.ts";
import { parseRedactRules, placeholderFor, Redactor } from "../session/redact.ts";
import { closingLink } from "../store/close.ts";
import type { FoundRun } from "../store/find.ts";
import { unmaskSecret } from "../store/handed_secrets.ts";
import { lanesOf } from "../store/runs.ts";
import { outputOf } from "../store/tape_reader.ts";
import { verifyRun } from "../store/verify.ts";
import type { BodyRef } from "../tape/events.ts";
import type { Core } from "../../wasm/core.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import {
  divergenceOf,
  hereZone,
  NOT_STARTED,
  readReports,
  silentLane,
  stuckDivergence,
} from "./lane_reports.ts";
import { cleanerOf, hashFiles } from "./record_run.ts";

/** How to replay. */
export interface ReplayPlan {
  readonly tape: FoundRun;
  /** Another command than the recorded one, for code under repair; empty for the recorded one. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** Run in `cwd` even where the recorded folder is still there: it may hold another version of the code. */
  readonly here?: true;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly recordedSpeed: boolean;
  /** Negative control: leave clock, ids and randomness to the platform. */
  readonly liveDraws: boolean;
  /** Seconds without progress until a replay counts as stalled. */
  readonly stallAfter: number;
  /** Where the replayed output goes besides being compared; undefined for nowhere. */
  readonly showOutput: NodeJS.WritableStream | undefined;
  /** Asked twice a second while the command runs; true ends it at once. */
  readonly stop?: () => boolean;
}

/** What came of it: the public document of `replay --json`, and a little more. */
export interface ReplayResult {
  readonly tape: string;
  readonly exact: boolean;
  readonly state: string;
  readonly exchanges: { readonly recorded: number; readonly matched: number };
  readonly draws: { readonly recorded: number; readonly served: number };
  readonly deliveries: { readonly recorded: number; readonly released: number };
  /** `identical` is null where the recording captured no output. */
  readonly output: { readonly identical: boolean | null };
  readonly exit: { readonly recorded: number | string | null; readonly replayed: number | string | null };
  readonly fingerprint: { readonly recorded: string; readonly replayed: string };
  readonly chain_intact: boolean;
  readonly left_over: boolean;
  readonly network_calls: number;
  readonly cost_usd: number;
  readonly recorded_ms: number;
  readonly replayed_ms: number;
  readonly divergence: Divergence | null;
  /** True when the user pressed Ctrl-C: then nothing was proven. */
  readonly interrupted?: boolean;
}

/** The first line that differs, around the place where it does. */
function firstDifference(a: Uint8Array, b: Uint8Array): { line: number; expected: string; got: string } {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  let start = at;
  while (start > 0 && a[start - 1] !== 10) start--;
  const line = fromUtf8(a.subarray(0, start)).split("\n").length;
  const from = Math.max(start, at - 60);
  const excerpt = (bytes: Uint8Array) => {
    const text = fromUtf8(bytes.subarray(from, at + 140)).split("\n")[0]!;
    return JSON.stringify(`${from > start ? "…" : ""}${text}`);
  };
  return { line, expected: excerpt(a), got: excerpt(b) };
}

/**
 * What a replayed process wrote, kept, and digested by the recorder's own code. Runtimes print their process id
 * in warnings, and Deno's can't be changed from inside: it is put back here.
 */
class Seen {
  readonly #parts: Uint8Array[] = [];
  readonly #core: Core;
  readonly #redactor: Redactor;
  #whole: Uint8Array | undefined;

  readonly #clean: (bytes: Uint8Array) => Uint8Array;

  constructor(core: Core, redactor: Redactor, clean: (bytes: Uint8Array) => Uint8Array) {
    this.#clean = clean;
    this.#core = core;
    this.#redactor = redactor;
  }

  add(chunk: Uint8Array): void {
    this.#parts.push(chunk.slice());
  }

  /** Closes it. `pids`: the id that this process had, and the one that the recorded process had. */
  finish(pids: { own: number; recorded: number } | undefined): BodyRef {
    let whole = this.#clean(this.#redactor.known(new Uint8Array(Buffer.concat(this.#parts))));
    if (pids !== undefined) {
      whole = replaceBytes(whole, utf8(`(node:${pids.own})`), utf8(`(node:${pids.recorded})`));
    }
    this.#whole = whole;
    return { digest: this.#core.sha256(whole), size: whole.length };
  }

  whole(): Uint8Array {
    return this.#whole!;
  }
}

/** Replays a run. @throws TraceforkError where the command can't be started. */
export async function replayRun(plan: ReplayPlan): Promise<ReplayResult> {
  const { db, path, run } = plan.tape;
  const { about } = run;
  const core = createWasmCore();
  const verification = verifyRun(db, core, run);
  const recordedMs = Math.round(((run.ended ?? run.created) - run.created) / 1000);
  const status = (code: number | undefined, signal: string | undefined) => signal ?? code ?? null;
  const base = {
    tape: run.id,
    state: run.state,
    exchanges: { recorded: verification.exchanges, matched: 0 },
    draws: { recorded: verification.draws, served: 0 },
    deliveries: { recorded: verification.deliveries, released: 0 },
    output: { identical: about.captured.some((each) => each !== "stdin") ? false : null },
    exit: { recorded: status(run.exitCode, run.exitSignal), replayed: null },
    fingerprint: { recorded: toHex(run.fingerprint ?? verification.fingerprint), replayed: "" },
    chain_intact: verification.intact,
    left_over: true,
    network_calls: 0,
    cost_usd: 0,
    recorded_ms: recordedMs,
    replayed_ms: 0,
  };
  const flaw = verification.flaws[0];
  if (flaw !== undefined) {
    return {
      ...base,
      exact: false,
      divergence: divergenceOf({
        step: flaw.step,
        kind: "tape",
        cause: "tampered_tape",
        expected: "the tape as it was recorded",
        got: flaw.seq === undefined ? flaw.message : `lane ${flaw.lane} event ${flaw.seq}: ${flaw.message}`,
        hint: "the agent was not run; `tracefork verify` names every place",
      }),
    };
  }
  // The closing event alone proves nothing.
  if (verification.events <= (run.fingerprint === undefined ? 0 : 1)) {
    return {
      ...base,
      exact: false,
      divergence: divergenceOf({
        step: 0,
        kind: "tape",
        cause: "boundary_violation",
        expected: "a run in which something was recorded",
        got: "an empty run: there is nothing that a replay could prove",
        hint: lanesOf(db, run.key).length === 0
          ? NOT_STARTED
          : "the agent asked for nothing that crosses the process boundary: no request, no clock, no timer, no randomness",
      }),
    };
  }

  const own = plan.command.length === 0;
  const command = own ? about.command : plan.command;
  const cwd = own && plan.here !== true && existsSync(about.cwd) ? about.cwd : plan.cwd;
  const file = findCommand(command[0]!, cwd, plan.env.PATH);
  const files = own ? hashFiles(about.command, cwd) : {};
  const codeChanged = !own || Object.entries(about.files).some(([name, hash]) => files[name] !== hash);
  const folder = mkdtempSync(join(tmpdir(), "tracefork-replay-"));
  const secrets = about.secrets.map((name) => [name, plan.env[name] || placeholderFor(name)] as const);
  const redactor = new Redactor(parseRedactRules(about.redact), secrets);
  const options: ReplayOptions = {
    recordedSpeed: plan.recordedSpeed,
    liveDraws: plan.liveDraws,
    stallAfter: plan.stallAfter,
    codeChanged,
    ...(run.exitSignal === undefined ? {} : { endSignal: run.exitSignal }),
  };
  const target = makeTarget([file, ...command.slice(1)], {
    preload: preloadFile(plan.env),
    files: [path, `${path}-wal`, `${path}-shm`, `${path}-journal`],
    folder,
  }, plan.env);
  const captured = (name: "stdout" | "stderr") => about.captured.includes(name);
  const seen = {
    stdout: captured("stdout") ? new Seen(core, redactor, cleanerOf(command, 1)) : undefined,
    stderr: captured("stderr") ? new Seen(core, redactor, cleanerOf(command, 2)) : undefined,
  };
  const out = (what: Seen | undefined): OutputPlan =>
    what !== undefined
      ? { kind: "tee", onData: (chunk) => what.add(chunk), to: plan.showOutput }
      : plan.showOutput === undefined
      ? { kind: "ignore" }
      : { kind: "tee", onData: () => {}, to: plan.showOutput };
  const stdin = about.captured.includes("stdin") ? outputOf(db, run.key, 0) : undefined;

  const maskKey = crypto.getRandomValues(new Uint8Array(32));
  const started = performance.now();
  let stuck: LaneReport | undefined;
  const silence = plan.stallAfter + 1;
  let end: ChildEnd;
  let reports: LaneReport[];
  try {
    end = await runChild({
      file: target.file,
      args: target.args,
      cwd,
      env: {
        ...plan.env,
        ...Object.fromEntries(
          Object.entries(about.ambient).map(([name, value]) => [name, value ?? undefined]),
        ),
        ...Object.fromEntries(secrets),
        ...(plan.env.TZ === undefined && hereZone() !== about.timezone ? { TZ: about.timezone } : {}),
        ...target.env,
        TRACEFORK_MODE: "replay",
        TRACEFORK_TAPE: path,
        TRACEFORK_RUN: run.id,
        TRACEFORK_REPORT: folder,
        TRACEFORK_KEY: toHex(maskKey),
        TRACEFORK_SECRETS: about.secrets.join(","),
        TRACEFORK_OPTIONS: JSON.stringify(options),
        TRACEFORK_REDACT: about.redact,
      },
      stdin: stdin === undefined ? { kind: "ignore" } : { kind: "bytes", bytes: stdin },
      stdout: out(seen.stdout),
      stderr: out(seen.stderr),
      watch: {
        everyMs: 500,
        look: () => plan.stop?.() === true || (stuck = silentLane(folder, silence)) !== undefined,
      },
    });
    reports = readReports(folder).map((report) => report.lane === stuck?.lane ? stuck : report);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const replayedMs = Math.round(performance.now() - started);

  for (const { lane, learned } of reports) {
    for (const [i, data] of learned.entries()) {
      const { value, stand } = unmaskSecret(core, maskKey, lane * 100_000 + i, fromHex(data));
      redactor.know(value, stand);
    }
  }
  const recordedPid = lanesOf(db, run.key).find((lane) => lane.lane === 0)?.pid;
  const pids = recordedPid === undefined || end.pid === undefined
    ? undefined
    : { own: end.pid, recorded: recordedPid };
  // The closing link, from what was seen: lanes' links, exit status, output.
  const refs = {
    stdin: stdin === undefined ? undefined : { digest: core.sha256(stdin), size: stdin.length },
    stdout: seen.stdout?.finish(pids),
    stderr: seen.stderr?.finish(pids),
  };
  const links = reports.map((report) => fromHex(report.link));
  const closed = closingLink(core, links, { code: end.code, signal: end.signal, ...refs });
  const sum = (pick: (report: LaneReport) => number) =>
    reports.reduce((total, each) => total + pick(each), 0);
  const lanes = lanesOf(db, run.key).length;
  const identical = compareOutput(plan, seen);
  const allDone = reports.length === lanes && reports.every((report) => report.done);
  const sameExit = end.code === run.exitCode && end.signal === run.exitSignal;
  const sameLink = sameBytes(closed.link, run.fingerprint ?? new Uint8Array(0));
  const step = sum((report) => report.counts.exchanges);
  const inAgent = (stuck && stuckDivergence(stuck, silence)) ??
    reports.find((report) => report.divergence)?.divergence ??
    reports.find((report) => report.leftOver)?.leftOver ?? lanesDivergence(reports.length, lanes, step);
  const outside = codeChanged ? "code_change" : "unrecorded_nondeterminism";
  const verdict: Divergence | undefined = inAgent ??
    // What came after the last event is not known: nothing more can be compared.
    (run.state === "complete" ? undefined : divergenceOf({
      step,
      kind: "exit",
      cause: "missing_request",
      expected: "a recording that was brought to its end",
      got:
        `a recording in state ${run.state}: it matched up to its last event, and nothing is known of what came after`,
      hint: "the recorded process was killed; what was recorded before is exact",
    })) ??
    (sameExit ? undefined : divergenceOf({
      step,
      kind: "exit",
      cause: outside,
      expected: `exit ${status(run.exitCode, run.exitSignal)}`,
      got: `exit ${status(end.code, end.signal)}`,
    })) ??
    (identical?.divergence && { ...identical.divergence, step, cause: outside }) ??
    (sameLink ? undefined : divergenceOf({
      step,
      kind: "tape",
      cause: "tampered_tape",
      expected: `fingerprint ${base.fingerprint.recorded.slice(0, 12)}…`,
      got: `fingerprint ${toHex(closed.link).slice(0, 12)}…`,
    }));
  return {
    ...base,
    ...(end.interrupted ? { interrupted: true } : {}),
    exact: !end.interrupted && verdict === undefined && allDone && sameExit && sameLink,
    exchanges: { recorded: base.exchanges.recorded, matched: sum((report) => report.counts.matched) },
    draws: { recorded: base.draws.recorded, served: sum((report) => report.counts.draws) },
    network_calls: sum((report) => report.network),
    deliveries: { recorded: base.deliveries.recorded, released: sum((report) => report.counts.deliveries) },
    output: { identical: identical === undefined ? null : identical.same },
    exit: { recorded: base.exit.recorded, replayed: status(end.code, end.signal) },
    fingerprint: { recorded: base.fingerprint.recorded, replayed: toHex(closed.link) },
    left_over: !allDone,
    replayed_ms: replayedMs,
    divergence: verdict ?? null,
  };
}

function lanesDivergence(got: number, expected: number, step: number): Divergence | undefined {
  if (got === expected) return undefined;
  return divergenceOf({
    step,
    kind: "exit",
    cause: got === 0 ? "boundary_violation" : got < expected ? "missing_request" : "extra_request",
    expected: `${expected} recorded process${expected === 1 ? "" : "es"}`,
    got: `${got}`,
    ...(got === 0 ? { hint: NOT_STARTED } : {}),
  });
}

function compareOutput(
  plan: ReplayPlan,
  seen: { stdout: Seen | undefined; stderr: Seen | undefined },
): { same: boolean; divergence: Divergence | undefined } | undefined {
  const { db, run } = plan.tape;
  let compared = false;
  for (const [stream, name] of [[1, "stdout"], [2, "stderr"]] as const) {
    const got = seen[name];
    if (got === undefined) continue;
    compared = true;
    const recorded = outputOf(db, run.key, stream);
    const whole = got.whole();
    if (sameBytes(recorded, whole)) continue;
    const { line, expected, got: text } = firstDifference(recorded, whole);
    return {
      same: false,
      divergence: divergenceOf({
        step: 0,
        kind: "output",
        cause: "unrecorded_nondeterminism",
        expected: `${name} line ${line}: ${expected}`,
        got: text,
      }),
    };
  }
  return compared ? { same: true, divergence: undefined } : undefined;
}
