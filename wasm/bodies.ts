/**
 * Bodies in an arena, each one block: its bytes, then its marks (32 bytes a stride; wasm/assembly/bodies.ts), then the
 * ends of its chunks (u32). They are taken in by steps, so that what is to be done with them finds them in the cache.
 */

import { Arena, type Block } from "./arena.ts";

/** No memory holds a larger body. */
export const LARGEST = 2 ** 30;

/** The smallest chunk but for the last, which bounds how many there can be. */
const SMALLEST_CHUNK = 512;
/** At most so many bytes lie between two marks, which bounds how many there can be. */
const STRIDE = 1024;
/** The module may read that many bytes past a body. */
const READ_PAST = 64;
/**
 * Bytes, or units of text, that are taken in at a time. When a body of 1 MB is in the cache, copying and comparing it by
 * such steps takes two thirds of what it takes to copy all of it first; when it isn't, as long.
 */
const STEP = 524288;

const encoder = new TextEncoder();

export interface Body {
  /** Undefined unless it is remembered. */
  id: number | undefined;
  readonly arena: Arena;
  readonly block: Block;
  readonly size: number;
  /** How many of its marks are there. */
  marks: number;
  /** How many ends are there. */
  ends: number;
  /** Whether they are all of them. */
  isCut: boolean;
  digest: Uint8Array | undefined;
}

/** Called after every step: the first `filled` bytes of the body lie at the beginning of `block`. */
export type OnStep = (block: Block, filled: number) => void;

/** An arena for bodies of up to `budget` bytes in all and one besides. */
export function openArena(budget: number): Arena {
  return new Arena(2 * extent(budget));
}

/**
 * Takes `body` into `arena`, text as UTF-8; undefined when it has more than `most` bytes.
 * Throws RangeError when the memory doesn't suffice.
 */
export function takeBody(
  arena: Arena,
  body: Uint8Array | string,
  most: number,
  onStep: OnStep,
): Body | undefined {
  if (body.length > most) return undefined;
  if (typeof body === "string") return takeText(arena, body, most, onStep);
  const block = arena.place(extent(body.length));
  for (let at = 0; at < body.length; at += STEP) {
    const end = Math.min(at + STEP, body.length);
    arena.bytes.set(body.subarray(at, end), block.at + at);
    onStep(block, end);
  }
  return bodyOf(arena, block, body.length);
}

function takeText(arena: Arena, text: string, most: number, onStep: OnStep): Body | undefined {
  // Most bodies are nearly all ASCII. Where one isn't, what was read so far tells how much the rest will take.
  const guess = Math.min(text.length + (text.length >>> 4), most) + 64;
  const block = arena.place(extent(guess));
  try {
    const size = encode(arena, block, guess, text, most, onStep);
    if (size !== undefined) {
      arena.resize(block, extent(size));
      return bodyOf(arena, block, size);
    }
  } catch (error) {
    arena.free(block);
    throw error;
  }
  arena.free(block);
  return undefined;
}

/** Writes `text` to `block`, which has room for `capacity` bytes of it; its size, or undefined beyond `most`. */
function encode(
  arena: Arena,
  block: Block,
  capacity: number,
  text: string,
  most: number,
  onStep: OnStep,
): number | undefined {
  let [units, size] = [0, 0];
  while (units < text.length) {
    let end = Math.min(units + STEP, text.length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--;
    const room = arena.bytes.subarray(block.at + size, block.at + capacity);
    const { read, written } = encoder.encodeInto(text.slice(units, end), room);
    units += read;
    size += written;
    const rest = text.length - units;
    if (size + rest > most) return undefined;
    if (units < end) {
      capacity = Math.min(Math.ceil(size + rest * (size / units) * 1.0625), most) + 64;
      arena.resize(block, extent(capacity));
    }
    onStep(block, size);
  }
  return size;
}

function bodyOf(arena: Arena, block: Block, size: number): Body {
  return { id: undefined, arena, block, size, marks: 0, ends: 0, isCut: false, digest: undefined };
}

function padded(size: number): number {
  return Math.ceil(size / 64) * 64;
}

/** Bytes that a body of `size` bytes takes with all that belongs to it. */
function extent(size: number): number {
  const marks = Math.floor(size / STRIDE) * 32;
  return padded(size) + marks + (Math.floor(size / SMALLEST_CHUNK) + 1) * 4 + READ_PAST;
}

/** The address of a body's marks. */
export function marksAt(body: Body): number {
  return body.block.at + padded(body.size);
}

/** The ends that are there; a view, valid until the arena's next `place` or `resize`. */
export function endsOf(body: Body): Uint32Array<ArrayBuffer> {
  const at = marksAt(body) + Math.floor(body.size / STRIDE) * 32;
  return new Uint32Array(body.arena.bytes.buffer, at, body.ends);
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}
