/**
 * Hands things to the program one macrotask at a time. Record and replay share it, so that what a program
 * can see of a hand-over (its stack, what has settled before) is the same in both.
 */

import type { Delivery } from "./session.ts";

/** The platform's own `setImmediate`, taken before it was patched. */
export type SetImmediate = (callback: () => void) => unknown;

/**
 * What a turn does: prepares (logs, moves on) and returns what to hand to the program, which is then called
 * from here, so that its stack shows the same frames in every mode.
 */
export type Entry = () => { handle(delivery: Delivery): void; delivery: Delivery } | undefined;

/** A queue of which each entry runs in a macrotask of its own, with microtasks drained in between. */
export class Turns {
  readonly #setImmediate: SetImmediate;
  readonly #before: () => void;
  readonly #queue: Entry[] = [];
  #head = 0;
  #scheduled = false;
  #paused = false;

  /** `before` is called at the beginning of each turn. */
  constructor(setImmediate: SetImmediate, before: () => void = () => {}) {
    this.#setImmediate = setImmediate;
    this.#before = before;
  }

  /** Runs `entry` in a turn of its own, after everything that was added before. */
  add(entry: Entry): void {
    this.#queue.push(entry);
    if (!this.#scheduled) this.#schedule();
  }

  /** Nothing is handed over until `resume`: the program is ending, most likely. */
  pause(): void {
    this.#paused = true;
  }

  /** The program goes on. */
  resume(): void {
    this.#paused = false;
    if (!this.#scheduled && this.#queue.length > 0) this.#schedule();
  }

  #schedule(): void {
    this.#scheduled = true;
    this.#setImmediate(this.#turn);
  }

  // An entry may throw: that is the program's own uncaught exception, and the rest of the queue goes on if
  // the program survives it. So the next turn is asked for before the entry runs.
  readonly #turn = (): void => {
    if (this.#paused) {
      this.#scheduled = false;
      return;
    }
    this.#before();
    const entry = this.#queue[this.#head++];
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
      this.#scheduled = false;
    } else {
      if (this.#head > 1024) this.#queue.splice(0, this.#head), this.#head = 0;
      this.#schedule();
    }
    const turn = entry?.();
    turn?.handle(turn.delivery);
  };
}
