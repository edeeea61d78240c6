/**
 * Proves bodies without putting them together. Each chunk is read, decompressed and checked once, however many
 * bodies share it, four at a time. A body's SHA-256 goes on from the midstate behind the chunks that it shares
 * with one that was proven before. So the work follows what is stored, not what it stands for.
 */

import { sameBytes } from "../base/bytes.ts";
import { messageOf } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import type { Core } from "../../wasm/core.ts";
import { decodeList, decodePieces, type Pieces } from "../tape/bodies.ts";
import { blobBytes, type BlobRow } from "./blobs.ts";
import { hasBodies } from "./body_reader.ts";
import type { Database } from "./database.ts";

/** Chunks that are digested in one go. */
const BATCH = 64;
/** A batch whose rows lie this close together is read in one go: most of a query's time is its start. */
const NEAR = 4;
/** Decompressed chunks that are kept for the bodies' digests, in bytes; beyond that they are read again. */
const KEPT = 32 * 1024 * 1024;

/** A place in the bodies seen so far: the midstate behind a sequence of chunks. */
interface Place {
  readonly midstate: Uint8Array;
  readonly length: number;
  /** Where bodies went on from here: by the key of a chunk, or the negative key of a list. */
  next: Map<number, Place> | undefined;
}

interface Chunk {
  readonly digest: Uint8Array;
  readonly size: number;
  /** Why it is not what its digest says. */
  readonly flaw: string | undefined;
}

type Body =
  | { readonly blob: number }
  | { readonly size: number; readonly pieces: Pieces }
  | { readonly flaw: string };

type BlobKeyRow = BlobRow & { readonly key: number; readonly digest: Uint8Array };

/** A row of `bodies` or `blobs`. */
interface Row {
  readonly digest: Uint8Array;
  readonly key?: number;
  readonly size?: number;
  readonly data?: Uint8Array;
}

function readBody(size: number, data: Uint8Array): Body {
  try {
    return { size, pieces: decodePieces(data) };
  } catch (error) {
    return { flaw: messageOf(error) };
  }
}

/** See the head of this file. */
export class BodyProver {
  readonly #core: Core;
  readonly #db: Database;
  readonly #readBlob;
  readonly #readBlobs;
  readonly #readList;
  readonly #chunks = new Map<number, Chunk>();
  readonly #lists = new Map<number, readonly number[] | string>();
  /** Lists whose digests are still to be checked. */
  readonly #unchecked: number[] = [];
  readonly #content = new Map<number, Uint8Array>();
  #contentSize = 0;
  readonly #start: Place;

  constructor(db: Database, core: Core) {
    this.#core = core;
    this.#db = db;
    this.#readBlob = db.prepare("SELECT key, digest, size, zstd, data FROM blobs WHERE key = ?");
    this.#readBlobs = db.prepare(
      "SELECT key, digest, size, zstd, data FROM blobs WHERE key BETWEEN ? AND ? ORDER BY key",
    );
    this.#readList = hasBodies(db) ? db.prepare("SELECT digest, data FROM lists WHERE key = ?") : undefined;
    this.#start = { midstate: core.hasher().save(), length: 0, next: undefined };
  }

  /**
   * Proves the bodies with these digests. Returns, by digest in hex, why a body is not what its digest says; sound
   * ones are not in it. `sizes` are those that the events name.
   */
  prove(
    wanted: ReadonlyMap<string, { readonly digest: Uint8Array; readonly size: number }>,
  ): Map<string, string> {
    const bodies = this.#find(wanted);
    const keys = new Set<number>();
    for (const body of bodies.values()) {
      if ("blob" in body) keys.add(body.blob);
      else if ("pieces" in body) { for (const key of this.#keysOf(body.pieces)) keys.add(key); }
    }
    this.#checkChunks([...keys].sort((a, b) => a - b));
    const flaws = new Map<string, string>();
    for (const [name, { digest, size }] of wanted) {
      const flaw = this.#proveBody(bodies.get(name)!, digest, size);
      if (flaw !== undefined) flaws.set(name, `Cannot read body ${name.slice(0, 12)}…: ${flaw}`);
    }
    return flaws;
  }

  /** The rows of all wanted bodies. Whole tables are read where that is less than a look-up for each. */
  #find(wanted: ReadonlyMap<string, { readonly digest: Uint8Array }>): Map<string, Body> {
    const found = new Map<string, Body>();
    const each = (table: string, columns: string, take: (name: string, row: Row) => void) => {
      const { rows } = this.#db.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number };
      if (rows <= wanted.size * NEAR) {
        for (
          const row of this.#db.prepare(`SELECT digest, ${columns} FROM ${table}`).all() as unknown as Row[]
        ) {
          const name = toHex(row.digest);
          if (wanted.has(name) && !found.has(name)) take(name, row);
        }
        return;
      }
      const find = this.#db.prepare(`SELECT digest, ${columns} FROM ${table} WHERE digest = ?`);
      for (const [name, { digest }] of wanted) {
        const row = found.has(name) ? undefined : find.get(digest) as unknown as Row | undefined;
        if (row !== undefined) take(name, row);
      }
    };
    if (this.#readList !== undefined) {
      each("bodies", "size, data", (name, { size, data }) => found.set(name, readBody(size!, data!)));
    }
    each("blobs", "key", (name, { key }) => found.set(name, { blob: key! }));
    for (const name of wanted.keys()) if (!found.has(name)) found.set(name, { flaw: "it is missing" });
    return found;
  }

  /** A list's chunks, or why it has none. Its digest is checked once its chunks' digests are known. */
  #list(key: number): readonly number[] | string {
    let list = this.#lists.get(key);
    if (list !== undefined) return list;
    const row = this.#readList!.get(key) as { data: Uint8Array } | undefined;
    try {
      list = row === undefined ? `its list ${key} is missing` : decodeList(row.data);
    } catch (error) {
      list = `its list ${key} is damaged (${messageOf(error)})`;
    }
    this.#lists.set(key, list);
    this.#unchecked.push(key);
    return list;
  }

  *#keysOf(pieces: Pieces): Iterable<number> {
    for (const key of pieces.lists) {
      if (this.#lists.has(key)) continue;
      const list = this.#list(key);
      if (typeof list !== "string") yield* list;
    }
    yield* pieces.chunks;
  }

  /** Reads chunks and checks their digests, many at a time; then the lists over them. */
  #checkChunks(keys: readonly number[]): void {
    for (let at = 0; at < keys.length; at += BATCH) {
      const wanted = keys.slice(at, at + BATCH).filter((key) => !this.#chunks.has(key));
      const batch: { key: number; digest: Uint8Array; bytes: Uint8Array }[] = [];
      for (const row of this.#rows(wanted)) {
        const bytes = blobBytes(row);
        if (bytes !== undefined) batch.push({ key: row.key, digest: row.digest, bytes });
        else this.#chunks.set(row.key, { digest: row.digest, size: 0, flaw: "cannot be decompressed" });
      }
      const digests = this.#core.sha256Many(batch.map(({ bytes }) => bytes));
      for (const [i, { key, digest, bytes }] of batch.entries()) {
        const same = sameBytes(digests.subarray(i * 32, i * 32 + 32), digest);
        const flaw = same ? undefined : "does not have the content that its digest says";
        this.#chunks.set(key, { digest, size: bytes.length, flaw });
        if (this.#contentSize < KEPT) {
          this.#content.set(key, bytes);
          this.#contentSize += bytes.length;
        }
      }
    }
    for (const key of keys) {
      if (!this.#chunks.has(key)) {
        this.#chunks.set(key, { digest: new Uint8Array(32), size: 0, flaw: "is missing" });
      }
    }
    for (const key of this.#unchecked.splice(0)) {
      const list = this.#lists.get(key)!;
      if (typeof list !== "string") this.#checkList(key, list);
    }
  }

  /** The rows of blobs with these ascending keys; those that are missing are left out. */
  #rows(keys: readonly number[]): BlobKeyRow[] {
    if (keys.length === 0) return [];
    const [first, last] = [keys[0]!, keys.at(-1)!];
    if (last - first >= keys.length * NEAR) {
      return keys.flatMap((key) => this.#readBlob.get(key) as unknown as BlobKeyRow ?? []);
    }
    const wanted = new Set(keys);
    const rows = this.#readBlobs.all(first, last) as unknown as BlobKeyRow[];
    return rows.filter(({ key }) => wanted.has(key));
  }

  #checkList(key: number, chunks: readonly number[]): void {
    const digests = new Uint8Array(chunks.length * 32);
    for (const [i, chunk] of chunks.entries()) {
      const { digest, flaw } = this.#chunks.get(chunk)!;
      // Then it is the chunk that is named.
      if (flaw !== undefined) return;
      digests.set(digest, i * 32);
    }
    const { digest } = this.#readList!.get(key) as { digest: Uint8Array };
    if (!sameBytes(this.#core.sha256(digests), digest)) {
      this.#lists.set(key, `its list ${key} does not name the chunks that its digest says`);
    }
  }

  #proveBody(body: Body, digest: Uint8Array, size: number): string | undefined {
    if ("flaw" in body) return body.flaw;
    if ("blob" in body) {
      const chunk = this.#chunks.get(body.blob)!;
      if (chunk.flaw !== undefined) return `it ${chunk.flaw}`;
      // The row was found by an index, which a damaged file may hold besides.
      if (!sameBytes(chunk.digest, digest)) return "its row has another digest";
      return chunk.size === size ? undefined : `it has ${chunk.size} bytes, the event says ${size}`;
    }
    let place = this.#start;
    for (const key of body.pieces.lists) {
      const known = place.next?.get(-key);
      if (known !== undefined) {
        place = known;
        continue;
      }
      const list = this.#list(key);
      if (typeof list === "string") return list;
      const from = place;
      const reached = this.#follow(place, list);
      if (typeof reached === "string") return reached;
      (from.next ??= new Map()).set(-key, place = reached);
    }
    const end = this.#follow(place, body.pieces.chunks);
    if (typeof end === "string") return end;
    if (end.length !== size || body.size !== size) {
      return `its chunks have ${end.length} bytes, its row says ${body.size}, the event ${size}`;
    }
    const found = this.#core.hasher().restore(end.midstate).digest();
    return sameBytes(found, digest)
      ? undefined
      : `its chunks make another body (${toHex(found).slice(0, 12)}…)`;
  }

  /** The place behind these chunks, or what is wrong with one of them. */
  #follow(place: Place, chunks: readonly number[]): Place | string {
    for (const key of chunks) {
      let next = place.next?.get(key);
      if (next === undefined) {
        const { flaw, size } = this.#chunks.get(key)!;
        if (flaw !== undefined) return `its chunk ${key} ${flaw}`;
        const hasher = this.#core.hasher().restore(place.midstate).update(this.#bytes(key));
        next = { midstate: hasher.save(), length: place.length + size, next: undefined };
        (place.next ??= new Map()).set(key, next);
      }
      place = next;
    }
    return place;
  }

  #bytes(key: number): Uint8Array {
    return this.#content.get(key) ?? blobBytes(this.#readBlob.get(key) as unknown as BlobRow)!;
  }
}
