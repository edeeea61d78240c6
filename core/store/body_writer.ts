/**
 * Writes bodies into the tables `blobs`, `lists` and `bodies`. A small one is a blob. A large one is cut into
 * chunks, each of which is a blob that all bodies of the file share; lists of chunks are shared too. So what a
 * body adds to the file is what no earlier body had.
 *
 * Bodies wait here between `add` and the commit in which `write` is called. When a commit fails, they stay, and
 * no key that came of it is used again.
 */

import type { Core, DigestIndex } from "../../wasm/core.ts";
import { encodeList, encodePieces, listEnds, type ScannedBody } from "../tape/bodies.ts";
import { blobData, COMPRESS_FROM, type RawBlob } from "./blobs.ts";
import type { Database } from "./database.ts";

/** Digests that are remembered with their keys: beyond that, SQLite is asked. */
const MAX_KNOWN = 200_000;
/** Blobs that may wait for their compression. */
const MAX_RAW = 512;

/** A large body as this writer knows it: what a later body that begins alike goes on from. */
export class StoredBody {
  /** SHA-256 of each chunk, one after the other. */
  readonly digests: Uint8Array;
  /** Where whole lists end, as in `listEnds`. */
  readonly listEnds: readonly number[];
  /** Keys of the rows that hold the chunks and lists; undefined until they are written. */
  keys: { readonly chunks: readonly number[]; readonly lists: readonly number[] } | undefined;

  constructor(digests: Uint8Array, ends: readonly number[]) {
    this.digests = digests;
    this.listEnds = ends;
  }
}

interface WaitingBody {
  readonly digest: Uint8Array;
  readonly size: number;
  /** The body itself where it is a blob. */
  readonly whole: Uint8Array | undefined;
  readonly stored: StoredBody | undefined;
  readonly base: StoredBody | undefined;
  /** How many leading chunks are the base's. */
  readonly reused: number;
  /** Chunks that were not known, by their index. */
  readonly fresh: ReadonlyMap<number, Uint8Array>;
}

/** What is in the file already, as far as this writer has seen, by digest. */
interface Known {
  /** Keys of their rows. */
  readonly blobs: DigestIndex;
  readonly lists: DigestIndex;
  /** Bodies that were added, small or large; the value says nothing. */
  readonly bodies: DigestIndex;
}

/** See the head of this file. */
export class BodyWriter {
  readonly #core: Core;
  readonly #db: Database;
  readonly #insertBlob;
  readonly #findBlob;
  readonly #insertList;
  readonly #findList;
  readonly #insertBody;
  #known: Known | undefined;
  #waiting: WaitingBody[] = [];
  #raw: RawBlob[] = [];
  #written: StoredBody[] = [];
  /** Bytes that wait. */
  size = 0;

  constructor(db: Database, core: Core) {
    this.#core = core;
    this.#db = db;
    this.#insertBlob = db.prepare(
      "INSERT OR IGNORE INTO blobs (digest, size, zstd, data) VALUES (?, ?, ?, ?)",
    );
    this.#findBlob = db.prepare("SELECT key FROM blobs WHERE digest = ?");
    this.#insertList = db.prepare("INSERT OR IGNORE INTO lists (digest, data) VALUES (?, ?)");
    this.#findList = db.prepare("SELECT key FROM lists WHERE digest = ?");
    this.#insertBody = db.prepare("INSERT OR IGNORE INTO bodies (digest, size, data) VALUES (?, ?, ?)");
  }

  /** Made when it is first needed: each index has a WASM memory of its own, and a small program has no body. */
  get #indexes(): Known {
    const make = () => this.#core.digestIndex();
    return this.#known ??= { blobs: make(), lists: make(), bodies: make() };
  }

  /** How many bodies wait. */
  get count(): number {
    return this.#waiting.length;
  }

  /** Adds a body. What it returns is the `base` of later bodies that begin alike. */
  add(digest: Uint8Array, body: ScannedBody): StoredBody | undefined {
    const { bodies } = this.#indexes;
    const known = bodies.get(digest) !== undefined;
    if (bodies.size >= MAX_KNOWN) bodies.clear();
    bodies.set(digest, 1);
    const { chunked } = body;
    if (chunked === undefined) {
      if (!known) this.#wait({ digest, size: body.size, whole: body.bytes() });
      return undefined;
    }
    const base = chunked.base as StoredBody | undefined;
    const { ends, reused } = base === undefined ? { ...chunked.cut(), reused: 0 } : chunked.cut();
    const digests = new Uint8Array(ends.length * 32);
    if (base !== undefined) digests.set(base.digests.subarray(0, reused * 32));
    digests.set(chunked.digests(reused), reused * 32);
    const before = base?.listEnds.filter((end) => end <= reused) ?? [];
    const stored = new StoredBody(digests, [...before, ...listEnds(digests, ends.length, before.at(-1))]);
    if (known) return stored;
    const fresh = new Map<number, Uint8Array>();
    for (let i = reused; i < ends.length; i++) {
      if (this.#indexes.blobs.get(digests.subarray(i * 32, i * 32 + 32)) !== undefined) continue;
      const chunk = chunked.view(ends[i - 1] ?? 0, ends[i]!).slice();
      fresh.set(i, chunk);
      this.size += chunk.length;
    }
    this.#waiting.push({ digest, size: body.size, whole: undefined, stored, base, reused, fresh });
    return stored;
  }

  #wait(body: { digest: Uint8Array; size: number; whole: Uint8Array }): void {
    this.size += body.size;
    this.#waiting.push({ ...body, stored: undefined, base: undefined, reused: 0, fresh: new Map() });
  }

  /** Writes what waits, inside the caller's transaction. `committed` or `failed` must follow. */
  write(): void {
    for (const body of this.#waiting) {
      if (body.stored === undefined) this.#blob(body.digest, body.whole!);
      else this.#body(body, body.stored);
    }
  }

  /** What waited is in the file. */
  committed(): void {
    this.#waiting = [];
    this.#written = [];
    this.size = 0;
    if (this.#known === undefined) return;
    const { blobs, lists } = this.#known;
    if (blobs.size > MAX_KNOWN) blobs.clear();
    if (lists.size > MAX_KNOWN) lists.clear();
  }

  /** The transaction was rolled back: no key that it gave out is one. */
  failed(): void {
    this.#known?.blobs.clear();
    this.#known?.lists.clear();
    this.#raw = [];
    for (const stored of this.#written) stored.keys = undefined;
    this.#written = [];
  }

  /** Gives everything up that waits. */
  drop(): void {
    this.#waiting = [];
    this.#raw = [];
    this.size = 0;
  }

  /** Blobs that were committed as they came, for `squeezeBlobs`; at most `most` at a time. */
  takeRaw(most: number): RawBlob[] {
    return this.#raw.splice(0, most);
  }

  /** True while blobs wait for their compression. */
  get raw(): boolean {
    return this.#raw.length > 0;
  }

  #blob(digest: Uint8Array, bytes: Uint8Array): number {
    const { zstd, data } = blobData(bytes);
    const { changes, lastInsertRowid } = this.#insertBlob.run(digest, bytes.length, zstd, data);
    const isNew = Number(changes) > 0;
    const key = isNew ? Number(lastInsertRowid) : this.#keyOf(this.#findBlob, digest);
    this.#indexes.blobs.set(digest, key);
    const squeezable = isNew && zstd === 0 && bytes.length >= COMPRESS_FROM;
    if (squeezable && this.#raw.length < MAX_RAW) this.#raw.push({ key, data: bytes });
    return key;
  }

  #keyOf(find: ReturnType<Database["prepare"]>, digest: Uint8Array): number {
    const row = find.get(digest) as { key: number } | undefined;
    // Only this writer's own bookkeeping could be wrong here.
    if (row === undefined) throw new Error("Cannot write a body: a chunk that was stored is not there");
    return row.key;
  }

  #body(body: WaitingBody, stored: StoredBody): void {
    const count = stored.digests.length / 32;
    const chunks = body.base?.keys?.chunks.slice(0, body.reused) ?? [];
    for (let i = chunks.length; i < count; i++) {
      const digest = stored.digests.subarray(i * 32, i * 32 + 32);
      const bytes = body.fresh.get(i);
      chunks.push(
        this.#indexes.blobs.get(digest) ??
          (bytes === undefined ? this.#keyOf(this.#findBlob, digest) : this.#blob(digest, bytes)),
      );
    }
    const shared = body.base?.keys === undefined
      ? 0
      : body.base.listEnds.filter((end) => end <= body.reused).length;
    const lists = body.base?.keys?.lists.slice(0, shared) ?? [];
    for (let i = lists.length; i < stored.listEnds.length; i++) {
      const [from, to] = [stored.listEnds[i - 1] ?? 0, stored.listEnds[i]!];
      lists.push(this.#list(stored.digests.subarray(from * 32, to * 32), chunks.slice(from, to)));
    }
    stored.keys = { chunks, lists };
    this.#written.push(stored);
    const rest = chunks.slice(stored.listEnds.at(-1) ?? 0);
    this.#insertBody.run(body.digest, body.size, encodePieces({ lists, chunks: rest }));
  }

  #list(digests: Uint8Array, chunks: readonly number[]): number {
    const digest = this.#core.sha256(digests);
    const known = this.#indexes.lists.get(digest);
    if (known !== undefined) return known;
    const { changes, lastInsertRowid } = this.#insertList.run(digest, encodeList(chunks));
    const key = Number(changes) > 0 ? Number(lastInsertRowid) : this.#keyOf(this.#findList, digest);
    this.#indexes.lists.set(digest, key);
    return key;
  }
}
