/**
 * The scanner over the compiled module: wasm/assembly/bodies.ts and chunks.ts. The bodies that it remembers lie in an
 * arena of its own. A body larger than the budget gets an instance for itself alone, so that its memory goes with it.
 */

import { Arena, type Block } from "./arena.ts";
import type { Cut, HostSha256, Remembered, Scanner } from "./core.ts";

/** Bytes of bodies that a scanner remembers unless told otherwise. */
export const DEFAULT_BUDGET = 16 * 1024 * 1024;
/** How many bodies it remembers at most. */
export const MOST_BODIES = 16;

/** No memory holds a larger body. */
const LARGEST = 2 ** 30;
/** The smallest chunk but for the last, which bounds how many there can be. */
const SMALLEST_CHUNK = 512;
/** From this many new bytes on the host may be asked: below, a call into it costs more than the bytes. */
const HOST_FROM = 4096;
/** How many bytes the host hashes while WASM hashes one (docs/performance.md). */
const HOST_RATIO = 3;

const encoder = new TextEncoder();

/** A body in an arena: its bytes, then its marks (32 bytes a stride), then the ends of its chunks (u32). */
interface Body {
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

/** See Core.scanner. */
export function createScanner(budget: number = DEFAULT_BUDGET, host?: HostSha256): Scanner {
  return new WasmScanner(budget, host);
}

class WasmScanner implements Scanner {
  readonly #budget: number;
  readonly #host: HostSha256 | undefined;
  readonly #arena: Arena;
  /** Least recently used first. */
  readonly #kept: Body[] = [];
  #body: Body | undefined;
  #shared = 0;
  #base: Body | undefined;
  #lastId = 0;
  /** What the loaded body has of its base's ends: set once it is cut. */
  #reused = 0;

  constructor(budget: number, host: HostSha256 | undefined) {
    this.#budget = Math.min(budget, LARGEST);
    this.#host = host;
    this.#arena = openArena(this.#budget);
  }

  get size(): number {
    return this.#body?.size ?? 0;
  }

  get shared(): number {
    return this.#shared;
  }

  get base(): number | undefined {
    return this.#base?.id;
  }

  load(body: Uint8Array | string): void {
    this.#unload();
    let taken = body.length <= this.#budget ? take(this.#arena, body, this.#budget) : undefined;
    if (taken !== undefined) this.#findBase(taken);
    else taken = take(openArena(0), body, LARGEST);
    if (taken === undefined) {
      throw new RangeError(`Cannot load a body: it has more than ${LARGEST} bytes, the most a memory holds`);
    }
    this.#body = taken;
    if (this.#base !== undefined) this.#inherit(taken, this.#base);
  }

  view(from?: number, to?: number): Uint8Array {
    const body = this.#body;
    if (body === undefined) return new Uint8Array(0);
    const { arena, block, size } = body;
    return arena.bytes.subarray(block.at, block.at + size).subarray(from, to);
  }

  digest(): Uint8Array {
    const body = this.#loaded();
    body.digest ??= this.#hash(body);
    return body.digest.slice();
  }

  cut(): Cut {
    const body = this.#loaded();
    this.#finishCut(body);
    return { ends: endsOf(body).slice(), reused: this.#reused };
  }

  chunkDigests(first: number): Uint8Array {
    const body = this.#loaded();
    this.#finishCut(body);
    const { arena: { wasm, bytes }, block, ends: count } = body;
    if (!(first >= 0 && first <= count)) {
      throw new RangeError(`Cannot hash chunks: asked from number ${first} on, there are ${count}`);
    }
    const ends = endsOf(body);
    const out = new Uint8Array((count - first) * 32);
    const batch = wasm.BATCH.value;
    for (let at = first; at < count; at += batch) {
      const some = Math.min(batch, count - at);
      wasm.listChunks(block.at, at === 0 ? 0 : ends[at - 1]!, ends.byteOffset + at * 4, some);
      wasm.many(some);
      const digests = wasm.DIGESTS.value;
      out.set(bytes.subarray(digests, digests + some * 32), (at - first) * 32);
    }
    return out;
  }

  remember(): Remembered {
    const body = this.#body;
    if (body === undefined || body.size > this.#budget) return { id: undefined, dropped: [] };
    const dropped: number[] = [];
    if (body.id !== undefined) return { id: body.id, dropped };
    this.#finishCut(body);
    const base = this.#base;
    // What the body has of it covers all of its chunks but the last.
    if (base !== undefined && this.#inherited >= base.ends - 1) dropped.push(this.#forget(base));
    let bytes = body.size;
    for (const other of this.#kept) bytes += other.size;
    while (bytes > this.#budget || this.#kept.length >= MOST_BODIES) {
      bytes -= this.#kept[0]!.size;
      dropped.push(this.#forget(this.#kept[0]!));
    }
    body.id = ++this.#lastId;
    this.#kept.push(body);
    return { id: body.id, dropped };
  }

  /** How many of the base's ends, its last one not counted, lie within what the body shares with it. */
  #inherited = 0;

  #loaded(): Body {
    if (this.#body === undefined) this.load(new Uint8Array(0));
    return this.#body!;
  }

  #unload(): void {
    const body = this.#body;
    if (body !== undefined && body.id === undefined && body.arena === this.#arena) {
      this.#arena.free(body.block);
    }
    this.#body = undefined;
    this.#base = undefined;
    this.#shared = 0;
    this.#inherited = 0;
    this.#reused = 0;
  }

  #forget(body: Body): number {
    this.#kept.splice(this.#kept.indexOf(body), 1);
    this.#arena.free(body.block);
    return body.id!;
  }

  #findBase(body: Body): void {
    const { wasm, bytes } = this.#arena;
    const at = body.block.at;
    let [best, shared] = [-1, 0];
    for (let i = this.#kept.length - 1; i >= 0 && shared < body.size; i--) {
      const other = this.#kept[i]!;
      const otherAt = other.block.at;
      // One that differs where the best so far ends can't share more: most are put aside by one byte.
      if (other.size <= shared || bytes[otherAt + shared] !== bytes[at + shared]) continue;
      const length = wasm.common(at, otherAt, Math.min(body.size, other.size));
      if (length > shared) [best, shared] = [i, length];
    }
    if (best < 0) return;
    this.#shared = shared;
    this.#base = this.#kept[best]!;
    this.#kept.push(...this.#kept.splice(best, 1));
  }

  /** Copies what is known of the shared part. */
  #inherit(body: Body, base: Body): void {
    const { wasm, bytes } = this.#arena;
    body.marks = Math.min(base.marks, Math.floor(this.#shared / wasm.STRIDE.value));
    const marks = marksAt(base);
    bytes.copyWithin(marksAt(body), marks, marks + body.marks * 32);

    const ends = endsOf(base);
    // The last one is where the base's body ended, which need not be where its chunk would have.
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle]! <= this.#shared) low = middle + 1;
      else high = middle;
    }
    this.#inherited = body.ends = low;
    endsOf(body).set(ends.subarray(0, low));
    if (this.#shared === body.size && body.size === base.size) body.digest = base.digest;
  }

  #hash(body: Body): Uint8Array {
    const { arena: { wasm, bytes }, block, size } = body;
    const fresh = size - this.#shared;
    // A body of which much is shared goes through WASM even where the host would be faster this once: that leaves
    // the marks from which the next one that extends it resumes.
    if (this.#host !== undefined && fresh >= HOST_FROM && fresh * HOST_RATIO > size) {
      return this.#host(this.view()).slice();
    }
    body.marks = wasm.digestBody(block.at, size, marksAt(body), body.marks);
    return bytes.slice(wasm.DIGEST.value, wasm.DIGEST.value + 32);
  }

  #finishCut(body: Body): void {
    if (body.isCut) return;
    const { arena: { wasm }, block, size } = body;
    const known = endsOf(body);
    const from = known[known.length - 1] ?? 0;
    body.ends += wasm.cut(block.at, size, from, known.byteOffset + known.byteLength);
    body.isCut = true;
    const base = this.#base;
    const inherited = this.#inherited;
    // The base's last end is reused when the body has a chunk of the same bytes.
    const last = base !== undefined && inherited === base.ends - 1 && base.size <= this.#shared &&
      endsOf(body)[inherited] === base.size;
    this.#reused = inherited + (last ? 1 : 0);
  }
}

function openArena(budget: number): Arena {
  const arena = new Arena(2 * extent(budget));
  arena.wasm.beginChunks();
  return arena;
}

/** Takes `body` into `arena`; undefined when it has more than `most` bytes. */
function take(arena: Arena, body: Uint8Array | string, most: number): Body | undefined {
  if (typeof body === "string") return takeText(arena, body, most);
  if (body.length > most) return undefined;
  const block = arena.place(extent(body.length));
  arena.bytes.set(body, block.at);
  return bodyOf(arena, block, body.length);
}

function takeText(arena: Arena, text: string, most: number): Body | undefined {
  // Most bodies are nearly all ASCII. Where that is wrong, what was read so far tells how much the rest will take.
  let capacity = Math.min(text.length + (text.length >>> 4), most) + 64;
  const block = arena.place(extent(capacity));
  let [units, size] = [0, 0];
  while (true) {
    const room = arena.bytes.subarray(block.at + size, block.at + capacity);
    const { read, written } = encoder.encodeInto(units === 0 ? text : text.slice(units), room);
    units += read;
    size += written;
    const rest = text.length - units;
    if (size + rest > most) {
      arena.free(block);
      return undefined;
    }
    if (rest === 0) break;
    capacity = Math.min(Math.ceil(size + rest * (size / units) * 1.0625), most) + 64;
    arena.resize(block, extent(capacity));
  }
  arena.resize(block, extent(size));
  return bodyOf(arena, block, size);
}

function bodyOf(arena: Arena, block: Block, size: number): Body {
  return { id: undefined, arena, block, size, marks: 0, ends: 0, isCut: false, digest: undefined };
}

function padded(size: number): number {
  return Math.ceil(size / 64) * 64;
}

/** Bytes that a body of `size` bytes takes with all that belongs to it. Marks: at most one for every 1,024 bytes. */
function extent(size: number): number {
  return padded(size) + Math.floor(size / 1024) * 32 + (Math.floor(size / SMALLEST_CHUNK) + 1) * 4;
}

function marksAt(body: Body): number {
  return body.block.at + padded(body.size);
}

function endsOf(body: Body): Uint32Array<ArrayBuffer> {
  const at = marksAt(body) + Math.floor(body.size / 1024) * 32;
  return new Uint32Array(body.arena.bytes.buffer, at, body.ends);
}
