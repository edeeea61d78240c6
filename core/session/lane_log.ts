/**
 * One lane's log as it grows: numbers events, packs draws, computes the chain. The recorder writes what it
 * hands out through it; the replayer writes what *it* saw through the same code, and compares. That is why a
 * replayed fingerprint is computed and never copied.
 */

import { Writer } from "../base/bytes.ts";
import { type DrawKind, newDrawMemo } from "../tape/draws.ts";
import { type TapeEvent, TYPE, writeEvent } from "../tape/events.ts";
import { chainHeader } from "../tape/format.ts";
import type { BodyRef } from "../tape/events.ts";
import type { Core } from "../../wasm/core.ts";
import { BodyLog, type KeepBody } from "./body_log.ts";
import type { Redactor } from "./redact.ts";

/** A pack closes at this size, so that memory and rows stay small in a run of a million draws. */
const PACK_BYTES = 16 * 1024;

/** Where a lane's events and bodies go. */
export interface Sink {
  /** `seq` may come again for the last event only, when a pack of draws was written early. */
  append(seq: number, type: number, body: Uint8Array, link: Uint8Array): void;
  readonly body: KeepBody;
}

/** How much a lane holds. */
export interface Counts {
  exchanges: number;
  draws: number;
  deliveries: number;
  matched: number;
}

const DELIVERY_CODES = new Set<number>([TYPE.sent, TYPE.head, TYPE.chunk, TYPE.end, TYPE.fail, TYPE.fire]);

/** See the head of this file. */
export class LaneLog {
  readonly counts: Counts = { exchanges: 0, draws: 0, deliveries: 0, matched: 0 };
  readonly #core: Core;
  readonly #sink: Sink;
  readonly #bodies: BodyLog;
  readonly #memo = newDrawMemo();
  readonly #pack = new Writer(1024);
  readonly #scratch = new Writer(1024);
  #packed = 0;
  #seq = 0;
  #link: Uint8Array;

  constructor(core: Core, sink: Sink, lane: number) {
    this.#core = core;
    this.#sink = sink;
    this.#bodies = new BodyLog(core, (digest, body) => sink.body(digest, body));
    this.#link = core.sha256(chainHeader(lane));
  }

  /** Link of the last whole event; draws that are still being packed are not in it. */
  get link(): Uint8Array {
    return this.#link;
  }

  /** Number of the next event. */
  get seq(): number {
    return this.#seq;
  }

  /** Adds a draw to the pack. The hot path: no allocation. */
  draw<T>(kind: DrawKind<T>, value: T): void {
    this.#pack.u8(kind.code);
    kind.write(this.#pack, value, this.#memo);
    this.#packed++;
    this.counts.draws++;
    if (this.#pack.length >= PACK_BYTES) this.closePack();
  }

  /** Ends the pack of draws, if there is one. */
  closePack(): void {
    if (this.#packed === 0) return;
    const { body, link } = this.#packNow();
    this.#sink.append(this.#seq++, TYPE.draws, body, link);
    this.#link = link;
    this.#packed = 0;
    this.#pack.reset();
  }

  /** Writes the pack as it is, to be written again when it has grown: for a flush between two events. */
  writePackEarly(): void {
    if (this.#packed === 0) return;
    const { body, link } = this.#packNow();
    this.#sink.append(this.#seq, TYPE.draws, body, link);
  }

  /** The link as it would be if the pack closed now. */
  currentLink(): Uint8Array {
    return this.#packed === 0 ? this.#link : this.#packNow().link;
  }

  #packNow(): { body: Uint8Array; link: Uint8Array } {
    this.#scratch.reset();
    this.#scratch.u8(TYPE.draws).varint(this.#packed).raw(this.#pack.view());
    const body = this.#scratch.copy();
    return { body, link: this.#core.chainNext(this.#link, body) };
  }

  /** Appends an event and returns its canonical encoding (a view that the next event overwrites). */
  event(event: TapeEvent): void {
    this.closePack();
    this.#scratch.reset();
    writeEvent(this.#scratch, event);
    const body = this.#scratch.view();
    this.#link = this.#core.chainNext(this.#link, body);
    const code = TYPE[event.type];
    if (code === TYPE.request) this.counts.exchanges++;
    else if (DELIVERY_CODES.has(code)) this.counts.deliveries++;
    this.#sink.append(this.#seq++, code, body, this.#link);
  }

  /** Keeps a request's body, without secrets, and names it. */
  requestBody(body: Uint8Array | string, redactor: Redactor): BodyRef {
    return this.#bodies.request(body, redactor);
  }

  /** Keeps a piece of an answer, without known secrets, and names it. */
  answerBody(bytes: Uint8Array, redactor: Redactor): BodyRef {
    return this.#bodies.answer(bytes, redactor);
  }
}
