/**
 * Copies runs from one file into another, with all that they need and nothing else: events, processes, variables,
 * output, and of the shared bodies those that their events name. Digests stay; the numbers of rows are given anew, in
 * an order that follows from the runs alone, so that the same runs make the same file.
 *
 * It copies rows as they stand. Whoever calls it has proven the run before (`verifyRun`) and holds a transaction on
 * both files: a damaged chunk must never get under its digest into a store that shares it.
 */

import { toHex } from "../base/hex.ts";
import { decodeList, decodePieces, encodeList, encodePieces } from "../tape/bodies.ts";
import { bodyOf, decodeEvent, TYPE } from "../tape/events.ts";
import { type BlobRow, COMPRESS_FROM, damagedBody, squeezed } from "./blobs.ts";
import { hasBodies } from "./body_reader.ts";
import type { Database } from "./database.ts";
import type { Run } from "./runs.ts";

/** In place of a process's mark: nobody is alive by it, and no host is named. */
const NOBODY = JSON.stringify({ host: "", pid: 0 });

/** Columns of `runs` that go over as they are. */
const RUN_COLUMNS =
  "id, name, created, ended, about, exit_code, exit_signal, fingerprint, seal, parent, fork_step";

type Value = null | number | string | Uint8Array;
type Key = { readonly key: number } | undefined;

/** See the head of this file. One copier for one transaction. */
export class RunCopier {
  readonly #from: Database;
  readonly #to: Database;
  readonly #chunked: boolean;
  /** Numbers in the other file, by those in this one. */
  readonly #blobs = new Map<number, number>();
  readonly #lists = new Map<number, number>();
  readonly #bodies = new Set<string>();
  readonly #statements = new Map<string, ReturnType<Database["prepare"]>>();

  constructor(from: Database, to: Database) {
    this.#from = from;
    this.#to = to;
    this.#chunked = hasBodies(from);
  }

  /** Copies a run; its id must not be in the other file. */
  copy(run: Run): void {
    const row = this.#read(`SELECT ${RUN_COLUMNS} FROM runs WHERE key = ?`, run.key) as Record<string, Value>;
    const marks = RUN_COLUMNS.replaceAll(/\w+/g, "?");
    // A run whose writers are gone has no seal: what it is now, it may say.
    const key = Number(
      this.#write(
        `INSERT INTO runs (${RUN_COLUMNS}, state, note) VALUES (${marks}, ?, ?)`,
        ...Object.values(row),
        run.state,
        run.note ?? null,
      ).lastInsertRowid,
    );
    this.#rows(run.key, key, "lanes", "lane, pid, runtime, argv, started, ended", "lane", { mark: NOBODY });
    this.#rows(run.key, key, "environment", "name, value, secret", "name");
    this.#events(run.key, key);
    this.#rows(run.key, key, "output", "stream, seq, at, data", "stream, seq");
  }

  #rows(from: number, to: number, table: string, columns: string, order: string, more = {}): void {
    const names = ["run", ...columns.split(", "), ...Object.keys(more)];
    const insert = `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
    const select = this.#from.prepare(`SELECT ${columns} FROM ${table} WHERE run = ? ORDER BY ${order}`);
    for (const row of select.iterate(from)) {
      this.#write(insert, to, ...Object.values(row) as Value[], ...Object.values(more) as Value[]);
    }
  }

  #events(from: number, to: number): void {
    const select = this.#from.prepare(
      "SELECT lane, seq, type, at, body, link FROM events WHERE run = ? ORDER BY lane, seq",
    );
    for (const row of select.iterate(from) as unknown as Iterable<{ type: number; body: Uint8Array }>) {
      if (row.type !== TYPE.draws) {
        const body = bodyOf(decodeEvent(row.body));
        if (body !== undefined) this.#body(body.digest);
      }
      this.#write(
        "INSERT INTO events (run, lane, seq, type, at, body, link) VALUES (?, ?, ?, ?, ?, ?, ?)",
        to,
        ...Object.values(row) as Value[],
      );
    }
  }

  #body(digest: Uint8Array): void {
    const name = toHex(digest);
    if (this.#bodies.has(name)) return;
    this.#bodies.add(name);
    if (this.#find("bodies", digest) !== undefined || this.#find("blobs", digest) !== undefined) return;
    const whole = this.#chunked
      ? this.#read("SELECT size, data FROM bodies WHERE digest = ?", digest) as
        | { size: number; data: Uint8Array }
        | undefined
      : undefined;
    if (whole === undefined) {
      const blob = this.#read("SELECT key FROM blobs WHERE digest = ?", digest) as Key;
      if (blob === undefined) throw damagedBody(digest, "it is missing");
      this.#blob(blob.key);
      return;
    }
    const { lists, chunks } = decodePieces(whole.data);
    const pieces = {
      lists: lists.map((key) => this.#list(key)),
      chunks: chunks.map((key) => this.#blob(key)),
    };
    this.#write(
      "INSERT INTO bodies (digest, size, data) VALUES (?, ?, ?)",
      digest,
      whole.size,
      encodePieces(pieces),
    );
  }

  #list(from: number): number {
    return this.#once(this.#lists, from, () => {
      const row = this.#read("SELECT digest, data FROM lists WHERE key = ?", from) as {
        digest: Uint8Array;
        data: Uint8Array;
      };
      const known = this.#find("lists", row.digest);
      if (known !== undefined) return known;
      const chunks = decodeList(row.data).map((key) => this.#blob(key));
      const written = this.#write(
        "INSERT INTO lists (digest, data) VALUES (?, ?)",
        row.digest,
        encodeList(chunks),
      );
      return Number(written.lastInsertRowid);
    });
  }

  #blob(from: number): number {
    return this.#once(this.#blobs, from, () => {
      const row = this.#read("SELECT digest, size, zstd, data FROM blobs WHERE key = ?", from) as
        & BlobRow
        & { readonly digest: Uint8Array };
      const known = this.#find("blobs", row.digest);
      if (known !== undefined) return known;
      const packed = row.zstd === 0 && row.size >= COMPRESS_FROM ? squeezed(row.data) : undefined;
      const written = this.#write(
        "INSERT INTO blobs (digest, size, zstd, data) VALUES (?, ?, ?, ?)",
        row.digest,
        row.size,
        packed === undefined ? row.zstd : 1,
        packed ?? row.data,
      );
      return Number(written.lastInsertRowid);
    });
  }

  #once(known: Map<number, number>, from: number, copy: () => number): number {
    const found = known.get(from);
    if (found !== undefined) return found;
    const key = copy();
    known.set(from, key);
    return key;
  }

  #find(table: "blobs" | "lists" | "bodies", digest: Uint8Array): number | undefined {
    const row = this.#prepared(this.#to, `SELECT key FROM ${table} WHERE digest = ?`).get(digest) as Key;
    return row?.key;
  }

  #read(sql: string, value: Value): unknown {
    return this.#prepared(this.#from, sql).get(value);
  }

  #write(sql: string, ...values: Value[]) {
    return this.#prepared(this.#to, sql).run(...values);
  }

  #prepared(db: Database, sql: string): ReturnType<Database["prepare"]> {
    const name = `${db === this.#to ? "to" : "from"} ${sql}`;
    const found = this.#statements.get(name) ?? db.prepare(sql);
    this.#statements.set(name, found);
    return found;
  }
}

/**
 * What a run holds, as one text: the last links of its lanes. Two runs with the same one are the same up to their
 * last event; for runs that were closed, lane 0's is the fingerprint and stands for all.
 */
export function contentOf(db: Database, run: Run): string {
  const rows = db.prepare(
    `SELECT lane, link FROM events AS e
      WHERE run = ?1 AND seq = (SELECT max(seq) FROM events WHERE run = ?1 AND lane = e.lane) ORDER BY lane`,
  ).all(run.key) as { lane: number; link: Uint8Array }[];
  return rows.map(({ lane, link }) => `${lane}:${toHex(link)}`).join(" ");
}
