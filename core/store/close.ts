/**
 * Closes a run: the closing event goes to the end of lane 0's chain, then fingerprint, seal and state. May be
 * done again when more events have come (a program's exit handlers): the closing event moves to the end.
 */

import { encodeEvent, type ExitEvent, TYPE } from "../tape/events.ts";
import { chainHeader } from "../tape/format.ts";
import type { Core } from "../../wasm/core.ts";
import type { Database } from "./database.ts";
import { sealOf } from "./runs.ts";

/** How a run ended. */
export interface Ending {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** Microseconds since the epoch. */
  readonly ended: number;
  readonly stdin?: ExitEvent["stdin"];
  readonly stdout?: ExitEvent["stdout"];
  readonly stderr?: ExitEvent["stderr"];
}

/** The link that a lane ends with. */
function lastLink(db: Database, core: Core, run: number, lane: number): { seq: number; link: Uint8Array } {
  const row = db.prepare(
    "SELECT seq, link FROM events WHERE run = ? AND lane = ? AND type <> ? ORDER BY seq DESC LIMIT 1",
  ).get(run, lane, TYPE.exit) as { seq: number; link: Uint8Array } | undefined;
  return row ?? { seq: -1, link: core.sha256(chainHeader(lane)) };
}

/** The closing link of a run whose lanes ended with `links`. Recorder and replayer both use it. */
export function closingLink(core: Core, links: readonly Uint8Array[], ending: Omit<Ending, "ended">): {
  body: Uint8Array;
  link: Uint8Array;
} {
  const body = encodeEvent({
    type: "exit",
    code: ending.code,
    signal: ending.signal,
    stdin: ending.stdin,
    stdout: ending.stdout,
    stderr: ending.stderr,
    lanes: links.slice(1),
  });
  return { body, link: core.chainNext(links[0] ?? core.sha256(chainHeader(0)), body) };
}

/** See the head of this file. Returns the fingerprint. */
export function closeRun(
  db: Database,
  core: Core,
  run: number,
  ending: Ending,
  state: "complete" | "recovered" = "complete",
): Uint8Array {
  db.exec("BEGIN IMMEDIATE");
  try {
    const { count } = db.prepare("SELECT count(*) AS count FROM lanes WHERE run = ?").get(run) as {
      count: number;
    };
    const lanes = Array.from({ length: Math.max(1, count) }, (_, lane) => lastLink(db, core, run, lane));
    const { body, link } = closingLink(core, lanes.map((lane) => lane.link), ending);
    const { created } = db.prepare("SELECT created FROM runs WHERE key = ?").get(run) as { created: number };
    db.prepare("DELETE FROM events WHERE run = ? AND lane = 0 AND type = ?").run(run, TYPE.exit);
    db.prepare(
      "INSERT OR REPLACE INTO events (run, lane, seq, type, at, body, link) VALUES (?, 0, ?, ?, ?, ?, ?)",
    )
      .run(run, lanes[0]!.seq + 1, TYPE.exit, Math.max(0, ending.ended - created), body, link);
    db.prepare(
      "UPDATE runs SET state = ?, ended = ?, exit_code = ?, exit_signal = ?, fingerprint = ? WHERE key = ?",
    )
      .run(state, ending.ended, ending.code ?? null, ending.signal ?? null, link, run);
    db.prepare("UPDATE runs SET seal = ? WHERE key = ?").run(sealOf(db, core, run, link), run);
    db.exec("COMMIT");
    return link;
  } catch (error) {
    try {
      db.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself.
    }
    throw error;
  }
}
