/**
 * Keeps what a child reads and writes: chunks gather and go to the file a few times a second, with known
 * secrets taken out. A secret that falls across two chunks is found too, because the last bytes wait.
 */

import type { BodyRef } from "../tape/events.ts";
import type { Core, Hasher } from "../../wasm/core.ts";
import type { Database } from "./database.ts";

/** What Deno itself says while it fetches and checks modules: it says so at the first start only. */
const COLOUR = String.raw`(?:\u001b\[[\d;]*m)*`;
const LOADER_LINE = new RegExp(`^${COLOUR}(?:Download|Check|Initialize)${COLOUR} \\S+${COLOUR}\\r?\\n`, "gm");

/**
 * Output without the lines of Deno's module loader, which are not the program's: with them a first recording could
 * never be replayed exact. Recorder and replayer both leave them out.
 */
export function withoutLoaderLines(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const clean = text.replaceAll(LOADER_LINE, "");
  return clean.length === text.length ? bytes : new Uint8Array(Buffer.from(clean, "latin1"));
}

/** Gathered bytes go to the file at this size. */
const BATCH = 256 * 1024;

/** Takes secrets out of bytes. */
export interface Scrubber {
  known(bytes: Uint8Array): Uint8Array;
  /** Length of the longest known secret, in bytes. */
  readonly longest: number;
}

/** One stream's keeper. Without a database it only computes the digest. */
export class OutputWriter {
  readonly #scrub: Scrubber;
  readonly #hasher: Hasher;
  readonly #write: ((seq: number, data: Uint8Array) => void) | undefined;
  #pending: Uint8Array[] = [];
  #pendingSize = 0;
  #seq = 0;
  #size = 0;

  readonly #clean: (bytes: Uint8Array) => Uint8Array;

  /** `clean` takes out what is not to be kept; `to` says where the rest goes. */
  constructor(
    core: Core,
    scrub: Scrubber,
    clean: (bytes: Uint8Array) => Uint8Array,
    to?: { db: Database; run: number; stream: 0 | 1 | 2; now(): number },
  ) {
    this.#scrub = scrub;
    this.#clean = clean;
    this.#hasher = core.hasher();
    if (to !== undefined) {
      const insert = to.db.prepare("INSERT INTO output (run, stream, seq, at, data) VALUES (?, ?, ?, ?, ?)");
      this.#write = (seq, data) => void insert.run(to.run, to.stream, seq, to.now(), data);
    }
  }

  add(chunk: Uint8Array): void {
    this.#pending.push(chunk.slice());
    this.#pendingSize += chunk.length;
    if (this.#pendingSize >= BATCH) this.flush(false);
  }

  /** Writes what waits; at the `end` also the last bytes. */
  flush(end: boolean): void {
    if (this.#pendingSize === 0) return;
    let whole = new Uint8Array(this.#pendingSize);
    let at = 0;
    for (const part of this.#pending) {
      whole.set(part, at);
      at += part.length;
    }
    whole = this.#clean(this.#scrub.known(whole)) as Uint8Array<ArrayBuffer>;
    const keep = end ? 0 : Math.min(whole.length, Math.max(0, this.#scrub.longest - 1));
    const data = whole.subarray(0, whole.length - keep);
    this.#pending = keep > 0 ? [whole.slice(whole.length - keep)] : [];
    this.#pendingSize = keep;
    if (data.length === 0) return;
    this.#hasher.update(data);
    this.#size += data.length;
    this.#write?.(this.#seq++, data);
  }

  /** The whole stream's digest and length. */
  finish(): BodyRef {
    this.flush(true);
    return { digest: this.#hasher.digest(), size: this.#size };
  }
}
