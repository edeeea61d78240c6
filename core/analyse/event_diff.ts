/**
 * What differs between two runs besides what they asked, were answered and drew: timers, what crossed the boundary unheld,
 * and the order in which results came. Looked at when nothing else differs.
 */

import { sameBytes } from "../base/bytes.ts";
import { toHex } from "../base/hex.ts";
import { decodeEvent, type TapeEvent, TYPE } from "../tape/events.ts";
import type { ExchangeSource } from "./exchanges.ts";
import type { Ignore } from "./ignore.ts";

type Row = ReturnType<ExchangeSource["events"]>[number];

/** The first event that differs. */
export interface EventChange {
  /** `order`: both have the same events, and in another order. */
  readonly kind: "order" | "event";
  readonly lane: number;
  /** Exchanges that the process had asked for by then. */
  readonly requests: number;
  readonly a: string | undefined;
  readonly b: string | undefined;
}

interface Told {
  readonly what: string;
  readonly requests: number;
}

/** An event in a few words that hold all that counts here; undefined where another comparison covers it. */
function tell(event: TapeEvent, ignore: Ignore): string | undefined {
  const inOrder = !ignore.covers(["order"]);
  switch (event.type) {
    case "draws":
    case "exit":
      return undefined;
    case "boundary":
      return ignore.covers(["boundaries"]) ? undefined : `use of ${event.surface} ${event.detail}`.trimEnd();
    case "timer":
      if (ignore.covers(["timers"])) return undefined;
      return `timer ${event.kind} of ${event.delay} ms${inOrder ? ` (op ${event.op})` : ""}`;
    case "fire": {
      const value = ignore.covers(["draws", "bytes"]) ? "" : toHex(event.value);
      return inOrder ? `op ${event.op} fires${value && ` with ${value}`}` : undefined;
    }
    case "chunk":
      if (ignore.covers(["response", "chunks"]) || ignore.covers(["response", "body"])) return undefined;
  }
  return inOrder ? `${event.type} of op ${event.op}` : undefined;
}

function toldOf(rows: readonly Row[], ignore: Ignore): Told[] {
  const told: Told[] = [];
  let requests = 0;
  for (const { body } of rows) {
    const event = decodeEvent(body);
    const what = tell(event, ignore);
    if (event.type === "request") requests++;
    // How an answer was cut into pieces is compared with the answer.
    if (what !== undefined && !(event.type === "chunk" && told.at(-1)?.what === what)) {
      told.push({ what, requests });
    }
  }
  return told;
}

function changeOf(a: readonly Told[], b: readonly Told[], lane: number): EventChange | undefined {
  let at = 0;
  while (at < a.length && at < b.length && a[at]!.what === b[at]!.what) at++;
  if (at === a.length && at === b.length) return undefined;
  const bag = (told: readonly Told[]) => told.map(({ what }) => what).toSorted().join("\n");
  return {
    kind: bag(a) === bag(b) ? "order" : "event",
    lane,
    requests: (a[at] ?? b[at])!.requests,
    a: a[at]?.what,
    b: b[at]?.what,
  };
}

/** A row that differs from its counterpart in a detail that no comparison by fields shows. */
function rawChange(allA: readonly Row[], allB: readonly Row[], lane: number): EventChange | undefined {
  // What the closing event holds (exit code, output, the other processes' links) is compared in the open.
  const open = (rows: readonly Row[]) => rows.filter(({ body }) => body[0] !== TYPE.exit);
  const [a, b] = [open(allA), open(allB)];
  const at = a.findIndex((row, i) => b[i] === undefined || !sameBytes(row.body, b[i].body));
  if (at < 0 && a.length === b.length) return undefined;
  const place = at < 0 ? a.length : at;
  const show = (row: Row | undefined) =>
    row && `event ${row.seq}, ${decodeEvent(row.body).type}, ${toHex(row.body)}`;
  const requests = a.slice(0, place).filter(({ body }) => decodeEvent(body).type === "request").length;
  return { kind: "event", lane, requests, a: show(a[place]), b: show(b[place]) };
}

/**
 * Undefined where there is no such difference; without rules then every event is equal to the byte. `lanes` says which
 * processes stand for each other.
 */
export function diffEvents(
  a: readonly Row[],
  b: readonly Row[],
  lanes: readonly (readonly [a: number | undefined, b: number | undefined])[],
  ignore: Ignore,
): EventChange | undefined {
  const of = (rows: readonly Row[], lane: number | undefined) => rows.filter((row) => row.lane === lane);
  for (const [laneA, laneB] of lanes) {
    const [ofA, ofB] = [of(a, laneA), of(b, laneB)];
    const lane = laneA ?? laneB!;
    const change = changeOf(toldOf(ofA, ignore), toldOf(ofB, ignore), lane) ??
      (ignore.nothing ? rawChange(ofA, ofB, lane) : undefined);
    if (change !== undefined) return change;
  }
  return undefined;
}
