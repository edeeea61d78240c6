/** Progress on a terminal: one line, from a fifth of a second on, taken away at the end. Elsewhere nothing. */

import type { Io } from "./verb.ts";

const QUIET_MS = 200;
const ERASE = "\r\u001b[K";

/** See the head of this file. */
export class Progress {
  readonly #io: Io;
  readonly #started = performance.now();
  #shown = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /** Says what is being done now. */
  tell(text: string): void {
    if (!this.#io.noteIsTerminal || performance.now() - this.#started < QUIET_MS) return;
    this.#io.note(`${ERASE}tracefork: ${text}`);
    this.#shown = true;
  }

  /** Takes the line away. */
  done(): void {
    if (this.#shown) this.#io.note(ERASE);
    this.#shown = false;
  }
}
