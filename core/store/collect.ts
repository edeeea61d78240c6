/**
 * Removes runs, and the bodies, lists and chunks that no run needs any more.
 *
 * A process that records remembers the numbers of chunks and lists that it has written or found, for as long as it
 * lives, and its next body may name them. So nothing shared is collected while any process that has joined a run is
 * alive. This is looked at inside the transaction that collects: whoever joins later joins after it, and remembers
 * nothing from before. Runs themselves can be removed meanwhile; what they leave is collected another time.
 */

import { messageOf, TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { decodeList, decodePieces } from "../tape/bodies.ts";
import { bodyOf, decodeEvent, TYPE } from "../tape/events.ts";
import { type Database, isSqliteError } from "./database.ts";
import { listRuns, type Run, writingRuns } from "./runs.ts";

/** How many rows went. */
export interface Collected {
  readonly blobs: number;
  readonly lists: number;
  readonly bodies: number;
}

/** What a removal did, or would do. */
export interface Removal {
  /** Runs that went. */
  readonly runs: readonly Run[];
  /** Bytes of the file that are free now: it is that much smaller. */
  readonly freed: number;
  /** Undefined where a recording kept the shared rows from being collected. */
  readonly collected: Collected | undefined;
  /** The id of a run that is being recorded into this file. */
  readonly recording: string | undefined;
}

/** Tables of a run's own rows. */
const OWN = ["events", "output", "environment", "handover", "lanes"] as const;
/** Events that name no body, whatever else they hold. */
const BODILESS = [TYPE.draws, TYPE.end, TYPE.cancel, TYPE.timer, TYPE.fire, TYPE.exit, TYPE.boundary];

/** Bytes of the file that are in use. */
export function usedBytes(db: Database): number {
  const value = (pragma: string) =>
    Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() as Record<string, number>)[0]);
  return (value("page_count") - value("freelist_count")) * value("page_size");
}

function removeRun(db: Database, key: number): void {
  for (const table of OWN) db.prepare(`DELETE FROM ${table} WHERE run = ?`).run(key);
  db.prepare("DELETE FROM runs WHERE key = ?").run(key);
}

function unreadable(what: string, why: unknown): TraceforkError {
  return new TraceforkError(
    "TF_TAPE_DAMAGED",
    `Cannot tell which bodies are needed: ${what} is damaged (${messageOf(why)})`,
    {
      hint: "nothing was removed; `tracefork verify --store` names the run, and `tracefork rm` can remove it",
      cause: why,
    },
  );
}

/** Told now and then how many events were looked at. */
export type OnEvents = (count: number) => void;

/** Numbers of the rows that the runs in the file need. */
function needed(
  db: Database,
  onEvents: OnEvents,
): { blobs: Set<number>; lists: Set<number>; bodies: Set<number> } {
  const keep = { blobs: new Set<number>(), lists: new Set<number>(), bodies: new Set<number>() };
  const seen = new Set<string>();
  let looked = 0;
  const body = db.prepare("SELECT key, data FROM bodies WHERE digest = ?");
  const blob = db.prepare("SELECT key FROM blobs WHERE digest = ?");
  const list = db.prepare("SELECT data FROM lists WHERE key = ?");
  const events = db.prepare(
    `SELECT run, lane, seq, body FROM events WHERE type NOT IN (${BODILESS.join(", ")})`,
  );
  for (const row of events.iterate() as unknown as Iterable<Record<string, number> & { body: Uint8Array }>) {
    if (++looked % 2048 === 0) onEvents(looked);
    let digest: Uint8Array | undefined;
    try {
      digest = bodyOf(decodeEvent(row.body))?.digest;
    } catch (error) {
      throw unreadable(`event ${row.seq} of lane ${row.lane} of the run with key ${row.run}`, error);
    }
    if (digest === undefined || seen.has(toHex(digest))) continue;
    seen.add(toHex(digest));
    const whole = body.get(digest) as { key: number; data: Uint8Array } | undefined;
    if (whole === undefined) {
      const found = blob.get(digest) as { key: number } | undefined;
      if (found !== undefined) keep.blobs.add(found.key);
      continue;
    }
    keep.bodies.add(whole.key);
    try {
      const { lists, chunks } = decodePieces(whole.data);
      for (const key of chunks) keep.blobs.add(key);
      for (const key of lists) {
        if (keep.lists.has(key)) continue;
        keep.lists.add(key);
        const found = list.get(key) as { data: Uint8Array } | undefined;
        for (const chunk of found === undefined ? [] : decodeList(found.data)) keep.blobs.add(chunk);
      }
    } catch (error) {
      throw unreadable(`body ${toHex(digest).slice(0, 12)}…`, error);
    }
  }
  return keep;
}

function sweep(db: Database, table: string, keep: ReadonlySet<number>): number {
  const remove = db.prepare(`DELETE FROM ${table} WHERE key = ?`);
  const gone = (db.prepare(`SELECT key FROM ${table}`).all() as { key: number }[])
    .filter(({ key }) => !keep.has(key));
  for (const { key } of gone) remove.run(key);
  return gone.length;
}

/** Removes what no run needs. Inside a transaction in which nobody records. */
function collect(db: Database, onEvents: OnEvents): Collected {
  for (const table of OWN) db.exec(`DELETE FROM ${table} WHERE run NOT IN (SELECT key FROM runs)`);
  const keep = needed(db, onEvents);
  return {
    bodies: sweep(db, "bodies", keep.bodies),
    lists: sweep(db, "lists", keep.lists),
    blobs: sweep(db, "blobs", keep.blobs),
  };
}

function inUse(run: string, what: string): TraceforkError {
  return new TraceforkError("TF_TAPE_IN_USE", `Cannot ${what}: run ${run} is being recorded`, {
    hint: "wait until it has ended",
  });
}

/** Which runs go. `atMost` gives the bytes that the file may use: oldest runs go until it does. */
export type Choice = (runs: readonly Run[]) => {
  /** Oldest first, where `atMost` is given. */
  readonly runs: readonly Run[];
  readonly atMost?: number;
};

/**
 * The least number of the first runs that have to go, by halving: a trial costs a look at all events.
 * @throws TraceforkError TF_USAGE where not even all of them are enough: then all would go for nothing.
 */
function fewest(db: Database, runs: readonly Run[], atMost: number, onEvents: OnEvents): number {
  const usedWithout = (count: number) => {
    db.exec("SAVEPOINT trial");
    for (const run of runs.slice(0, count)) removeRun(db, run.key);
    collect(db, onEvents);
    const used = usedBytes(db);
    db.exec("ROLLBACK TO trial; RELEASE trial");
    return used;
  };
  const least = usedWithout(runs.length);
  if (least > atMost) {
    throw new TraceforkError(
      "TF_USAGE",
      `Cannot make the store as small as ${atMost} bytes: without the runs that may go it has ${least}`,
      { hint: "nothing was removed; give a larger size" },
    );
  }
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (usedWithout(middle) <= atMost) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Removes the runs that `choose` picks of those in the file, then what nobody needs. With `dryRun` all is done and
 * taken back, so what it tells is exact.
 * @throws TraceforkError TF_TAPE_IN_USE for a run that is being recorded, TF_TAPE_DAMAGED where it can't be told
 *   what the others need; then nothing was removed.
 */
export function removeRuns(
  db: Database,
  choose: Choice,
  dryRun: boolean,
  onEvents: OnEvents = () => {},
): Removal {
  // What was removed is to be gone from the file, not only from its tables.
  db.exec("PRAGMA secure_delete = ON; BEGIN IMMEDIATE");
  let removal: Removal;
  try {
    const writing = writingRuns(db);
    const recording = writing[0];
    const before = usedBytes(db);
    const choice = choose(listRuns(db));
    let { runs } = choice;
    if (choice.atMost !== undefined) {
      if (recording !== undefined) throw inUse(recording, "make the store smaller");
      runs = runs.slice(0, fewest(db, runs, choice.atMost, onEvents));
    }
    for (const run of runs) {
      if (writing.includes(run.id)) throw inUse(run.id, `remove run ${run.id}`);
      removeRun(db, run.key);
    }
    const collected = recording === undefined ? collect(db, onEvents) : undefined;
    removal = { runs, freed: before - usedBytes(db), collected, recording };
    db.exec(dryRun ? "ROLLBACK" : "COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
  if (!dryRun) shrink(db);
  return removal;
}

/**
 * Gives free pages back, and folds the write-ahead log in. Where somebody reads or writes meanwhile it is left for
 * another time: the pages are free for what is recorded next.
 */
function shrink(db: Database): void {
  try {
    db.prepare("PRAGMA incremental_vacuum").all();
    db.exec("PRAGMA busy_timeout = 0");
    db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
  } catch (error) {
    if (!isSqliteError(error)) throw error;
  }
}
