/** Sizes and ages, to and from what people write. */

const UNITS = ["bytes", "KB", "MB", "GB", "TB"] as const;

/** Such as `1.2 MB`: powers of 1000. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || Math.abs(value) >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

const SIZES: Readonly<Record<string, number>> = { "": 1, b: 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** Bytes of `500MB`, `1.5g` or `4096`; undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const [, value, unit] = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)b?$/i.exec(text.trim()) ?? [];
  return value === undefined ? undefined : Math.floor(Number(value) * SIZES[unit!.toLowerCase()]!);
}

const AGES: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Microseconds of `30d`, `12h`, `45m` or `2w`; undefined for anything else. */
export function parseAge(text: string): number | undefined {
  const [, value, unit] = /^(\d+(?:\.\d+)?)\s*([mhdw])$/i.exec(text.trim()) ?? [];
  return value === undefined ? undefined : Math.round(Number(value) * AGES[unit!.toLowerCase()]! * 1e6);
}
