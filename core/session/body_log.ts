/**
 * Bodies on their way into a lane's log: secrets out, digest, and how the body is put together. An agent sends its
 * whole conversation again at every step; what a body shares with an earlier one of this process is neither
 * searched for secrets again, nor hashed, nor cut, nor kept a second time.
 *
 * Limit: behind the shared beginning the search for secrets starts OVERLAP bytes early. A key of a known shape
 * that is longer than that, and that an earlier body held in part only, is not found.
 */

import type { ScannedBody } from "../tape/bodies.ts";
import type { BodyRef } from "../tape/events.ts";
import type { Core, Scanner } from "../../wasm/core.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Redactor } from "./redact.ts";

/** Requests of this size or more are compared with earlier ones, in bytes. */
const REQUEST_FROM = 4 * 1024;
/** Answers share less with each other: only large ones are cut. */
const ANSWER_FROM = 32 * 1024;
/** Larger bodies are kept whole: a WASM memory has its limits, and nobody sends such a body at every step. */
const SCAN_MOST = 128 * 1024 * 1024;
/** How far back the search for secrets begins, in bytes. */
const OVERLAP = 16 * 1024;

/** Keeps bodies. Returns what it wants to be told as `base` of later ones. */
export type KeepBody = (digest: Uint8Array, body: ScannedBody) => unknown;

interface Remembered {
  /** What the keeper returned. */
  readonly kept: unknown;
  /** The redactor's revision under which nothing secret was found; undefined where something was. */
  readonly clean: number | undefined;
}

/** See the head of this file. */
export class BodyLog {
  readonly #core: Core;
  readonly #keep: KeepBody;
  #scanner: Scanner | undefined;
  readonly #remembered = new Map<number, Remembered>();

  constructor(core: Core, keep: KeepBody) {
    this.#core = core;
    this.#keep = keep;
  }

  /** A request's body. Text stands for its UTF-8. */
  request(body: Uint8Array | string, redactor: Redactor): BodyRef {
    if (body.length < REQUEST_FROM || body.length > SCAN_MOST) return this.#whole(redactor.requestBody(body));
    const scanner = this.#load(body);
    const { size, shared, base } = scanner;
    // Nothing secret is in what it shares: only the rest has to be searched.
    const before = base === undefined ? undefined : this.#remembered.get(base)?.clean;
    const { revision } = redactor;
    const isClean = before === revision
      ? redactor.isCleanTail(fromUtf8(scanner.view(tailStart(scanner, shared), size)))
      : undefined;
    if (isClean !== true) {
      const redacted = redactor.requestBody(body);
      if (redacted !== body) {
        this.#load(redacted);
        return this.#scanned(undefined);
      }
    }
    const again = isClean === true || redactor.canContinue(body);
    return this.#scanned(again && redactor.revision === revision ? revision : undefined);
  }

  /** A piece of an answer: known secrets go. */
  answer(bytes: Uint8Array, redactor: Redactor): BodyRef {
    const clean = redactor.known(bytes);
    if (clean.length < ANSWER_FROM || clean.length > SCAN_MOST) return this.#whole(clean);
    this.#load(clean);
    return this.#scanned(undefined);
  }

  #load(body: Uint8Array | string): Scanner {
    const scanner = this.#scanner ??= this.#core.scanner();
    scanner.load(body);
    return scanner;
  }

  #whole(body: Uint8Array | string): BodyRef {
    const bytes = typeof body === "string" ? utf8(body) : body;
    const digest = this.#core.sha256(bytes);
    this.#keep(digest, { size: bytes.length, bytes: () => bytes.slice(), chunked: undefined });
    return { digest, size: bytes.length };
  }

  /** Keeps what the scanner holds. */
  #scanned(clean: number | undefined): BodyRef {
    const scanner = this.#scanner!;
    const { size, base } = scanner;
    const digest = scanner.digest();
    const kept = this.#keep(digest, {
      size,
      bytes: () => scanner.view().slice(),
      chunked: {
        base: base === undefined ? undefined : this.#remembered.get(base)?.kept,
        view: (from, to) => scanner.view(from, to),
        cut: () => scanner.cut(),
        digests: (from) => scanner.chunkDigests(from),
      },
    });
    const { id, dropped } = scanner.remember();
    for (const each of dropped) this.#remembered.delete(each);
    if (id !== undefined) this.#remembered.set(id, { kept, clean });
    return { digest, size };
  }
}

/** Where the search for secrets begins: before what is new, not within a character. */
function tailStart(scanner: Scanner, shared: number): number {
  let from = Math.max(0, shared - OVERLAP);
  if (from === 0) return 0;
  const around = scanner.view(from, Math.min(scanner.size, from + 4));
  for (const byte of around) {
    if ((byte & 0xc0) !== 0x80) break;
    from++;
  }
  return from;
}
