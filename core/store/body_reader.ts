/**
 * Reads bodies back, whole. A body's digest is recomputed over what was put together, so whatever was changed in
 * a chunk, a list or the body's own row is noticed and never served.
 */

import type { Core } from "../../wasm/core.ts";
import { decodeList, decodePieces } from "../tape/bodies.ts";
import { blobBytes, type BlobRow, checkedBlob, damagedBody } from "./blobs.ts";
import type { Database } from "./database.ts";

/** False for a file of format 1, which has whole bodies only. */
export function hasBodies(db: Database): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'bodies'").get() !== undefined;
}

/** Reads bodies out of one file. */
export class BodyReader {
  readonly #core: Core;
  readonly #blob;
  readonly #body;
  readonly #list;
  readonly #chunk;

  constructor(db: Database, core: Core) {
    this.#core = core;
    this.#blob = db.prepare("SELECT size, zstd, data FROM blobs WHERE digest = ?");
    const chunked = hasBodies(db);
    this.#body = chunked ? db.prepare("SELECT size, data FROM bodies WHERE digest = ?") : undefined;
    this.#list = chunked ? db.prepare("SELECT data FROM lists WHERE key = ?") : undefined;
    this.#chunk = db.prepare("SELECT size, zstd, data FROM blobs WHERE key = ?");
  }

  /** @throws TraceforkError TF_TAPE_DAMAGED where the body is missing or not what its digest says. */
  read(digest: Uint8Array): Uint8Array {
    const row = this.#body?.get(digest) as { size: number; data: Uint8Array } | undefined;
    if (row === undefined) {
      return checkedBlob(this.#core, this.#blob.get(digest) as unknown as BlobRow | undefined, digest);
    }
    const whole = new Uint8Array(row.size);
    let at = 0;
    for (const key of this.#chunkKeys(row.data, digest)) {
      const chunk = this.#chunk.get(key) as unknown as BlobRow | undefined;
      const bytes = chunk && blobBytes(chunk);
      if (bytes === undefined) throw damagedBody(digest, `its chunk ${key} is missing or damaged`);
      if (at + bytes.length > whole.length) throw damagedBody(digest, "its chunks are longer than it is");
      whole.set(bytes, at);
      at += bytes.length;
    }
    return checkedBlob(this.#core, { size: at === row.size ? at : -1, zstd: 0, data: whole }, digest);
  }

  #chunkKeys(data: Uint8Array, digest: Uint8Array): number[] {
    try {
      const { lists, chunks } = decodePieces(data);
      const listed = lists.flatMap((key) => {
        const list = this.#list!.get(key) as { data: Uint8Array } | undefined;
        if (list === undefined) throw damagedBody(digest, `its list ${key} is missing`);
        return decodeList(list.data);
      });
      return [...listed, ...chunks];
    } catch (error) {
      if (error instanceof RangeError) throw damagedBody(digest, error.message);
      throw error;
    }
  }
}
