/**
 * Reads one run's events and bodies. What it returns is as it stands in the file; `verify` is what checks it.
 */

import type { Core } from "../../wasm/core.ts";
import { BodyReader } from "./body_reader.ts";
import type { Database } from "./database.ts";

/** An event's row. */
export interface StoredEvent {
  readonly lane: number;
  readonly seq: number;
  readonly type: number;
  /** Microseconds since the run began. */
  readonly at: number;
  /** The canonical encoding. */
  readonly body: Uint8Array;
  readonly link: Uint8Array;
}

/** A run's events and bodies. */
export interface TapeSource {
  events(lane?: number): StoredEvent[];
  body(digest: Uint8Array): Uint8Array;
}

/** Reads run `run` of an open file. */
export function tapeSource(db: Database, core: Core, run: number): TapeSource {
  const bodies = new BodyReader(db, core);
  const one = db.prepare(
    "SELECT lane, seq, type, at, body, link FROM events WHERE run = ? AND lane = ? ORDER BY seq",
  );
  const all = db.prepare(
    "SELECT lane, seq, type, at, body, link FROM events WHERE run = ? ORDER BY lane, seq",
  );
  return {
    events: (lane) => (lane === undefined ? all.all(run) : one.all(run, lane)) as unknown as StoredEvent[],
    body: (digest) => bodies.read(digest),
  };
}

/** What a run wrote to a stream, or was given on stdin, whole. */
export function outputOf(db: Database, run: number, stream: 0 | 1 | 2): Uint8Array {
  const rows = db.prepare("SELECT data FROM output WHERE run = ? AND stream = ? ORDER BY seq").all(
    run,
    stream,
  ) as {
    data: Uint8Array;
  }[];
  const whole = new Uint8Array(rows.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of rows) {
    whole.set(data, at);
    at += data.length;
  }
  return whole;
}
