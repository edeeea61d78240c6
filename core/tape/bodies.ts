/**
 * How a body is kept. A large one is put together of chunks, grouped into lists that later bodies share. Where a list ends
 * depends on its chunks alone, so that bodies with the same chunks in a row have the same lists, whoever wrote
 * them. Pure; `docs/format.md` says the same for other programs.
 */

import { Reader, Writer } from "../base/bytes.ts";

/** A body for whoever keeps it. */
export interface ScannedBody {
  readonly size: number;
  /** The whole body, a copy. May be called until the next body comes. */
  bytes(): Uint8Array;
  /** Where it is large enough: its content-defined chunks. Views are good until the call returns. */
  readonly chunked: {
    /** What the keeper returned for the body with which this one begins. */
    readonly base: unknown;
    view(from: number, to: number): Uint8Array;
    cut(): { readonly ends: Uint32Array; readonly reused: number };
    /** SHA-256 of the chunks from index `from` on, 32 bytes each. */
    digests(from: number): Uint8Array;
  } | undefined;
}

/** A list ends behind a chunk whose digest begins with a byte below this: one in 32. */
const ENDS_BELOW = 8;
/** … or with this many chunks. */
const MOST = 128;

/**
 * Ends of the whole lists among `count` chunks, as indices behind their last chunk. `digests` holds the chunks'
 * SHA-256, 32 bytes each; the search goes on behind the list that ends at `from`. What comes after the last end
 * belongs to no list yet.
 */
export function listEnds(digests: Uint8Array, count: number, from = 0): number[] {
  const ends: number[] = [];
  let start = from;
  for (let i = from; i < count; i++) {
    if (digests[i * 32]! >= ENDS_BELOW && i + 1 - start < MOST) continue;
    ends.push(i + 1);
    start = i + 1;
  }
  return ends;
}

/** What a body's row or a list's row refers to, by the keys of other rows. */
export interface Pieces {
  /** Keys in `lists`, in order. */
  readonly lists: readonly number[];
  /** Keys in `blobs` of the chunks behind the last list, in order. */
  readonly chunks: readonly number[];
}

function writeKeys(to: Writer, keys: readonly number[]): void {
  let last = 0;
  for (const key of keys) {
    to.zigzag(key - last);
    last = key;
  }
}

function readKeys(from: Reader, most = Infinity): number[] {
  const keys: number[] = [];
  let last = 0;
  while (!from.done && keys.length < most) keys.push(last += from.zigzag());
  return keys;
}

/** The `data` of a list: its chunks' keys, each as the difference from the one before. */
export function encodeList(chunks: readonly number[]): Uint8Array {
  const to = new Writer(64);
  writeKeys(to, chunks);
  return to.copy();
}

/** @throws RangeError where `data` is cut off. */
export function decodeList(data: Uint8Array): number[] {
  return readKeys(new Reader(data));
}

/** The `data` of a body: how many lists, their keys, then the keys of the chunks behind them. */
export function encodePieces(pieces: Pieces): Uint8Array {
  const to = new Writer(64).varint(pieces.lists.length);
  writeKeys(to, pieces.lists);
  writeKeys(to, pieces.chunks);
  return to.copy();
}

/** @throws RangeError where `data` is cut off. */
export function decodePieces(data: Uint8Array): Pieces {
  const from = new Reader(data);
  const count = from.varint();
  const lists = readKeys(from, count);
  if (lists.length < count) {
    throw new RangeError(`Cannot read a body's lists: there are ${lists.length}, need ${count}`);
  }
  return { lists, chunks: readKeys(from) };
}
