/**
 * Bytes to hexadecimal text and back, by tables. For digests and other short values: `toHex` of megabytes works,
 * but builds its text piece by piece.
 */

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Value of each ASCII hex digit by its code; 255 for everything else. */
const DIGITS = new Uint8Array(128).fill(255);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  DIGITS[digit.charCodeAt(0)] = value;
  DIGITS[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Two lower-case hex digits for each byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += PAIRS[bytes[i]!];
  return text;
}

/**
 * The bytes that `text` spells, in digits of either case and nothing else.
 * Throws RangeError on an odd number of digits or any other character; the text itself is not repeated.
 */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) {
    throw new RangeError(`Cannot read hex: it has ${text.length} digits, need an even number`);
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = DIGITS[text.charCodeAt(2 * i)] ?? 255;
    const low = DIGITS[text.charCodeAt(2 * i + 1)] ?? 255;
    if ((high | low) > 15) {
      throw new RangeError(
        `Cannot read hex: not a digit at ${high > 15 ? 2 * i : 2 * i + 1}, need 0-9, a-f or A-F`,
      );
    }
    bytes[i] = high << 4 | low;
  }
  return bytes;
}
