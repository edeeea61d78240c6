/** Numbers out of samples, and how they are written. */

/** Median; of an even number the upper one of the two in the middle. */
export function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? NaN;
}

/** A number as a reader wants it: no digits that mean nothing. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const digits = Math.abs(value) < 10 ? 1 : 0;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** How many times as long, such as `3.2×`. */
export function ratio(value: number, base: number): string {
  const times = value / base;
  return base > 0 ? `${times.toFixed(times < 0.1 ? 2 : times < 10 ? 1 : 0)}×` : "-";
}
