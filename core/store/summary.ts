/** Counts of a run, for lists and notes: read off the event rows without loading bodies. */

import { decodeEvent, TYPE } from "../tape/events.ts";
import type { Database } from "./database.ts";
import type { Run } from "./runs.ts";

/** See the head of this file. */
export interface RunSummary {
  readonly exchanges: number;
  readonly draws: number;
  readonly deliveries: number;
  /** Bytes of events and output; bodies are shared between runs and not counted in. */
  readonly bytes: number;
  readonly runtime: string;
  readonly notHeld: readonly { readonly surface: string; readonly count: number }[];
}

/** Counts what a run holds. */
export function summarise(db: Database, run: Run): RunSummary {
  const types = db.prepare("SELECT type, count(*) AS count FROM events WHERE run = ? GROUP BY type").all(
    run.key,
  ) as {
    type: number;
    count: number;
  }[];
  const count = (...wanted: number[]) =>
    types.reduce((sum, row) => wanted.includes(row.type) ? sum + row.count : sum, 0);
  const bodies = (type: number) =>
    (db.prepare("SELECT body FROM events WHERE run = ? AND type = ?").all(run.key, type) as {
      body: Uint8Array;
    }[])
      .map(({ body }) => decodeEvent(body));
  const draws = bodies(TYPE.draws).reduce(
    (sum, event) => sum + (event.type === "draws" ? event.count : 0),
    0,
  );
  const notHeld = new Map<string, number>();
  for (const event of bodies(TYPE.boundary)) {
    if (event.type === "boundary") notHeld.set(event.surface, (notHeld.get(event.surface) ?? 0) + 1);
  }
  const { bytes } = db.prepare(
    `SELECT coalesce((SELECT sum(length(body) + length(link)) FROM events WHERE run = ?1), 0)
          + coalesce((SELECT sum(length(data)) FROM output WHERE run = ?1), 0) AS bytes`,
  ).get(run.key) as { bytes: number };
  const lane = db.prepare("SELECT runtime FROM lanes WHERE run = ? ORDER BY lane LIMIT 1").get(run.key) as
    | { runtime: string }
    | undefined;
  return {
    exchanges: count(TYPE.request),
    draws,
    deliveries: count(TYPE.sent, TYPE.head, TYPE.chunk, TYPE.end, TYPE.fail, TYPE.fire),
    bytes,
    runtime: lane?.runtime ?? "",
    notHeld: [...notHeld].map(([surface, times]) => ({ surface, count: times })),
  };
}
