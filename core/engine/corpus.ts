/**
 * Replays every tape of a corpus, several at a time. Each replay is one of `replay_run.ts`, with a folder for its
 * reports, a tape and a child of its own; what agents share besides (files that they write) is not kept apart.
 * Nothing is told until all tapes before it are told, so the order is the manifest's whatever ends first.
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { EXIT, TraceforkError } from "../base/errors.ts";
import { isSqliteError, storeError } from "../store/database.ts";
import { findRun, type FoundRun } from "../store/find.ts";
import { whyNotReplayable } from "../store/runs.ts";
import type { Corpus, CorpusEntry } from "./corpus_manifest.ts";
import { type ReplayResult, replayRun } from "./replay_run.ts";

/** What came of a tape. `failed`: nothing is wrong with it, but it could not be replayed. */
export type CorpusStatus = "exact" | "diverged" | "failed" | "damaged" | "missing" | "interrupted";

export interface CorpusOutcome {
  /** As the manifest names it. */
  readonly file: string;
  readonly path: string;
  readonly status: CorpusStatus;
  /** Undefined where there was no replay. */
  readonly replay: ReplayResult | undefined;
  readonly error: TraceforkError | undefined;
}

export interface CorpusPlan {
  readonly corpus: Corpus;
  /** Where commands run that the manifest names no folder for. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replays at a time. */
  readonly jobs: number;
  /** Seconds without progress until a replay counts as stalled. */
  readonly stallAfter: number;
  /** Called in the manifest's order, as soon as may be. */
  onOutcome(outcome: CorpusOutcome): void;
  /** Called whenever a replay has ended. */
  onEnd(ended: number): void;
}

/** In the manifest's order, with one outcome for each of its tapes. */
export interface CorpusResult {
  readonly outcomes: readonly CorpusOutcome[];
  readonly interrupted: boolean;
  readonly ms: number;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** `runChild` passes a signal on to its child; this keeps the next ones from being started. */
class Stop {
  asked = false;
  readonly #before = process.getMaxListeners();
  readonly ask = (): void => {
    this.asked = true;
  };

  /** `jobs`: each of so many children has listeners of its own, which is no leak. */
  constructor(jobs: number) {
    if (this.#before !== 0) process.setMaxListeners(this.#before + jobs);
    for (const signal of SIGNALS) process.on(signal, this.ask);
  }

  /** For one child: true once it has had half a second to end by itself. */
  patience(): () => boolean {
    let looks = 0;
    return () => this.asked && ++looks > 1;
  }

  done(): void {
    for (const signal of SIGNALS) process.off(signal, this.ask);
    process.setMaxListeners(this.#before);
  }
}

/** See the head of this file. */
export async function replayCorpus(plan: CorpusPlan): Promise<CorpusResult> {
  const { entries, folder } = plan.corpus;
  const started = performance.now();
  const stop = new Stop(plan.jobs);
  const outcomes: (CorpusOutcome | undefined)[] = entries.map(() => undefined);
  let [next, told, ended] = [0, 0, 0];
  const worker = async () => {
    while (next < entries.length && !stop.asked) {
      const index = next++;
      const outcome = await replayEntry(plan, entries[index]!, stop);
      plan.onEnd(++ended);
      // Whatever was cut short says nothing.
      if (outcome.status === "interrupted") continue;
      outcomes[index] = outcome;
      for (let each = outcomes[told]; each !== undefined; each = outcomes[++told]) plan.onOutcome(each);
    }
  };
  try {
    const workers = Array.from({ length: Math.min(plan.jobs, entries.length) }, worker);
    // A fault in one replay must not leave the children of others behind.
    for (const each of workers) each.catch(stop.ask);
    const failed = (await Promise.allSettled(workers)).find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  } finally {
    stop.done();
  }
  const all = outcomes.map((outcome, i) => outcome ?? withoutReplay(folder, entries[i]!, "interrupted"));
  const interrupted = all.some(({ status }) => status === "interrupted");
  return { outcomes: all, interrupted, ms: Math.round(performance.now() - started) };
}

function withoutReplay(
  folder: string,
  { tape }: CorpusEntry,
  status: CorpusStatus,
  error?: TraceforkError,
): CorpusOutcome {
  return { file: tape, path: resolve(folder, tape), status, replay: undefined, error };
}

async function replayEntry(plan: CorpusPlan, entry: CorpusEntry, stop: Stop): Promise<CorpusOutcome> {
  const { folder } = plan.corpus;
  const path = resolve(folder, entry.tape);
  if (!existsSync(path)) return withoutReplay(folder, entry, "missing");
  let tape: FoundRun | undefined;
  try {
    tape = findRun(path, { cwd: folder, env: () => undefined });
    refuseUnreplayable(tape, entry);
    const replay = await replayRun({
      tape,
      command: entry.command,
      cwd: entry.cwd ?? plan.cwd,
      here: true,
      env: { ...plan.env, ...entry.env },
      recordedSpeed: false,
      liveDraws: false,
      stallAfter: plan.stallAfter,
      showOutput: undefined,
      stop: stop.patience(),
    });
    const status = !replay.chain_intact
      ? "damaged"
      : replay.exact
      ? "exact"
      : stop.asked || replay.interrupted === true
      ? "interrupted"
      : "diverged";
    return { file: entry.tape, path, status, replay, error: undefined };
  } catch (error) {
    const known = isSqliteError(error) ? storeError(path, error) : error;
    if (!(known instanceof TraceforkError)) throw error;
    return withoutReplay(folder, entry, known.exitCode === EXIT.tape ? "damaged" : "failed", known);
  } finally {
    tape?.db.close();
  }
}

/** @throws TraceforkError for a run that no replay can prove. */
function refuseUnreplayable({ run }: FoundRun, { command }: CorpusEntry): void {
  const why = whyNotReplayable(run);
  if (why !== undefined) {
    throw new TraceforkError("TF_NOT_REPLAYABLE", `Cannot replay ${run.id} bit by bit: ${why}`, {
      hint: "record the agent anew to replay it",
    });
  }
  if (run.about.command.length > 0 || command.length > 0) return;
  throw new TraceforkError("TF_NOT_REPLAYABLE", `Cannot replay ${run.id}: its tape names no command`, {
    hint: 'name one in corpus.json: "command": ["PROGRAM", …]',
  });
}
