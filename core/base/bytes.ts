/**
 * Reading and writing the primitives of every canonical encoding: LEB128 varints, length-prefixed bytes and
 * text, raw digests. Knows nothing of what it encodes. Integers are limited to 2^53 - 1, as JavaScript's are.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text of UTF-8 `bytes`; invalid sequences become U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** True when both hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** `bytes` with every `from` replaced, so that what stands around (half a character, binary data) stays as it is. */
export function replaceBytes(bytes: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (
    let i = bytes.indexOf(from[0]!);
    i >= 0 && i + from.length <= bytes.length;
    i = bytes.indexOf(from[0]!, i)
  ) {
    let same = 1;
    while (same < from.length && bytes[i + same] === from[same]) same++;
    if (same === from.length) {
      parts.push(bytes.subarray(at, i), to);
      i += from.length;
      at = i;
    } else i++;
  }
  if (parts.length === 0) return bytes;
  parts.push(bytes.subarray(at));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** An append-only byte buffer that grows by doubling. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  #room(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  u8(value: number): this {
    this.#room(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  f64(value: number): this {
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  /** Unsigned integer below 2^53, LEB128. */
  varint(value: number): this {
    this.#room(8);
    while (value >= 0x80) {
      this.#bytes[this.#length++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** Signed integer of at most 52 bits: zigzag, then LEB128. */
  zigzag(value: number): this {
    return this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Length, then bytes. */
  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes);
  }

  /** Length in UTF-8 bytes, then the bytes. */
  text(text: string): this {
    if (text.length > 42) return this.bytes(encoder.encode(text));
    // A short text takes at most 3 bytes a unit: its length fits into one byte, and it is written in place.
    this.#room(1 + text.length * 3);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#length + 1));
    this.#bytes[this.#length] = written;
    this.#length += 1 + written;
    return this;
  }

  /** What was written so far, as a view that the next write may invalidate. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written so far. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Forgets everything written. */
  reset(): void {
    this.#length = 0;
  }
}

/** Reads what `Writer` wrote; throws a RangeError beyond the end. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#at;
  }

  #need(count: number): void {
    if (this.#at + count > this.#bytes.length) {
      throw new RangeError(`Cannot read ${count} bytes at ${this.#at}: there are ${this.#bytes.length}`);
    }
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  f64(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new RangeError("Cannot read a varint: it is longer than 8 bytes");
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(count: number): Uint8Array {
    this.#need(count);
    const bytes = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return bytes;
  }

  bytes(): Uint8Array {
    return this.raw(this.varint());
  }

  text(): string {
    return fromUtf8(this.bytes());
  }
}

/** A reader that passes over texts, which then read as empty: for whoever wants the rest. */
export class TextlessReader extends Reader {
  override text(): string {
    this.bytes();
    return "";
  }
}
