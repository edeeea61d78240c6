/** `tracefork verify --corpus`: the flags, the document and the exit code; `engine/corpus.ts` does the work. */

import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { EXIT, TraceforkError } from "../../base/errors.ts";
import { type CorpusOutcome, type CorpusResult, replayCorpus } from "../../engine/corpus.ts";
import { MANIFEST, readCorpus } from "../../engine/corpus_manifest.ts";
import type { ReplayResult } from "../../engine/replay_run.ts";
import { corpusLine, corpusSummary, corpusTotals } from "../../report/corpus_text.ts";
import { printable } from "../../report/table.ts";
import { Progress } from "../progress.ts";
import { type Call, document, type Flag, type Io, on, text } from "../verb.ts";

/** A gate that cries wolf on a crowded machine costs more than the seconds it waits. */
const STALL_AFTER = 10;

export const CORPUS_FLAGS: readonly Flag[] = [
  { flags: "--corpus <dir>", help: "replay every tape of this folder, or those that its corpus.json names" },
  { flags: "--jobs <n>", help: "with --corpus: replays at a time (default: as many as there are cores)" },
  {
    flags: "--stall-after <seconds>",
    help: `with --corpus: give up on a tape when nothing happens for so long (default ${STALL_AFTER})`,
  },
];

/** @throws TraceforkError TF_USAGE where a flag of --corpus is given without it. */
export function refuseCorpusFlags(call: Call): void {
  for (const [name, flag] of [["jobs", "--jobs"], ["stallAfter", "--stall-after"]] as const) {
    if (text(call, name) === undefined) continue;
    throw new TraceforkError("TF_USAGE", `Cannot use ${flag} without --corpus: nothing is replayed`);
  }
}

function positive(call: Call, name: string, flag: string, otherwise: number, whole: boolean): number {
  const value = text(call, name);
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (number > 0 && Number.isFinite(number) && (!whole || Number.isSafeInteger(number))) return number;
  throw new TraceforkError(
    "TF_USAGE",
    `Cannot read ${flag} ${JSON.stringify(value)}: it is no positive ${whole ? "whole " : ""}number`,
  );
}

/** The keys of `replay --json` for a tape that was not replayed. */
const NO_REPLAY: Readonly<Record<keyof Omit<ReplayResult, "interrupted">, null | false>> = {
  tape: null,
  exact: false,
  state: null,
  exchanges: null,
  draws: null,
  deliveries: null,
  output: null,
  exit: null,
  fingerprint: null,
  chain_intact: null,
  left_over: null,
  network_calls: null,
  cost_usd: null,
  recorded_ms: null,
  replayed_ms: null,
  divergence: null,
};

function asJson({ file, path, status, replay, error }: CorpusOutcome) {
  const why = error && { code: error.code, message: error.message, hint: error.hint ?? null };
  return { file, path, status, error: why ?? null, ...NO_REPLAY, ...replay };
}

function totalsOf({ outcomes, ms }: CorpusResult) {
  const sum = (key: "network_calls" | "cost_usd" | "recorded_ms" | "replayed_ms") =>
    outcomes.reduce((total, { replay }) => total + (replay?.[key] ?? 0), 0);
  return {
    ...corpusTotals(outcomes),
    network_calls: sum("network_calls"),
    cost_usd: sum("cost_usd"),
    recorded_ms: sum("recorded_ms"),
    replayed_ms: sum("replayed_ms"),
    took_ms: ms,
  };
}

/** Runs the gate. Returns the exit code. */
export async function verifyCorpus(call: Call, io: Io): Promise<number> {
  if (call.args.length > 0 || call.options.store !== undefined) {
    throw new TraceforkError("TF_USAGE", "Cannot verify a corpus and something else in one call", {
      hint: "--corpus takes a folder and neither tapes nor --store",
    });
  }
  const jobs = positive(call, "jobs", "--jobs", availableParallelism(), true);
  const stallAfter = positive(call, "stallAfter", "--stall-after", STALL_AFTER, false);
  const corpus = readCorpus(resolve(io.cwd, text(call, "corpus")!));
  const { entries, unlisted } = corpus;
  const json = on(call, "json");
  const width = Math.max(...entries.map(({ tape }) => printable(tape).length));

  const progress = new Progress(io);
  let ended = 0;
  const tell = () => progress.tell(`replaying: ${ended} of ${entries.length} tapes`);
  const atOnce = Math.min(jobs, entries.length);
  if (!io.noteIsTerminal) {
    const tapes = `${entries.length} tape${entries.length === 1 ? "" : "s"}`;
    io.note(`tracefork: replaying ${tapes}, ${atOnce} at a time\n`);
  }
  const ticking = io.noteIsTerminal ? setInterval(tell, 250) : undefined;
  let result: CorpusResult;
  try {
    result = await replayCorpus({
      corpus,
      cwd: io.cwd,
      env: io.env,
      jobs: atOnce,
      stallAfter,
      onOutcome: (outcome) => {
        progress.done();
        if (!json) io.out(corpusLine(outcome, width));
      },
      onEnd: (count) => {
        ended = count;
        tell();
      },
    });
  } finally {
    clearInterval(ticking);
    progress.done();
  }

  const { outcomes, interrupted } = result;
  const totals = totalsOf(result);
  const exact = totals.exact === totals.tapes;
  if (json) {
    const tapes = outcomes.map(asJson);
    io.out(document("corpus", { corpus: corpus.folder, exact, interrupted, tapes, unlisted, totals }));
  } else io.out(corpusSummary(outcomes, result.ms));
  if (unlisted.length > 0) {
    io.note(`tracefork: not in ${MANIFEST}, so not replayed: ${unlisted.map(printable).join(", ")}\n`);
  }
  if (interrupted) {
    io.note(
      `tracefork: interrupted: ${totals.interrupted} of ${totals.tapes} tapes were not replayed, ` +
        "their commands were stopped\n",
    );
    return EXIT.interrupted;
  }
  if (totals.damaged + totals.missing > 0) return EXIT.tape;
  return exact ? EXIT.ok : EXIT.diverged;
}
