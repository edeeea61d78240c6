/** A run as a whole: what it says about itself, and one line for each of its exchanges. */

import type { Exchange, RunExchanges } from "../../analyse/exchanges.ts";
import { seedTapeOf } from "../../analyse/seed_tape.ts";
import { messageOf, TraceforkError } from "../../base/errors.ts";
import { toHex } from "../../base/hex.ts";
import { formatTable, printable } from "../../report/table.ts";
import type { FoundRun } from "../../store/find.ts";
import { lanesOf, type Run, whyNotReplayable } from "../../store/runs.ts";
import { summarise } from "../../store/summary.ts";
import { seedFingerprint } from "../../tape/seed.ts";
import type { Core } from "../../../wasm/core.ts";
import type { Io } from "../verb.ts";
import { preview } from "./model_text.ts";

/** Milliseconds with one place, from microseconds. */
export function milliseconds(us: number | undefined): string {
  return us === undefined ? "" : (us / 1000).toFixed(1);
}

/** How long an exchange took, in microseconds; undefined where it never ended. */
export function durationOf({ startedAt, endedAt }: Exchange): number | undefined {
  return endedAt === undefined ? undefined : endedAt - startedAt;
}

/** Status, and what is to be said about the end besides: an error's class, or that it was no good end. */
export function outcomeOf({ head, end, error }: Exchange): string {
  const ending = end === "complete" ? undefined : end === "failed" ? error?.class || error?.name : end;
  return [head?.status.toString(), ending].filter((each) => each !== undefined).join(" ");
}

function placeOf(exchange: Exchange): string {
  try {
    const { host, pathname } = new URL(exchange.request.url);
    return host + pathname;
  } catch {
    return exchange.request.url;
  }
}

/** A body that was changed must not hide the rest of the run, so it is told of in its line. */
function previewOrDamage(exchange: Exchange): { preview: string; damage: string | undefined } {
  try {
    return { preview: preview(exchange), damage: undefined };
  } catch (error) {
    if (!(error instanceof TraceforkError)) throw error;
    return { preview: `DAMAGED: ${messageOf(error)}`, damage: messageOf(error) };
  }
}

function rowsOf({ exchanges }: RunExchanges) {
  return exchanges.map((exchange) => ({ exchange, ...previewOrDamage(exchange) }));
}

/** A run, ready to be shown. */
export interface RunView {
  /** The `--json` document's keys. */
  readonly json: object;
  /** For people. */
  readonly text: string;
  /** What could not be read. */
  readonly damages: readonly string[];
}

/** The seed's fingerprint, of what is in the file now; undefined where that can't be read. */
function seedText(run: Run, found: RunExchanges, core: Core): string | undefined {
  try {
    return seedFingerprint(core, seedTapeOf(run, found));
  } catch (error) {
    // The exchange's line tells what is damaged.
    if (error instanceof TraceforkError) return undefined;
    throw error;
  }
}

/** Everything that is shown of a run. */
export function viewRun({ db, run }: FoundRun, found: RunExchanges, core: Core, io: Io): RunView {
  const summary = summarise(db, run);
  const rows = rowsOf(found);
  const created = run.created === 0 ? null : new Date(run.created / 1000).toISOString();
  const { imported } = run.about;
  const why = whyNotReplayable(run);
  const seed = imported?.format === "seed" ? seedText(run, found, core) : undefined;
  const runtimes = lanesOf(db, run.key).map(({ runtime }) => runtime);
  const exit = run.exitSignal ?? run.exitCode ?? null;
  const duration = run.ended === undefined || created === null ? undefined : run.ended - run.created;
  const fingerprint = run.fingerprint === undefined ? null : toHex(run.fingerprint);
  const earlyDraws = found.early.reduce((sum, { count }) => sum + count, 0);
  const notHeld = summary.notHeld.map(({ surface, count }) => `${surface} ×${count}`).join(", ");
  const facts: readonly (readonly [string, string])[] = [
    ["run", run.id + (run.name === undefined ? "" : `  ${run.name}`)],
    ["state", run.state],
    ...(run.note === undefined ? [] : [["note", run.note] as const]),
    ...(imported === undefined
      ? [["command", run.about.command.join(" ") || "(recorded by the preload alone)"] as const]
      : [["imported", `from ${imported.file}`] as const, ["replayable", `no: ${why}`] as const]),
    ["runtime", runtimes.join(", ")],
    ["created", created ?? "unknown"],
    ["duration", duration === undefined ? "unknown" : `${(duration / 1e6).toFixed(2)} s`],
    ["exit", String(exit ?? "unknown")],
    ["fingerprint", fingerprint ?? "none yet"],
    ...(seed === undefined ? [] : [["of the seed", seed] as const]),
    ...(run.parent === undefined ? [] : [["parent", `${run.parent}:${run.forkStep ?? 0}`] as const]),
    ["not held", notHeld || "nothing"],
    ["draws", `${summary.draws}, ${earlyDraws} of them before the first step`],
  ];
  const table = formatTable(
    ["step", "method", "host and path", "status", "ms", "sent", "received", "chunks", "draws", "said"],
    rows.map(({ exchange, preview }) => [
      String(exchange.step),
      exchange.request.method,
      placeOf(exchange),
      outcomeOf(exchange),
      milliseconds(durationOf(exchange)),
      String(exchange.requestSize ?? 0),
      String(exchange.responseSize),
      String(exchange.chunks.length),
      String(exchange.drawCount),
      preview,
    ]),
    io,
  );
  const head = facts.map(([name, value]) => `  ${name.padEnd(11)}  ${printable(value)}\n`).join("");
  return {
    text: `${head}\n${table}`,
    damages: rows.flatMap(({ exchange, damage }) =>
      damage === undefined ? [] : [`step ${exchange.step}: ${damage}`]
    ),
    json: {
      tape: run.id,
      name: run.name ?? null,
      state: run.state,
      command: run.about.command,
      runtime: summary.runtime,
      processes: runtimes.length,
      created,
      duration_ms: duration === undefined ? null : duration / 1000,
      exit,
      fingerprint,
      parent: run.parent ?? null,
      fork_step: run.forkStep ?? null,
      note: run.note ?? null,
      replayable: why === undefined,
      why_not_replayable: why ?? null,
      seed_fingerprint: seed ?? null,
      not_held: summary.notHeld,
      draws: summary.draws,
      early_draws: earlyDraws,
      exchanges: rows.map(({ exchange, preview, damage }) => ({
        ...exchangeJson(exchange),
        preview: damage === undefined ? preview : null,
        damaged: damage ?? null,
      })),
    },
  };
}

/** What the list and the single view say about an exchange alike. */
export function exchangeJson(exchange: Exchange) {
  const duration = durationOf(exchange);
  const { step, lane, request, head, end, error } = exchange;
  return {
    step,
    lane,
    method: request.method,
    url: request.url,
    status: head?.status ?? null,
    end,
    error: error === undefined ? null : { class: error.class, name: error.name, message: error.message },
    started_ms: exchange.startedAt / 1000,
    duration_ms: duration === undefined ? null : duration / 1000,
    request_bytes: exchange.requestSize ?? 0,
    response_bytes: exchange.responseSize,
    chunks: exchange.chunks.length,
    draws: exchange.drawCount,
  };
}
