/**
 * The session that records: real values and real results go to the program, and into the log at the moment
 * at which the program gets them.
 *
 * What the world sends waits in a queue and is handed over one macrotask at a time, because a replay can only
 * release it so. A request is in the file before it leaves the process; everything else a few milliseconds
 * later at most.
 */

import type { DrawKind } from "../tape/draws.ts";
import type { TapeEvent } from "../tape/events.ts";
import { encodeAsk, encodeDelivery } from "./encode.ts";
import type { LaneLog } from "./lane_log.ts";
import type { Redactor } from "./redact.ts";
import { type Ask, type Delivery, isLast, type Live, type Op, type Session } from "./session.ts";
import type { Turns } from "./turns.ts";

/** What a recording needs from its host. */
export interface RecordHost {
  readonly log: LaneLog;
  readonly turns: Turns;
  readonly redactor: Redactor;
  /** Writes the log to the file, now. */
  commit(): void;
  /** Writes the log to the file soon, in a macrotask that keeps the process alive until then. */
  commitSoon(): void;
  /** Set while the platform's own function runs for a draw: what it calls itself is not drawn again. */
  readonly quiet: { on: boolean };
  /** True in the context of a real call. */
  inside(): boolean;
  runInside<T>(call: () => T): T;
  /** Told of each environment variable that the program reads. */
  onEnvironment(name: string, value: string | undefined): void;
  /** Told once of each surface that is used but not held. */
  onBoundary(surface: string, detail: string): void;
  /** What is behind an op in place of the platform, where something else is. */
  answer?(op: number, ask: Ask, event: TapeEvent, live: Live): Live;
}

/** How far an op had come when another session handed it over. */
export interface Begun {
  readonly id: number;
  readonly ask: Ask;
  readonly handle: (delivery: Delivery) => void;
  /** Milliseconds since it was asked for. */
  readonly elapsed: number;
  /** How many deliveries of the body the program waits for. */
  readonly demand: number;
  /** A request body that was `later` and is known by now, but not on the tape yet. */
  readonly sent: Uint8Array | undefined;
}

/** See the head of this file. */
export class RecordSession implements Session {
  readonly mode = "record";
  readonly #host: RecordHost;
  readonly #log: LaneLog;
  #next: number;

  /** `next` is the number of the next op. */
  constructor(host: RecordHost, next = 0) {
    this.#host = host;
    this.#log = host.log;
    this.#next = next;
  }

  inside(): boolean {
    return this.#host.inside();
  }

  runInside<T>(call: () => T): T {
    return this.#host.runInside(call);
  }

  draw<T>(kind: DrawKind<T>, real: () => T): T {
    const { quiet } = this.#host;
    const before = quiet.on;
    quiet.on = true;
    let value: T;
    try {
      value = real();
    } finally {
      quiet.on = before;
    }
    this.#log.draw(kind, value);
    this.#host.commitSoon();
    return value;
  }

  environment(name: string, value: string | undefined): void {
    this.#host.onEnvironment(name, value);
    this.#host.commitSoon();
  }

  boundary(surface: string, detail: string): void {
    this.#add({ type: "boundary", surface, detail });
    this.#host.onBoundary(surface, detail);
  }

  #add(event: TapeEvent): void {
    this.#log.event(event);
    this.#host.commitSoon();
  }

  open(ask: Ask, handle: (delivery: Delivery) => void, live: Live): Op {
    const id = this.#next++;
    const event = encodeAsk(id, ask, this.#log, this.#host.redactor);
    this.#add(event);
    if (ask.type === "request") this.#host.commit();
    return this.#begin(id, ask, handle, this.#host.answer?.(id, ask, event, live) ?? live);
  }

  /** Goes on with an op of another session, which is on the tape already. */
  adopt({ id, ask, handle, elapsed, demand, sent }: Begun, live: Live): Op {
    const op = this.#begin(id, ask, handle, live, elapsed);
    for (let i = 0; i < demand; i++) op.demand();
    if (sent !== undefined) op.sent(sent);
    return op;
  }

  #begin(id: number, ask: Ask, handle: (delivery: Delivery) => void, live: Live, elapsed?: number): Op {
    let open = true;
    const prepare = (delivery: Delivery) => {
      if (!open) return undefined;
      this.#add(encodeDelivery(id, delivery, this.#log, this.#host.redactor));
      if (isLast(ask, delivery)) open = false;
      return { handle, delivery };
    };
    const deliver = (delivery: Delivery) => this.#host.turns.add(() => prepare(delivery));
    const op: Op = {
      id,
      demand: () => {
        if (open) this.runInside(() => live.pull?.());
      },
      cancel: (reason) => {
        if (!open) return;
        open = false;
        this.#add({ type: "cancel", op: id });
        this.runInside(() => live.cancel?.(reason));
      },
      sent: (bytes) => {
        if (!open) return;
        deliver({ type: "sent", bytes });
        this.runInside(() => live.body?.(bytes));
      },
    };
    this.runInside(() => live.start(deliver, elapsed));
    return op;
  }
}
