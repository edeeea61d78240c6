/**
 * Pauses that a server can end all at once when it closes, so that no timer outlives it.
 *
 * The platform's timers are taken when this module loads; see `dice.ts` for why.
 */
import type { Dice } from "./dice.ts";

/** Least and most, both included. */
export type Range = readonly [least: number, most: number];

export interface Pauses {
  /** Waits for a drawn number of milliseconds; for 0 not even a turn. */
  drawn(range: Range, dice: Dice): Promise<void>;
  /** Lets everyone who waits go on now, and no one wait again. */
  end(): void;
}

const startTimer = globalThis.setTimeout;
const stopTimer = globalThis.clearTimeout;

export function createPauses(): Pauses {
  const waiting = new Map<ReturnType<typeof setTimeout>, () => void>();
  let ended = false;
  return {
    async drawn([least, most], dice) {
      const milliseconds = dice.int(least, most);
      if (milliseconds === 0 || ended) return;
      await new Promise<void>((resolve) => {
        const timer = startTimer(() => {
          waiting.delete(timer);
          resolve();
        }, milliseconds);
        waiting.set(timer, resolve);
      });
    },
    end() {
      ended = true;
      for (const [timer, resolve] of waiting) {
        stopTimer(timer);
        resolve();
      }
      waiting.clear();
    },
  };
}
