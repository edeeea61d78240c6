/** What `fork` says: its document, its lines for people, and its outline with `--dry-run`. */

import type { Exchange } from "../../analyse/exchanges.ts";
import { toHex } from "../../base/hex.ts";
import type { Forked, ForkOutline } from "../../engine/fork_run.ts";
import { readResponse } from "../../provider/read.ts";

/** The public document of a fork, without its schema. */
export function forkDocument(forked: Forked, file: string, parent: string): object {
  const { outline, recorded, requests, prefix, divergence, unserved } = forked;
  const list = (outcome: string) =>
    requests.filter((each) => each.outcome === outcome).map(({ method, url }) => ({ method, url }));
  return {
    branch: recorded?.run.id ?? null,
    name: recorded?.run.name ?? null,
    file,
    state: recorded?.run.state ?? null,
    parent,
    step: outline.step,
    changes: outline.changes.map((change) => ({
      ...change,
      served: recorded !== undefined && !unserved.includes(change.step),
    })),
    tail: outline.orders.tail,
    seed: outline.orders.seed,
    prefix,
    served_from_tape: list("tape").length,
    live: list("live"),
    refused: list("refused"),
    exit: recorded === undefined
      ? null
      : { code: recorded.end.code ?? null, signal: recorded.end.signal ?? null },
    fingerprint: recorded?.run.fingerprint === undefined ? null : toHex(recorded.run.fingerprint),
    divergence: divergence ?? null,
    ...(recorded?.failure === undefined
      ? {}
      : { error: { code: recorded.failure.code, message: recorded.failure.message } }),
  };
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/** Lines about a fork that came to its step. */
export function forkedLines(forked: Forked, file: string): string[] {
  const { outline, recorded, requests, prefix, unserved, missing } = forked;
  const all = (outcome: string) => requests.filter((each) => each.outcome === outcome);
  const { id, state } = recorded!.run;
  const lines = [
    `forked ${id}${state === "complete" ? "" : ` (${state})`} at step ${outline.step}: ${
      count(prefix.exchanges, "exchange")
    } replayed, ${all("tape").length} served from the tape, ${all("live").length} live, in ${file}`,
  ];
  for (const { method, url } of all("refused")) lines.push(`not on the tape: ${method} ${url}`);
  for (const step of unserved) lines.push(`step ${step} was not asked for again: its change was not served`);
  if (all("live").length > 0 && missing.length > 0) {
    lines.push(`${missing.join(", ")} not set here: requests that went live carried a placeholder`);
  }
  return lines;
}

function tokens(exchanges: readonly Exchange[]): { input: number; output: number } {
  const sum = { input: 0, output: 0 };
  for (const exchange of exchanges) {
    const type = exchange.head?.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
    const usage = readResponse(type, exchange.responseBody())?.usage;
    sum.input += usage?.input ?? 0;
    sum.output += usage?.output ?? 0;
  }
  return sum;
}

/** What would be done, as a document. */
export function outlineDocument(outline: ForkOutline, parent: string): object {
  const steps = (list: readonly Exchange[]) => list.map(({ step }) => step);
  return {
    dry_run: true,
    parent,
    step: outline.step,
    changes: outline.changes,
    tail: outline.orders.tail,
    seed: outline.orders.seed,
    replayed: steps(outline.replayed),
    in_flight: steps(outline.inFlight),
    later: steps(outline.later),
    later_tokens: tokens(outline.later),
  };
}

function steps(list: readonly Exchange[]): string {
  if (list.length === 0) return "none";
  const shown = list.slice(0, 12).map(({ step }) => step).join(", ");
  return list.length > 12 ? `${shown}, … (${list.length})` : shown;
}

/** What would be done, for people. */
export function outlineText(outline: ForkOutline, parent: string): string {
  const { input, output } = tokens(outline.later);
  const may = {
    "tape-first": "a request that asks for what one of these asked is served from the tape; others go live",
    live: "every request goes live",
    offline: "a request that asks for what one of these asked is served from the tape; others are refused",
  }[outline.orders.tail];
  return [
    `fork of ${parent} at step ${outline.step} (nothing was run)`,
    ...outline.changes.map(({ step, what }) => `changed at step ${step} ..... ${what}`),
    `replayed for $0 ......... ${steps(outline.replayed)}`,
    `in flight, from the tape  ${steps(outline.inFlight)}`,
    `recorded after the fork   ${steps(outline.later)}: ${may}`,
    `these took .............. ${input} input and ${output} output tokens when they were recorded`,
  ].map((line) => `  ${line}\n`).join("");
}
