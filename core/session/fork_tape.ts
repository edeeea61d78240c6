/**
 * What a tape still answers behind the place at which it was forked: requests that were in flight there, and later
 * ones that ask for the same to the byte. An answer comes as it was recorded, piece by piece, without waiting; where
 * several are due, the one that was recorded first comes first.
 *
 * An exchange that was given up, or never answered, answers nothing. One of which the body was not read to its end
 * answers as far as it goes.
 */

import { type BodyRef, decodeEvent, type DeliveryEvent, type RequestEvent, TYPE } from "../tape/events.ts";
import type { Core, DigestIndex } from "../../wasm/core.ts";
import { endOfTapeShape } from "./fork_errors.ts";
import { requestKey } from "./request_index.ts";
import type { Delivery, Live, TapeRow } from "./session.ts";
import type { Turns } from "./turns.ts";

/** Something that is due, by its recorded place. */
interface Due {
  readonly seq: number;
  give(): void;
}

/** Gives out one thing at a time, the earliest recorded first, each when the program has had its say on the last. */
export class DueQueue {
  readonly #turns: Turns;
  readonly #due = new Set<Due>();
  #busy = false;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  add(due: Due): void {
    this.#due.add(due);
    this.#next();
  }

  drop(due: Due | undefined): void {
    if (due !== undefined) this.#due.delete(due);
  }

  #next(): void {
    if (this.#busy || this.#due.size === 0) return;
    this.#busy = true;
    this.#turns.add(() => {
      let first: Due | undefined;
      for (const due of this.#due) if (first === undefined || due.seq < first.seq) first = due;
      if (first !== undefined) {
        this.#due.delete(first);
        // This puts the delivery into the queue of turns, and the look for the next one goes behind it.
        first.give();
      }
      this.#turns.add(() => {
        this.#busy = false;
        this.#next();
        return undefined;
      });
      return undefined;
    });
  }
}

interface Recorded {
  readonly step: number;
  readonly request: RequestEvent;
  /** The body of a request that had to be read first. */
  sent: BodyRef | undefined;
  /** What was handed out for it behind the fork. */
  readonly answers: { readonly seq: number; readonly event: DeliveryEvent }[];
  headDone: boolean;
}

/** See the head of this file. */
export class ForkTape {
  readonly #body: (digest: Uint8Array) => Uint8Array;
  readonly #core: Core;
  readonly #queue: DueQueue;
  readonly #recorded: Recorded[] = [];
  readonly #byOp = new Map<number, Recorded>();
  readonly #index: DigestIndex;

  /** `rows` are a lane's, of which those from `stop` on come after the fork. */
  constructor(
    core: Core,
    rows: readonly TapeRow[],
    stop: number,
    turns: Turns,
    body: (digest: Uint8Array) => Uint8Array,
  ) {
    this.#core = core;
    this.#body = body;
    this.#queue = new DueQueue(turns);
    this.#index = core.digestIndex();
    rows.forEach((row, seq) => {
      if (row.type < TYPE.request || row.type > TYPE.fail) return;
      const event = decodeEvent(row.body);
      if (event.type === "request") {
        const recorded: Recorded = {
          step: this.#recorded.length,
          request: event,
          sent: undefined,
          answers: [],
          headDone: false,
        };
        this.#recorded.push(recorded);
        this.#byOp.set(event.op, recorded);
        return;
      }
      const recorded = this.#byOp.get((event as DeliveryEvent).op);
      if (recorded === undefined) return;
      if (event.type === "sent") recorded.sent = event.body;
      else if (seq >= stop) recorded.answers.push({ seq, event: event as DeliveryEvent });
      else if (event.type === "head") recorded.headDone = true;
    });
    const asked = rows.slice(0, stop).filter(({ type }) => type === TYPE.request).length;
    const given = new Set(
      rows.filter(({ type }) => type === TYPE.cancel).map(({ body }) => decodeEvent(body)).map((event) =>
        event.type === "cancel" ? event.op : -1
      ),
    );
    for (const each of this.#recorded.slice(asked)) {
      if (each.answers.length === 0 || given.has(each.request.op)) continue;
      this.#index.add(requestKey(core, each.request, each.sent), each.step);
    }
  }

  /** The step that answers a request which is asked for now, taken for good; undefined for none. */
  take(request: RequestEvent, sent?: BodyRef): number | undefined {
    return this.#index.take(requestKey(this.#core, request, sent));
  }

  /** True where the tape has something for the op of a request that was in flight. */
  answers(op: number): boolean {
    return (this.#byOp.get(op)?.answers.length ?? 0) > 0;
  }

  /** The body that was sent by a request which was in flight, where it had to be read first. */
  sentBy(op: number): BodyRef | undefined {
    return this.#byOp.get(op)?.sent;
  }

  stepOf(op: number): number {
    return this.#byOp.get(op)?.step ?? -1;
  }

  /** The recorded answer of a step, as something that runs. */
  live(step: number): Live {
    const { answers, request, headDone } = this.#recorded[step]!;
    const queue = this.#queue;
    let deliver: (delivery: Delivery) => void = () => {};
    let next = 0;
    let due: Due | undefined;
    const offer = () => {
      const answer = answers[next++];
      const seq = answer?.seq ?? Number.MAX_SAFE_INTEGER;
      due = {
        seq,
        give: () =>
          deliver(
            answer === undefined
              ? { type: "fail", error: endOfTapeShape(request.url) }
              : this.#toDelivery(answer.event),
          ),
      };
      queue.add(due);
    };
    return {
      start: (to) => {
        deliver = to;
        if (!headDone) offer();
      },
      pull: offer,
      cancel: () => queue.drop(due),
    };
  }

  #toDelivery(event: DeliveryEvent): Delivery {
    if (event.type === "chunk") return { type: "chunk", bytes: this.#body(event.body.digest) };
    return event as Delivery;
  }
}
