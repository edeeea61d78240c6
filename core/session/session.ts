/**
 * What a seam and a session say to each other. A seam knows one platform surface and nothing about modes; a
 * session knows one mode and nothing about platforms.
 */

import type { DrawKind } from "../tape/draws.ts";
import type { ErrorShape, HeaderList, TimerKind } from "../tape/events.ts";

/** Modes of a session. */
export type Mode = "record" | "replay";

/** A request as a program asked for it, before redaction. */
export interface RequestAsk {
  readonly type: "request";
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
  /** Bytes, or text that is sent as UTF-8; undefined for none; `later` where a promise in the seam will tell. */
  readonly body: Uint8Array | { readonly text: string } | "later" | undefined;
  readonly options: string;
}

/** A timer as a program asked for it. */
export interface TimerAsk {
  readonly type: "timer";
  readonly kind: TimerKind;
  /** Milliseconds. */
  readonly delay: number;
}

/** What a program asks for that comes later. */
export type Ask = RequestAsk | TimerAsk;

/** A result that is handed to the program, with its bytes. Mirrors the tape's delivery events. */
export type Delivery =
  | { readonly type: "sent"; readonly bytes: Uint8Array }
  | {
    readonly type: "head";
    readonly status: number;
    readonly statusText: string;
    readonly headers: HeaderList;
    readonly url: string | undefined;
    readonly redirected: boolean;
    readonly kind: string;
    readonly hasBody: boolean;
  }
  | { readonly type: "chunk"; readonly bytes: Uint8Array }
  | { readonly type: "end" }
  | { readonly type: "fail"; readonly error: ErrorShape; readonly original?: unknown }
  | { readonly type: "fire"; readonly value: Uint8Array };

/** The real thing behind an op, run only by a session that goes live. */
export interface Live {
  /**
   * Starts it. `deliver` may be called from anywhere, any number of times. `elapsed`: milliseconds that have gone
   * already, where a fork goes on with what was asked for before.
   */
  start(deliver: (delivery: Delivery) => void, elapsed?: number): void;
  /** True where the request's body is sent while the program still makes it. */
  readonly uploads?: boolean;
  /** A request body that was `later` is known now. */
  body?(bytes: Uint8Array): void;
  /** The program wants the next piece (a body's next chunk). */
  pull?(): void;
  /** The program gave it up. */
  cancel?(reason: unknown): void;
}

/** An op that a program has asked for. */
export interface Op {
  readonly id: number;
  /** The program wants one more delivery of the body; none is released before. */
  demand(): void;
  /** The program gave it up. Nothing is delivered afterwards. Only the first call counts. */
  cancel(reason?: unknown): void;
  /** The seam has read a request body that was `later`. */
  sent(bytes: Uint8Array): void;
}

/** A session: one recording or one replay, as the seams see it. */
export interface Session {
  /** What it does now: a fork replays first and records afterwards. */
  readonly mode: Mode;
  /** Fills bytes out of a session's own randomness; undefined where the platform's is to be used. */
  readonly random?: ((bytes: Uint8Array) => void) | undefined;
  /** Where a real request for this URL goes, if not there. */
  route?(url: string): string;
  /**
   * A value that the program gets at once. `real` is called by a session that goes live.
   * A replay returns the recorded value; where the tape has none at this place, or one that does not fit what
   * is asked for (bytes of another length), it throws a divergence.
   */
  draw<T>(kind: DrawKind<T>, real: () => T, fits?: (recorded: T) => boolean): T;
  /**
   * Something asynchronous. `handle` gets each delivery in a macrotask of its own. `live` is used only by a
   * session that goes live.
   */
  open(ask: Ask, handle: (delivery: Delivery) => void, live: Live): Op;
  /** The program read an environment variable for the first time; undefined where it is not set. */
  environment(name: string, value: string | undefined): void;
  /** Something crosses the boundary that tracefork does not hold. A replay refuses it. */
  boundary(surface: string, detail: string): void;
  /** True while the platform's own code runs for a real call: patches then pass through. */
  inside(): boolean;
  /** Runs a real call, so that what the platform does in it passes through the patches. */
  runInside<T>(call: () => T): T;
}

/** True when nothing can follow `delivery`: the op is over. */
export function isLast(ask: Ask, delivery: Delivery): boolean {
  switch (delivery.type) {
    case "end":
    case "fail":
      return true;
    case "head":
      return !delivery.hasBody;
    case "sent":
      return ask.type === "timer";
    case "fire":
      return ask.type === "timer" && ask.kind !== "interval";
    default:
      return false;
  }
}

/** One recorded event, as it stands in the file. */
export interface TapeRow {
  readonly type: number;
  /** Microseconds since the run began. */
  readonly at: number;
  readonly body: Uint8Array;
  readonly link: Uint8Array;
}
