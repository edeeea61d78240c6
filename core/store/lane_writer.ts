/**
 * Writes one lane of a run: rows wait in memory for a few milliseconds at most and go to the file in one
 * transaction, so that a lock is held for microseconds and several processes can record into one store.
 *
 * When the file can't be written (a full disk, another writer), the rows stay here and the next commit tries
 * again; `failure` tells of it. Beyond 64 MB of waiting bodies, recording stops.
 */

import { type BlobRow, blobRow } from "./blobs.ts";
import { type Database, storeError } from "./database.ts";
import type { TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";

const MAX_WAITING = 64 * 1024 * 1024;
/** Digests of bodies that this writer has stored, so that a repeated one is not compressed again. */
const MAX_KNOWN = 20_000;

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
  readonly #insertBlob;
  readonly #insertVariable;
  readonly #insertSecret;
  readonly #markEnded;
  readonly #begin;
  readonly #end;
  #events: EventRow[] = [];
  #blobs: BlobRow[] = [];
  #secrets: { seq: number; data: Uint8Array }[] = [];
  #variables: { name: string; value: string | undefined; secret: boolean }[] = [];
  #waiting = 0;
  #stopped = false;
  readonly #known = new Set<string>();

  /** `now` gives microseconds since the run began, for the events' times. */
  constructor(db: Database, path: string, run: number, lane: number, now: () => number) {
    this.#db = db;
    this.#path = path;
    this.#run = run;
    this.#lane = lane;
    this.#now = now;
    this.#insertEvent = db.prepare(
      "INSERT OR REPLACE INTO events (run, lane, seq, type, at, body, link) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#insertBlob = db.prepare(
      "INSERT OR IGNORE INTO blobs (digest, size, zstd, data) VALUES (?, ?, ?, ?)",
    );
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

  body(digest: Uint8Array, bytes: Uint8Array): void {
    if (this.#stopped) return;
    const key = toHex(digest);
    if (this.#known.has(key)) return;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.add(key);
    const row = blobRow(digest, bytes);
    this.#blobs.push(row);
    this.#waiting += row.data.length;
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
    const waiting = this.#events.length + this.#blobs.length + this.#variables.length + this.#secrets.length;
    if (waiting === 0 && !this.ending) return;
    if (this.#stopped) return;
    try {
      this.#begin.run();
      for (const { digest, size, zstd, data } of this.#blobs) this.#insertBlob.run(digest, size, zstd, data);
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
      this.#blobs = [];
      this.#waiting = 0;
      this.failure = undefined;
    } catch (error) {
      try {
        this.#db.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself, as it does on a full disk.
      }
      this.failure = storeError(this.#path, error);
      if (this.#waiting > MAX_WAITING) this.#stop();
    }
  }

  #stop(): void {
    this.#stopped = true;
    this.#events = [];
    this.#blobs = [];
    this.#variables = [];
    this.#secrets = [];
  }
}
