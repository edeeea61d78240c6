/**
 * Small bodies and the chunks of large ones, by their SHA-256: stored once, compressed where that pays. Reading
 * recomputes the digest, so a changed byte is noticed where it is read and never served.
 */

import process from "node:process";
import type * as Zlib from "node:zlib";
import { TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { sameBytes } from "../base/bytes.ts";
import type { Core } from "../../wasm/core.ts";
import type { Database } from "./database.ts";
import { isWholeFrame } from "./zstd_frame.ts";

let zlib: typeof Zlib | undefined;

/** Loaded when it is first needed: it takes Bun 7 ms, and a small recording never needs it. */
function zstd(): typeof Zlib {
  zlib ??= (process as unknown as { getBuiltinModule(name: string): typeof Zlib }).getBuiltinModule(
    "node:zlib",
  );
  return zlib;
}

/** Below this size, in bytes, compression saves less than a row's overhead. */
export const COMPRESS_FROM = 512;
/**
 * From this size on a blob is compressed at once, so that a long run does not fill the disk meanwhile. Smaller
 * ones are compressed soon after: it costs 15 to 50 µs each, which the program would wait for.
 */
const COMPRESS_AT_ONCE = 32 * 1024;

/** `bytes` as one zstd frame, or undefined where that saves less than a tenth. */
export function squeezed(bytes: Uint8Array): Uint8Array | undefined {
  const packed = zstd().zstdCompressSync(bytes);
  return packed.length < bytes.length * 0.9 ? packed : undefined;
}

/** How `bytes` are kept in a row of `blobs`. */
export function blobData(bytes: Uint8Array): { readonly zstd: 0 | 1; readonly data: Uint8Array } {
  const packed = bytes.length >= COMPRESS_AT_ONCE ? squeezed(bytes) : undefined;
  return packed === undefined ? { zstd: 0, data: bytes } : { zstd: 1, data: packed };
}

/** A blob that was stored as it came. */
export interface RawBlob {
  readonly key: number;
  readonly data: Uint8Array;
}

/** Compresses blobs that were stored as they came, where that pays. Inside the caller's transaction. */
export function squeezeBlobs(db: Database, blobs: readonly RawBlob[]): void {
  const write = db.prepare("UPDATE blobs SET zstd = 1, data = ? WHERE key = ? AND zstd = 0");
  for (const { key, data } of blobs) {
    const packed = squeezed(data);
    if (packed !== undefined) write.run(packed, key);
  }
}

/** The highest key so far: blobs of a run that begins now come behind it. */
export function lastBlob(db: Database): number {
  return (db.prepare("SELECT coalesce(max(key), 0) AS key FROM blobs").get() as { key: number }).key;
}

/** Blobs that are compressed in one transaction: other writers wait for it. */
const AT_ONCE = 64;

/**
 * Compresses what is left of the blobs behind key `after`, when a run is closed. Rows are taken out and put in
 * again in their order, so that pages are full, and the file gives back what became free.
 */
export function squeezeRest(db: Database, after: number): void {
  const some = db.prepare(
    `SELECT key, digest, size, data FROM blobs WHERE key > ? AND zstd = 0 AND size BETWEEN ${COMPRESS_FROM}
       AND ${COMPRESS_AT_ONCE - 1} ORDER BY key LIMIT ${AT_ONCE}`,
  );
  const remove = db.prepare("DELETE FROM blobs WHERE key = ?");
  const insert = db.prepare("INSERT INTO blobs (key, digest, size, zstd, data) VALUES (?, ?, ?, 1, ?)");
  for (let from = after;;) {
    const rows = some.all(from) as { key: number; digest: Uint8Array; size: number; data: Uint8Array }[];
    if (rows.length === 0) break;
    from = rows.at(-1)!.key;
    const packed = rows.flatMap((row) => {
      const data = squeezed(row.data);
      return data === undefined ? [] : [{ ...row, data }];
    });
    db.exec("BEGIN IMMEDIATE");
    try {
      // One that is gone by now stays gone.
      const there = packed.filter(({ key }) => Number(remove.run(key).changes) > 0);
      for (const { key, digest, size, data } of there) insert.run(key, digest, size, data);
      db.exec("COMMIT");
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    }
  }
  db.exec("PRAGMA incremental_vacuum");
}

/** A row of `blobs`, without its name. */
export interface BlobRow {
  readonly size: number;
  readonly zstd: number;
  readonly data: Uint8Array;
}

/** The bytes of a row; undefined where they can't be decompressed or don't have its size. */
export function blobBytes(row: BlobRow): Uint8Array | undefined {
  if (!(row.data instanceof Uint8Array)) return undefined;
  if (row.zstd !== 1) return row.zstd === 0 && row.data.length === row.size ? row.data : undefined;
  if (!isWholeFrame(row.data, row.size)) return undefined;
  try {
    // A buffer of the right size: the default is 16 KB and more, of which a chunk fills little. Copied, because a
    // program must not be given a Buffer, nor a part of one that others share.
    const bytes = new Uint8Array(
      zstd().zstdDecompressSync(row.data, { chunkSize: Math.max(64, row.size + 1) }),
    );
    return bytes.length === row.size ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** The bytes of a row, which must have this digest. @throws TraceforkError TF_TAPE_DAMAGED. */
export function checkedBlob(core: Core, row: BlobRow | undefined, digest: Uint8Array): Uint8Array {
  if (row === undefined) throw damagedBody(digest, "it is missing");
  const bytes = blobBytes(row);
  if (bytes === undefined) throw damagedBody(digest, "it cannot be decompressed");
  if (!sameBytes(core.sha256(bytes), digest)) {
    throw damagedBody(digest, "its content does not have this digest");
  }
  return bytes;
}

/** The error for a body that is not what its digest says. */
export function damagedBody(digest: Uint8Array, why: string): TraceforkError {
  return new TraceforkError("TF_TAPE_DAMAGED", `Cannot read body ${toHex(digest).slice(0, 12)}…: ${why}`, {
    hint: "the tape was changed after it was recorded; `tracefork verify` names every place",
  });
}
