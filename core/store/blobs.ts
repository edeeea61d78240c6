/**
 * Bodies by their SHA-256: stored once, compressed where that pays. Reading recomputes the digest, so a
 * changed byte is noticed where it is read and never served.
 */

import process from "node:process";
import type * as Zlib from "node:zlib";
import { TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { sameBytes } from "../base/bytes.ts";
import type { Core } from "../../wasm/core.ts";
import type { Database } from "./database.ts";

let zlib: typeof Zlib | undefined;

/** Loaded when it is first needed: it takes Bun 7 ms, and a small recording never needs it. */
function zstd(): typeof Zlib {
  zlib ??= (process as unknown as { getBuiltinModule(name: string): typeof Zlib }).getBuiltinModule(
    "node:zlib",
  );
  return zlib;
}

/** Below this size, in bytes, compression saves less than a row's overhead. */
const COMPRESS_FROM = 512;
/**
 * From this size on a body is compressed at once, so that a long run does not fill the disk meanwhile. Smaller
 * ones are compressed when the run is closed: it costs some 50 µs each, which the program would wait for.
 */
const COMPRESS_AT_ONCE = 32 * 1024;

/** A row for the `blobs` table. */
export interface BlobRow {
  readonly digest: Uint8Array;
  readonly size: number;
  readonly zstd: 0 | 1;
  readonly data: Uint8Array;
}

/** How `bytes` are kept. */
export function blobRow(digest: Uint8Array, bytes: Uint8Array): BlobRow {
  if (bytes.length >= COMPRESS_AT_ONCE) {
    const packed = zstd().zstdCompressSync(bytes);
    if (packed.length < bytes.length * 0.9) return { digest, size: bytes.length, zstd: 1, data: packed };
  }
  return { digest, size: bytes.length, zstd: 0, data: bytes.slice() };
}

/** Compresses the bodies that were stored as they came, where that pays. */
export function compressBlobs(db: Database): void {
  const waiting = db.prepare("SELECT key FROM blobs WHERE zstd = 0 AND size BETWEEN ? AND ?")
    .all(COMPRESS_FROM, COMPRESS_AT_ONCE - 1) as { key: number }[];
  const read = db.prepare("SELECT data FROM blobs WHERE key = ?");
  const write = db.prepare("UPDATE blobs SET zstd = 1, data = ? WHERE key = ?");
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const { key } of waiting) {
      const { data } = read.get(key) as { data: Uint8Array };
      const packed = zstd().zstdCompressSync(data);
      if (packed.length < data.length * 0.9) write.run(packed, key);
    }
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** Reads bodies out of one file. */
export class BlobReader {
  readonly #core: Core;
  readonly #select: ReturnType<Database["prepare"]>;

  constructor(db: Database, core: Core) {
    this.#core = core;
    this.#select = db.prepare("SELECT size, zstd, data FROM blobs WHERE digest = ?");
  }

  /** @throws TraceforkError TF_TAPE_DAMAGED where the body is missing or not what its digest says. */
  read(digest: Uint8Array): Uint8Array {
    const row = this.#select.get(digest) as { size: number; zstd: number; data: Uint8Array } | undefined;
    const name = toHex(digest).slice(0, 12);
    if (row === undefined) throw damagedBody(name, "it is missing");
    let bytes: Uint8Array;
    try {
      bytes = row.zstd === 1 ? new Uint8Array(zstd().zstdDecompressSync(row.data)) : row.data;
    } catch {
      throw damagedBody(name, "it cannot be decompressed");
    }
    if (bytes.length !== row.size || !sameBytes(this.#core.sha256(bytes), digest)) {
      throw damagedBody(name, "its content does not have this digest");
    }
    return bytes;
  }
}

function damagedBody(name: string, why: string): TraceforkError {
  return new TraceforkError("TF_TAPE_DAMAGED", `Cannot read body ${name}…: ${why}`, {
    hint: "the tape was changed after it was recorded; `tracefork verify` names every place",
  });
}
