/** A corpus as text: one line a tape, what differs in those that diverged, a summary. */

import type { Divergence } from "../session/divergence.ts";
import { divergenceText } from "./receipt.ts";
import { printable } from "./table.ts";

/** What a line shows; `engine/corpus.ts` computes it. */
export interface CorpusFacts {
  readonly file: string;
  readonly path: string;
  readonly status: "exact" | "diverged" | "failed" | "damaged" | "missing" | "interrupted";
  readonly replay: {
    readonly exchanges: { readonly recorded: number };
    readonly draws: { readonly recorded: number };
    readonly replayed_ms: number;
    readonly divergence: Divergence | null;
  } | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** How many tapes there are of each kind. */
export interface CorpusTotals {
  readonly tapes: number;
  readonly exact: number;
  readonly diverged: number;
  readonly failed: number;
  readonly damaged: number;
  readonly missing: number;
  readonly interrupted: number;
}

export function corpusTotals(all: readonly CorpusFacts[]): CorpusTotals {
  const of = (status: CorpusFacts["status"]) => all.filter((each) => each.status === status).length;
  return {
    tapes: all.length,
    exact: of("exact"),
    diverged: of("diverged"),
    failed: of("failed"),
    damaged: of("damaged"),
    missing: of("missing"),
    interrupted: of("interrupted"),
  };
}

function count(many: number, word: string): string {
  return `${many} ${word}${many === 1 ? "" : "s"}`;
}

function verdict({ status, replay, error }: CorpusFacts): string {
  const divergence = replay?.divergence;
  const why = error === undefined ? divergence?.got ?? "" : `${error.message} (${error.code})`;
  if (status === "diverged") return `DIVERGED at step ${divergence?.step}: ${divergence?.cause}`;
  if (status === "missing") return "MISSING";
  if (status !== "exact" || replay === undefined) return `${status.toUpperCase()}: ${why}`;
  const { exchanges, draws, replayed_ms } = replay;
  const seconds = (replayed_ms / 1000).toFixed(2);
  return `EXACT  ${count(exchanges.recorded, "exchange")}, ${count(draws.recorded, "draw")}, ${seconds} s`;
}

/** One line. `width`: characters of the longest file name. */
export function corpusLine(facts: CorpusFacts, width: number): string {
  return `  ${printable(facts.file).padEnd(Math.min(width, 40))}  ${printable(verdict(facts))}\n`;
}

/** What differs, tape by tape, and the summary. */
export function corpusSummary(all: readonly CorpusFacts[], ms: number): string {
  const details = all.flatMap(({ status, file, path, replay }) =>
    status === "diverged" && replay?.divergence
      ? [`\n  ${printable(file)}\n${divergenceText(printable(path), replay.divergence)}`]
      : []
  );
  const totals = corpusTotals(all);
  const { tapes, exact, diverged, failed, damaged, missing, interrupted } = totals;
  const others = Object.entries({ diverged, failed, damaged, missing, "not replayed": interrupted });
  const counts = [
    `${exact} exact`,
    ...others.filter(([, many]) => many > 0).map(([name, many]) => `${many} ${name}`),
  ];
  const result = interrupted > 0
    ? "INTERRUPTED"
    : damaged + missing > 0
    ? "DAMAGED"
    : exact === tapes
    ? "EXACT"
    : "DIVERGED";
  return `${details.join("")}\n  ${count(tapes, "tape")}: ${counts.join(", ")}, in ${
    (ms / 1000).toFixed(2)
  } s\n  RESULT: ${result}\n`;
}
