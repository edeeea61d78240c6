/**
 * The session that forks: replays up to a place on the tape, with every draw, request and delivery checked, serves
 * another answer there than the recorded one, and records from then on. What it writes is a tape of its own, whose
 * chain is the parent's up to that place.
 *
 * Behind the place, ops that were begun before go on: timers for the rest of their time, requests with the answers
 * that the tape has for them. A new request is answered by the tape where it asks for the same as a recorded one
 * that is still unasked (`tape-first`); else it is sent (`live`), or fails (`offline`).
 *
 * Limit: a request whose body is a stream is sent at once, because what it asks for is known too late.
 */

import { sameBytes } from "../base/bytes.ts";
import type { BodyRef, RequestEvent, TapeEvent } from "../tape/events.ts";
import type { DrawKind } from "../tape/draws.ts";
import type { ForkDraws } from "./fork_draws.ts";
import { offlineShape } from "./fork_errors.ts";
import type { ForkTape } from "./fork_tape.ts";
import { type Begun, type RecordHost, RecordSession } from "./record.ts";
import { type ReplayHost, type ReplayOp, ReplaySession } from "./replay.ts";
import type { Ask, Delivery, Live, Mode, Op, Session } from "./session.ts";

/** What becomes of requests behind the fork that the tape does not answer, or all. */
export type Tail = "tape-first" | "live" | "offline";

/** What is served in place of a recorded answer. */
export interface ServedChange {
  readonly step: number;
  /** The head or the failure, then chunks, then the end. */
  readonly deliveries: readonly Delivery[];
}

/** What became of a request behind the fork. */
export type Outcome = "changed" | "tape" | "live" | "refused";

/** What a fork needs from its host, besides what a replay and a recording need. */
export interface ForkHost {
  readonly replay: Omit<ReplayHost, "stop">;
  readonly record: Omit<RecordHost, "answer">;
  /** Number of the first event of this lane that is not replayed, and its recorded time. */
  readonly stop: number;
  readonly forkedAt: number;
  readonly tape: ForkTape;
  readonly draws: ForkDraws;
  readonly tail: Tail;
  /** Changes of this lane's steps; steps are counted in this lane. */
  readonly changes: readonly ServedChange[];
  /** True where the first of the changes is what this lane is forked at. */
  readonly changed: boolean;
  /** Where a real request goes. */
  route(url: string): string;
  /** Told once, when the recording begins. */
  onFork(): void;
  /** Told of each request behind the fork, or in flight there, once it is known what answers it. */
  onRequest(
    outcome: Outcome,
    request: { readonly method: string; readonly url: string },
    step?: number,
  ): void;
}

/** See the head of this file. */
export class ForkSession implements Session {
  readonly #host: ForkHost;
  readonly #changes: Map<number, ServedChange>;
  readonly replay: ReplaySession;
  #record: RecordSession | undefined;

  constructor(host: ForkHost) {
    this.#host = host;
    this.#changes = new Map(host.changes.map((change) => [change.step, change]));
    this.replay = new ReplaySession({
      ...host.replay,
      stop: { at: host.stop, now: !host.changed, reached: () => this.#fork() },
    });
    if (host.stop === 0) this.#fork();
  }

  get mode(): Mode {
    return this.#record === undefined ? "replay" : "record";
  }

  /** True once the recording has begun. */
  get forked(): boolean {
    return this.#record !== undefined;
  }

  /** Changes that were not served yet, by step. */
  get unserved(): readonly number[] {
    return [...this.#changes.keys()];
  }

  get random(): ((bytes: Uint8Array) => void) | undefined {
    return this.#record === undefined ? undefined : (bytes) => this.#host.draws.fill(bytes);
  }

  route(url: string): string {
    return this.#host.route(url);
  }

  inside(): boolean {
    return this.#host.record.inside();
  }

  runInside<T>(call: () => T): T {
    return this.#host.record.runInside(call);
  }

  draw<T>(kind: DrawKind<T>, real: () => T, fits?: (recorded: T) => boolean): T {
    const { draws } = this.#host;
    if (this.#record !== undefined) return this.#record.draw(kind, () => draws.value(kind, real));
    const value = this.replay.draw(kind, real, fits);
    draws.served(kind as DrawKind<unknown>, value);
    return value;
  }

  environment(name: string, value: string | undefined): void {
    this.#host.record.onEnvironment(name, value);
    if (this.#record !== undefined) this.#host.record.commitSoon();
  }

  boundary(surface: string, detail: string): void {
    (this.#record ?? this.replay).boundary(surface, detail);
  }

  open(ask: Ask, handle: (delivery: Delivery) => void, live: Live): Op {
    return (this.#record ?? this.replay).open(ask, handle, live);
  }

  #fork(): void {
    const host = this.#host;
    const { ops, next } = this.replay.handOver();
    host.draws.start();
    host.onFork();
    const record = new RecordSession({ ...host.record, answer: (...asked) => this.#answer(...asked) }, next);
    this.#record = record;
    // The changed answer takes the recorded one's turn, before anything else.
    const changedFirst = [...ops].sort(([, a], [, b]) => this.#rank(a) - this.#rank(b));
    for (const [id, op] of changedFirst) op.next = record.adopt(this.#begun(id, op), this.#goOn(id, op));
  }

  #rank(op: ReplayOp): number {
    return op.ask.type === "request" && this.#changes.has(op.step) ? 0 : 1;
  }

  #begun(id: number, op: ReplayOp): Begun {
    const { ask, handle, demand, sent } = op;
    const elapsed = Math.max(0, (this.#host.forkedAt - op.at) / 1000);
    // A body that is on the tape already is not sent again.
    return { id, ask, handle, demand, elapsed, sent: op.sentDone ? undefined : sent };
  }

  /** What is behind an op that was begun before. */
  #goOn(id: number, { ask, live, sentDone }: ReplayOp): Live {
    if (ask.type === "timer") return this.#timer(ask, live);
    const { tape } = this.#host;
    const waits = ask.body === "later" && !sentDone;
    if (!waits) return this.#inFlight(id, ask, live);
    return this.#whenSent(live, (sent) => {
      const recorded = tape.sentBy(id);
      const same = recorded !== undefined && sameBytes(recorded.digest, sent.digest);
      return same ? this.#inFlight(id, ask, live) : this.#unanswered(ask, live);
    });
  }

  #inFlight(id: number, ask: { method: string; url: string }, live: Live): Live {
    const { tape, onRequest } = this.#host;
    const step = tape.stepOf(id);
    const change = this.#takeChange(step);
    if (change !== undefined) {
      onRequest("changed", ask, step);
      return changedLive(change);
    }
    if (!tape.answers(id)) return this.#unanswered(ask, live);
    onRequest("tape", ask, step);
    return tape.live(step);
  }

  #takeChange(step: number): ServedChange | undefined {
    const change = this.#changes.get(step);
    this.#changes.delete(step);
    return change;
  }

  /** What is behind an op that is asked for now. */
  #answer(_op: number, ask: Ask, event: TapeEvent, live: Live): Live {
    if (ask.type === "timer") return this.#timer(ask, live);
    const request = event as RequestEvent;
    if (ask.body !== "later") return this.#answerRequest(request, undefined, live);
    if (live.uploads === true) return this.#unanswered(request, live);
    return this.#whenSent(live, (sent) => this.#answerRequest(request, sent, live));
  }

  #answerRequest(request: RequestEvent, sent: BodyRef | undefined, live: Live): Live {
    const { tape, tail, onRequest } = this.#host;
    const step = tail === "live" && this.#changes.size === 0 ? undefined : tape.take(request, sent);
    const change = step === undefined ? undefined : this.#takeChange(step);
    if (change !== undefined) {
      onRequest("changed", request, step);
      return changedLive(change);
    }
    if (step === undefined || tail === "live") return this.#unanswered(request, live);
    onRequest("tape", request, step);
    return tape.live(step);
  }

  #unanswered(request: { readonly method: string; readonly url: string }, live: Live): Live {
    const { tail, onRequest } = this.#host;
    if (tail !== "offline") {
      onRequest("live", request);
      return live;
    }
    onRequest("refused", request);
    const error = offlineShape(request.method, request.url);
    return { start: (deliver) => deliver({ type: "fail", error }) };
  }

  /** A request whose body has to be read before it is known what answers it. */
  #whenSent(live: Live, choose: (sent: BodyRef) => Live): Live {
    const { log, redactor } = this.#host.record;
    let deliver: (delivery: Delivery) => void = () => {};
    let chosen: Live | undefined;
    return {
      start: (to) => {
        deliver = to;
      },
      body: (bytes) => {
        chosen = choose(log.requestBody(bytes, redactor));
        chosen.start(deliver);
        if (chosen === live) live.body?.(bytes);
      },
      pull: () => chosen?.pull?.(),
      cancel: (reason) => chosen?.cancel?.(reason),
    };
  }

  /** Callbacks that wait for random bytes get the branch's own. */
  #timer(ask: Ask & { type: "timer" }, live: Live): Live {
    const { draws } = this.#host;
    if (ask.kind !== "bytes" || ask.delay === 0) return live;
    return {
      ...live,
      start: (deliver, elapsed) =>
        live.start((delivery) =>
          deliver(
            delivery.type === "fire" ? { type: "fire", value: draws.bytes(delivery.value.length) } : delivery,
          ), elapsed),
    };
  }
}

/** An answer that was made up: the head at once, the rest as it is read. */
function changedLive({ deliveries }: ServedChange): Live {
  let next = 0;
  let deliver: (delivery: Delivery) => void = () => {};
  const give = () => {
    const delivery = deliveries[next++];
    if (delivery !== undefined) deliver(delivery);
  };
  return {
    start: (to) => {
      deliver = to;
      give();
    },
    pull: give,
  };
}
