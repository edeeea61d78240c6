/** Delays of timers, as all seams of timers take them. */

/** The longest delay that the platforms take, in milliseconds. */
export const FOREVER = 2 ** 31 - 1;

/** What a delay becomes by the platform's own coercion, as far as it matters for a tape. */
export function asDelay(delay: unknown): number {
  const value = Number(delay);
  return Number.isFinite(value) ? value : 0;
}
