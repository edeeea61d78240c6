/**
 * Hands on a tape's file: to read it past tracefork, and to tamper with it as a forger would. `retell` is the
 * forger who knows the format and recomputes every link, by code of its own.
 */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { decodeEvent, encodeEvent, type TapeEvent, TYPE } from "../../core/tape/events.ts";
import { sealOf } from "../../core/store/runs.ts";
import { createWasmCore } from "../../wasm/mod.ts";

type Value = null | number | bigint | string | Uint8Array;
export type Row = Record<string, Value>;

/** Opens the file, lets `change` at it, and folds the write-ahead log in. */
export function alterTape<T>(path: string, change: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path);
  // Whoever was killed a moment ago may still hold it.
  db.exec("PRAGMA busy_timeout = 5000");
  try {
    return change(db);
  } finally {
    db.close();
  }
}

/** Rows of a query. */
export function rowsOf(path: string, sql: string, ...values: Value[]): Row[] {
  return alterTape(path, (db) => db.prepare(sql).all(...values) as Row[]);
}

export function sha256(...parts: (Uint8Array | string)[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** An event with its place. */
export interface Placed<T extends TapeEvent = TapeEvent> {
  readonly lane: number;
  readonly seq: number;
  readonly event: T;
}

/** Events of a tape that holds one run. */
export function eventsOf(path: string): Placed[] {
  return rowsOf(path, "SELECT lane, seq, body FROM events ORDER BY lane, seq").map((row) => ({
    lane: row.lane as number,
    seq: row.seq as number,
    event: decodeEvent(row.body as Uint8Array),
  }));
}

/** Events of one type. */
export function eventsOfType<K extends TapeEvent["type"]>(
  path: string,
  type: K,
): Placed<TapeEvent & { type: K }>[] {
  return eventsOf(path).filter((each): each is Placed<TapeEvent & { type: K }> => each.event.type === type);
}

/** A body's bytes, not checked. */
export function bodyOf(path: string, digest: Uint8Array): Uint8Array {
  const row = rowsOf(path, "SELECT zstd, data FROM blobs WHERE digest = ?", digest)[0]!;
  return row.zstd === 1 ? new Uint8Array(zstdDecompressSync(row.data as Uint8Array)) : row.data as Uint8Array;
}

/** Puts other bytes in a body's place, under its old digest. */
export function replaceBody(path: string, digest: Uint8Array, bytes: Uint8Array): void {
  alterTape(path, (db) =>
    db.prepare("UPDATE blobs SET zstd = 1, size = ?, data = ? WHERE digest = ?")
      .run(bytes.length, zstdCompressSync(bytes), digest));
}

/** Stores a body under its own digest. */
export function storeBody(path: string, bytes: Uint8Array): { digest: Uint8Array; size: number } {
  const digest = sha256(bytes);
  alterTape(
    path,
    (db) =>
      db.prepare("INSERT OR IGNORE INTO blobs (digest, size, zstd, data) VALUES (?, ?, 0, ?)")
        .run(digest, bytes.length, bytes),
  );
  return { digest, size: bytes.length };
}

/** Writes another event into an event's place; links stay as they are. */
export function replaceEvent(path: string, { lane, seq }: Placed, event: TapeEvent): void {
  alterTape(path, (db) =>
    db.prepare("UPDATE events SET body = ?, type = ? WHERE lane = ? AND seq = ?")
      .run(encodeEvent(event), TYPE[event.type], lane, seq));
}

/** Recomputes every link, the fingerprint and the seal of a tape with one lane. */
export function retell(path: string): void {
  alterTape(path, (db) => {
    let link = sha256("tracefork tape 1 lane 0\n");
    for (const row of db.prepare("SELECT seq, body FROM events WHERE lane = 0 ORDER BY seq").all()) {
      link = sha256(link, sha256(row.body as Uint8Array));
      db.prepare("UPDATE events SET link = ? WHERE lane = 0 AND seq = ?").run(link, row.seq!);
    }
    const { key } = db.prepare("SELECT key FROM runs").get() as { key: number };
    const seal = sealOf(db, createWasmCore(), key, link);
    db.prepare("UPDATE runs SET fingerprint = ?, seal = ?").run(link, seal);
  });
}

/** Bytes that contain `from`, with `to` in its place. Throws where there is nothing to replace. */
export function edited(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  if (!text.includes(from)) throw new Error(`nothing to edit: no ${from} in ${text.slice(0, 200)}`);
  return new TextEncoder().encode(text.replace(from, to));
}
