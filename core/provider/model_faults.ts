/**
 * Decides which requests the embedded model server refuses with 429 or 529.
 *
 * It promises that a client that tries again gets through: no call is refused more than twice in a row. A client
 * that counts its tries in `x-stainless-retry-count` (the official SDKs do) is known by that; of others, the same
 * body is refused at most twice until it has not been refused for a while.
 */
import type { WireError } from "./anthropic_wire.ts";
import type { Dice } from "./dice.ts";

export interface Faults {
  /** The error to send instead of the answer, if it is this request's turn. */
  next(body: string, retryCount: string | string[] | undefined, dice: Dice): WireError | undefined;
}

const FAULTS: readonly WireError[] = [
  {
    type: "rate_limit_error",
    message: "This request would exceed your organization's rate limit. Please try again later.",
  },
  { type: "overloaded_error", message: "Overloaded" },
];
const FORGET_AFTER_MS = 5000;
const now = performance.now.bind(performance);

export function createFaults(rate: number): Faults {
  const refused = new Map<string, { times: number; last: number }>();
  return {
    next(body, retryCount, dice) {
      if (!dice.chance(rate)) return undefined;
      if (retryCount !== undefined) return Number(retryCount) < 2 ? dice.pick(FAULTS) : undefined;
      const time = now();
      for (const [key, entry] of refused) if (time - entry.last > FORGET_AFTER_MS) refused.delete(key);
      const times = refused.get(body)?.times ?? 0;
      if (times >= 2) return undefined;
      refused.set(body, { times: times + 1, last: time });
      return dice.pick(FAULTS);
    },
  };
}
