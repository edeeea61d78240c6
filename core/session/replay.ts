/**
 * The session that replays: serves the recorded draws in order, releases the recorded deliveries in order,
 * and checks that the program asks for just what it asked for. Nothing goes live.
 *
 * The tape is one sequence. What the program causes (draws, requests, timers, cancels) must come next on it,
 * to the byte; what the world caused is released when it comes next, once the program is idle. Whatever this
 * session sees it writes into a log of its own, by the recorder's code, and each link must equal the tape's.
 *
 * Limit: work that the platform does on its own threads and that no seam holds (reading a file) has no place
 * on the tape; a replay gives it a moment before it releases what came much later in the recording.
 */

import { Reader, sameBytes, Writer } from "../base/bytes.ts";
import { DRAW_KINDS, type DrawKind, newDrawMemo } from "../tape/draws.ts";
import { decodeEvent, type DeliveryEvent, type TapeEvent, TYPE, writeEvent } from "../tape/events.ts";
import { type Divergence, DivergenceError } from "./divergence.ts";
import { encodeAsk, encodeDelivery } from "./encode.ts";
import type { Finding, Judge } from "./judge.ts";
import type { LaneLog } from "./lane_log.ts";
import type { Redactor } from "./redact.ts";
import {
  type Ask,
  type Delivery,
  isLast,
  type Live,
  type Op,
  type Session,
  type TapeRow,
} from "./session.ts";
import type { Entry, Turns } from "./turns.ts";

/** What a replay needs from its host. */
export interface ReplayHost {
  readonly log: LaneLog;
  readonly turns: Turns;
  readonly redactor: Redactor;
  /** This lane's events, without the closing `exit`. */
  readonly rows: readonly TapeRow[];
  /** A stored body; throws where it is missing or altered. */
  body(digest: Uint8Array): Uint8Array;
  /** Finds words and a cause for what differed. */
  readonly judge: Judge;
  /** Told once, at the place of the first divergence. May end the process. */
  onDivergence(divergence: Divergence): void;
  inside(): boolean;
  runInside<T>(call: () => T): T;
  /** Keeps the process alive for as long as a recording does that still has to write what happened. */
  commitSoon(): void;
  /**
   * Keeps the process alive while requests wait for their heads, as the platform's own do: a runtime that ends may
   * ask first whether anything is under way.
   */
  hold(on: boolean): void;
  /** Told of each request that matched. */
  onRequest(exchanges: number): void;
  /** Told when the last event is done. */
  onDone(): void;
  /** Told when the program goes on past the end of the tape, before it is known with what. */
  onBeyond(): void;
  /** Calls back after `ms` real milliseconds. */
  wait(ms: number, callback: () => void): void;
  /** Deliveries keep their recorded distance in time. */
  readonly atRecordedSpeed: boolean;
  /** Negative control: draws come from the platform instead of the tape. */
  readonly liveDraws: boolean;
  /** Where another session goes on. */
  readonly stop?: {
    /** Number of the first event that is not replayed. */
    readonly at: number;
    /** True to go on at once; else when the program is idle, in a macrotask of its own, as with a delivery. */
    readonly now: boolean;
    reached(): void;
  };
}

/** A gap in the recording, in microseconds, from which on a replay waits a moment for unheld work. */
const LONG_GAP = 20_000;
const SETTLE_MS = 1;

/** What a replay does not let through: it would act on the world, or see it, past the tape. */
const REFUSED = /^(network|worker|process):/;

/** An op that the program has asked for and that is not over. */
export interface ReplayOp {
  readonly ask: Ask;
  readonly handle: (delivery: Delivery) => void;
  readonly live: Live;
  /** Recorded time at which it was asked for, or an interval fired last: microseconds. */
  at: number;
  /** The recorded step, for a request. */
  readonly step: number;
  demand: number;
  headDone: boolean;
  /** True while the platform's own request would keep the process alive. */
  holds: boolean;
  sent: Uint8Array | undefined;
  /** True once the body that was `later` has been told to be sent. */
  sentDone: boolean;
  /** Set by whoever goes on with it. */
  next: Op | undefined;
}

const DELIVERY_CODES = new Set<number>([TYPE.sent, TYPE.head, TYPE.chunk, TYPE.end, TYPE.fail, TYPE.fire]);

/** See the head of this file. */
export class ReplaySession implements Session {
  readonly mode = "replay";
  /** Events done so far. */
  cursor = 0;
  /** Bumped at every step forward: a watchdog looks at it. */
  progress = 0;
  divergence: Divergence | undefined;
  readonly #host: ReplayHost;
  readonly #log: LaneLog;
  readonly #rows: readonly TapeRow[];
  readonly #ops = new Map<number, ReplayOp>();
  readonly #memo = newDrawMemo();
  readonly #scratch = new Writer(1024);
  #pack: Reader | undefined;
  #packLeft = 0;
  #next = 0;
  #releasing = false;
  #holding = 0;
  #beyond = false;
  #handedOver = false;

  constructor(host: ReplayHost) {
    this.#host = host;
    this.#log = host.log;
    this.#rows = host.rows;
  }

  inside(): boolean {
    return this.#host.inside();
  }

  runInside<T>(call: () => T): T {
    return this.#host.runInside(call);
  }

  /** True when everything on the tape was asked for and handed out. */
  get done(): boolean {
    return this.cursor >= this.#rows.length && this.#packLeft === 0;
  }

  /** The next event on the tape, or undefined at its end. For messages. */
  peek(): TapeEvent | undefined {
    const row = this.#rows[this.cursor];
    return row && decodeEvent(row.body);
  }

  /** Draws of the present pack that were not asked for yet. */
  get drawsLeft(): number {
    return this.#packLeft;
  }

  /** Ends this session's part, with nothing judged: ops that are not over, by number, and the next op's number. */
  handOver(): { readonly ops: ReadonlyMap<number, ReplayOp>; readonly next: number } {
    this.#handedOver = true;
    // What goes on keeps the process alive by itself.
    if (this.#holding > 0) this.#host.hold(false);
    return { ops: this.#ops, next: this.#next };
  }

  /** Ends the replay as diverged. The first divergence stays. */
  diverge(finding: Finding): never {
    if (this.divergence === undefined || this.#beyond) {
      this.#beyond = false;
      this.divergence = this.#host.judge(finding, this.#log.counts.exchanges, this.peek());
      this.#host.onDivergence(this.divergence);
    }
    throw new DivergenceError(this.divergence);
  }

  /**
   * The program goes on where the tape has ended. That is a divergence already, but a draw or a timer says
   * little: an SDK reads the clock before it sends. So these go on without the tape until a request says what
   * it is about.
   */
  #goBeyond(finding: Finding): void {
    if (this.divergence !== undefined) return;
    this.#beyond = true;
    this.divergence = this.#host.judge(finding, this.#log.counts.exchanges, undefined);
    this.#host.onBeyond();
  }

  #guard(): void {
    if (this.divergence !== undefined && !this.#beyond) throw new DivergenceError(this.divergence);
  }

  // The hot path of a replay.
  draw<T>(kind: DrawKind<T>, real: () => T, fits?: (recorded: T) => boolean): T {
    this.#guard();
    if (this.done) {
      this.#goBeyond({ what: "draw", got: kind.name, expected: undefined });
      return real();
    }
    if (this.#packLeft === 0) this.#openPack(kind);
    const pack = this.#pack!;
    const code = pack.u8();
    if (code !== kind.code && !this.#host.liveDraws) {
      this.diverge({ what: "draw", got: kind.name, expected: DRAW_KINDS.get(code)?.name ?? `draw ${code}` });
    }
    const recorded = (DRAW_KINDS.get(code) as DrawKind<T>).read(pack, this.#memo);
    if (fits !== undefined && !this.#host.liveDraws && !fits(recorded)) {
      this.diverge({ what: "draw", got: `${kind.name} of another size or range`, expected: kind.name });
    }
    const value = this.#host.liveDraws ? real() : recorded;
    this.#log.draw(kind, value);
    this.#host.commitSoon();
    if (--this.#packLeft === 0) this.#closePack();
    return value;
  }

  #openPack(kind: DrawKind<unknown>): void {
    const row = this.#rows[this.cursor];
    if (row?.type !== TYPE.draws) this.diverge({ what: "draw", got: kind.name, expected: undefined });
    const event = decodeEvent(row.body);
    if (event.type !== "draws") return;
    this.#pack = new Reader(event.data);
    this.#packLeft = event.count;
  }

  #closePack(): void {
    this.#log.closePack();
    this.#stepForward();
  }

  /** The event at the cursor has happened and is in the log: its link must be the tape's. */
  #stepForward(): void {
    const row = this.#rows[this.cursor]!;
    if (!this.#host.liveDraws && !sameBytes(this.#log.link, row.link)) {
      this.diverge({ what: "link", seq: this.cursor });
    }
    this.cursor++;
    this.progress++;
    this.#host.commitSoon();
    this.#advance();
  }

  /** What the program caused must be the next thing on the tape, byte for byte. */
  #expect(event: TapeEvent): void {
    const row = this.#rows[this.cursor];
    this.#scratch.reset();
    writeEvent(this.#scratch, event);
    if (row === undefined || this.#packLeft > 0 || !sameBytes(row.body, this.#scratch.view())) {
      this.diverge({ what: "event", got: event });
    }
    this.#log.event(event);
    if (event.type === "request") this.#log.counts.matched++;
  }

  // The variables were put in place before the program began.
  environment(_name: string, _value: string | undefined): void {}

  boundary(surface: string, detail: string): void {
    this.#guard();
    if (REFUSED.test(surface)) this.diverge({ what: "boundary", surface, detail });
    this.#expect({ type: "boundary", surface, detail });
    this.#stepForward();
  }

  open(ask: Ask, handle: (delivery: Delivery) => void, live: Live): Op {
    this.#guard();
    const id = this.#next++;
    if (this.done && ask.type === "timer") {
      this.#goBeyond({ what: "event", got: { ...ask, op: id } });
      return { id, demand() {}, cancel() {}, sent() {} };
    }
    const { at } = this.#rows[this.cursor] ?? { at: 0 };
    const step = this.#log.counts.exchanges;
    this.#expect(encodeAsk(id, ask, this.#log, this.#host.redactor));
    const op: ReplayOp = {
      ask,
      handle,
      live,
      at,
      step,
      demand: 0,
      headDone: false,
      holds: false,
      sent: undefined,
      sentDone: false,
      next: undefined,
    };
    this.#ops.set(id, op);
    if (ask.type === "request") {
      this.#hold(op);
      this.#host.onRequest(this.#log.counts.exchanges);
    }
    this.#stepForward();
    return {
      id,
      demand: () => {
        if (op.next !== undefined) return op.next.demand();
        op.demand++;
        this.#advance();
      },
      cancel: (reason) => {
        if (op.next !== undefined) return op.next.cancel(reason);
        if (!this.#ops.has(id) || this.#handedOver) return;
        this.#guard();
        if (this.done) return this.#goBeyond({ what: "event", got: { type: "cancel", op: id } });
        this.#expect({ type: "cancel", op: id });
        this.#ops.delete(id);
        this.#letGo(op);
        this.#stepForward();
      },
      sent: (bytes) => {
        if (op.next !== undefined) return op.next.sent(bytes);
        op.sent = bytes;
        this.#advance();
      },
    };
  }

  #hold(op: ReplayOp): void {
    op.holds = true;
    if (this.#holding++ === 0) this.#host.hold(true);
  }

  #letGo(op: ReplayOp): void {
    if (!op.holds) return;
    op.holds = false;
    if (--this.#holding === 0) this.#host.hold(false);
  }

  /** Releases the next delivery when it is its turn: in a macrotask of its own, with the program idle. */
  #advance(): void {
    if (this.#releasing || this.#handedOver || this.divergence !== undefined) return;
    const row = this.#rows[this.cursor];
    const { stop } = this.#host;
    if (stop !== undefined && this.cursor === stop.at && this.#packLeft === 0) {
      if (stop.now) return stop.reached();
      return this.#inTurn(row?.at ?? 0, () => {
        if (this.divergence === undefined && this.cursor === stop.at) stop.reached();
        return undefined;
      });
    }
    if (row === undefined && this.#packLeft === 0) return this.#host.onDone();
    if (row === undefined || !DELIVERY_CODES.has(row.type)) return;
    const event = decodeEvent(row.body) as DeliveryEvent;
    const op = this.#ops.get(event.op);
    if (op === undefined || !this.#isWanted(event, op)) return;
    const at = this.cursor;
    this.#inTurn(row.at, () => this.#release(at, event, op));
  }

  /** Runs `entry` when the program is idle. `at` is the recorded time of what comes then. */
  #inTurn(at: number, entry: Entry): void {
    this.#releasing = true;
    const gap = at - (this.#rows[this.cursor - 1]?.at ?? 0);
    const release = () => this.#host.turns.add(entry);
    if (this.#host.atRecordedSpeed) this.#host.wait(gap / 1000, release);
    else if (gap >= LONG_GAP) this.#host.wait(SETTLE_MS, release);
    else release();
  }

  /** A body's chunk waits until it is read, as it did when it was recorded. */
  #isWanted(event: DeliveryEvent, op: ReplayOp): boolean {
    if (event.type === "sent") return op.sent !== undefined;
    if (event.type === "chunk" || event.type === "end") return op.demand > 0;
    if (event.type === "fail" && op.headDone) return op.demand > 0;
    return true;
  }

  #release(at: number, event: DeliveryEvent, op: ReplayOp): ReturnType<Entry> {
    this.#releasing = false;
    if (this.divergence !== undefined || this.cursor !== at) return undefined;
    const delivery = this.#toDelivery(event, op);
    const seen = encodeDelivery(event.op, delivery, this.#log, this.#host.redactor);
    if (event.type === "sent") this.#expect(seen);
    else this.#log.event(seen);
    if (event.type === "head" || event.type === "fail") this.#letGo(op);
    if (event.type === "head") op.headDone = true;
    else if (event.type === "sent") op.sentDone = true;
    else if (event.type === "fire") op.at = this.#rows[at]!.at;
    else op.demand--;
    if (isLast(op.ask, delivery)) this.#ops.delete(event.op);
    // The next release may be planned now: it comes in a later macrotask, when the program has had its say.
    this.#stepForward();
    return { handle: op.handle, delivery };
  }

  #toDelivery(event: DeliveryEvent, op: ReplayOp): Delivery {
    switch (event.type) {
      case "sent":
        return { type: "sent", bytes: op.sent! };
      case "chunk":
        return { type: "chunk", bytes: this.#storedBody(event.body.digest) };
      case "head":
      case "fail":
      case "end":
      case "fire":
        return event;
    }
  }

  #storedBody(digest: Uint8Array): Uint8Array {
    try {
      return this.#host.body(digest);
    } catch {
      return this.diverge({ what: "body", digest });
    }
  }
}
