/**
 * Writes one lane of a run: rows wait in memory for a few milliseconds at most and go to the file in one
 * transaction, so that a lock is held for microseconds and several processes can record into one store.
 *
 * When the file can't be written (a full disk, another writer), the rows stay here and the next commit tries
 * again; `failure` tells of it. Beyond 64 MB of waiting bodies, recording stops.
 */

import type { TraceforkError } from "../base/errors.ts";
import type { ScannedBody } from "../tape/bodies.ts";
import type { Core } from "../../wasm/core.ts";
import { squeezeBlobs } from "./blobs.ts";
import { BodyWriter } from "./body_writer.ts";
import { type Database, isSqliteError, storeError } from "./database.ts";

const MAX_WAITING = 64 * 1024 * 1024;
/** Blobs that one idle moment compresses, so that the program is not held up: 0.1 to 0.4 ms. */
const SQUEEZE_AT_ONCE = 8;

interface EventRow {
  readonly seq: number;
  readonly type: number;
  readonly at: number;
  readonly body: Uint8Array;
  readonly link: Uint8Array;
}

/** See the head of this file. Implements the sink that sessions write to. */
export class LaneWriter {
  /** Set when the process is ending: the next commit says so, which proves that nothing was lost before. */
  ending = false;
  /** Set while rows can't be written, and for good once recording has stopped. */
  failure: TraceforkError | undefined;
  readonly #db: Database;
  readonly #path: string;
  readonly #run: number;
  readonly #lane: number;
  readonly #now: () => number;
  readonly #insertEvent;
  readonly #bodies: BodyWriter;
  readonly #insertVariable;
  readonly #insertSecret;
  readonly #markEnded;
  readonly #begin;
  readonly #end;
  #events: EventRow[] = [];
  #secrets: { seq: number; data: Uint8Array }[] = [];
  #variables: { name: string; value: string | undefined; secret: boolean }[] = [];
  #stopped = false;

  /** `now` gives microseconds since the run began, for the events' times. */
  constructor(db: Database, core: Core, path: string, run: number, lane: number, now: () => number) {
    this.#db = db;
    this.#path = path;
    this.#run = run;
    this.#lane = lane;
    this.#now = now;
    this.#insertEvent = db.prepare(
      "INSERT OR REPLACE INTO events (run, lane, seq, type, at, body, link) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#bodies = new BodyWriter(db, core);
    this.#insertVariable = db.prepare(
      "INSERT OR IGNORE INTO environment (run, name, value, secret) VALUES (?, ?, ?, ?)",
    );
    this.#insertSecret = db.prepare("INSERT OR REPLACE INTO handover (run, seq, data) VALUES (?, ?, ?)");
    this.#markEnded = db.prepare("UPDATE lanes SET ended = 1 WHERE run = ? AND lane = ?");
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#end = db.prepare("COMMIT");
  }

  /** True when there is something to commit. */
  get dirty(): boolean {
    return this.#events.length > 0;
  }

  append(seq: number, type: number, body: Uint8Array, link: Uint8Array): void {
    if (this.#stopped) return;
    const row = { seq, type, at: this.#now(), body: body.slice(), link };
    const last = this.#events.at(-1);
    if (last?.seq === seq) this.#events[this.#events.length - 1] = { ...row, at: last.at };
    else this.#events.push(row);
  }

  body(digest: Uint8Array, body: ScannedBody): unknown {
    return this.#stopped ? undefined : this.#bodies.add(digest, body);
  }

  /** An environment variable that the program has read. */
  variable(name: string, value: string | undefined, secret: boolean): void {
    if (!this.#stopped) this.#variables.push({ name, value, secret });
  }

  /** A masked secret for the launcher. */
  secret(seq: number, data: Uint8Array): void {
    if (!this.#stopped) this.#secrets.push({ seq, data });
  }

  /** Writes what waits. Never throws: see `failure`. */
  commit(): void {
    const waiting = this.#events.length + this.#bodies.count + this.#variables.length + this.#secrets.length;
    if (waiting === 0 && !this.ending) return;
    if (this.#stopped) return;
    try {
      this.#begin.run();
      this.#bodies.write();
      for (const { seq, type, at, body, link } of this.#events) {
        this.#insertEvent.run(this.#run, this.#lane, seq, type, at, body, link);
      }
      for (const { name, value, secret } of this.#variables) {
        this.#insertVariable.run(this.#run, name, value ?? null, secret ? 1 : 0);
      }
      for (const { seq, data } of this.#secrets) this.#insertSecret.run(this.#run, seq, data);
      if (this.ending) this.#markEnded.run(this.#run, this.#lane);
      this.#end.run();
      this.#variables = [];
      this.#secrets = [];
      this.#events = [];
      this.#bodies.committed();
      this.failure = undefined;
    } catch (error) {
      this.#rollback();
      this.#bodies.failed();
      this.failure = storeError(this.#path, error);
      if (this.#bodies.size > MAX_WAITING) this.#stop();
    }
  }

  /** Compresses some of the bodies that were stored as they came; the launcher does the rest in the end. */
  squeeze(): void {
    if (this.failure !== undefined || !this.#bodies.raw) return;
    try {
      this.#begin.run();
      squeezeBlobs(this.#db, this.#bodies.takeRaw(SQUEEZE_AT_ONCE));
      this.#end.run();
    } catch (error) {
      this.#rollback();
      // They stay as they are, which is as good: the next commit finds out whether more is wrong.
      if (!isSqliteError(error)) throw error;
    }
  }

  #rollback(): void {
    try {
      this.#db.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself, as it does on a full disk.
    }
  }

  #stop(): void {
    this.#stopped = true;
    this.#events = [];
    this.#bodies.drop();
    this.#variables = [];
    this.#secrets = [];
  }
}
