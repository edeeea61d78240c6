/**
 * The scanner over the compiled module: wasm/assembly/bodies.ts and chunks.ts. The bodies that it remembers lie in an
 * arena of its own. A body larger than the budget gets an instance for itself alone, so that its memory goes with it.
 */

import type { Arena, Block } from "./arena.ts";
import { type Body, endsOf, LARGEST, marksAt, openArena, takeBody } from "./bodies.ts";
import type { Cut, HostSha256, Remembered, Scanner } from "./core.ts";

/** Bytes of bodies that a scanner remembers unless told otherwise. */
export const DEFAULT_BUDGET = 16 * 1024 * 1024;
/** How many bodies it remembers at most. */
export const MOST_BODIES = 16;

/** From this many new bytes on the host may be asked: below, a call into it costs more than the bytes. */
const HOST_FROM = 4096;
/** How many bytes the host hashes while WASM hashes one: 3.3 to 4 in V8, 4.5 in JavaScriptCore. */
const HOST_RATIO = 4;

const NOTHING = new Uint8Array(0);

/** See Core.scanner. */
export function createScanner(budget: number = DEFAULT_BUDGET, host?: HostSha256): Scanner {
  return new WasmScanner(budget, host);
}

class WasmScanner implements Scanner {
  readonly #budget: number;
  readonly #host: HostSha256 | undefined;
  readonly #arena: Arena;
  /** For a body larger than the budget; dropped, and its memory with it, when a smaller one comes. */
  #oversize: Arena | undefined;
  /** Least recently used first. */
  readonly #kept: Body[] = [];
  #body: Body;
  #shared = 0;
  #base: Body | undefined;
  /** Whether no other body can share more, whatever is still to come of the loaded one. */
  #settled = false;
  /** How many of the base's ends, its last one not counted, lie within what the body shares with it. */
  #inherited = 0;
  /** How many of its ends, the last one too, are the body's: known once that is cut. */
  #reused = 0;
  #lastId = 0;

  constructor(budget: number, host: HostSha256 | undefined) {
    this.#budget = Math.min(budget, LARGEST);
    this.#host = host;
    this.#arena = openArena(this.#budget);
    this.#body = this.#take(NOTHING);
  }

  get size(): number {
    return this.#body.size;
  }

  get shared(): number {
    return this.#shared;
  }

  get base(): number | undefined {
    return this.#base?.id;
  }

  load(body: Uint8Array | string): void {
    const last = this.#body;
    if (last.id === undefined) last.arena.free(last.block);
    this.#forgetBase();
    try {
      this.#body = this.#take(body);
    } catch (error) {
      this.#forgetBase();
      this.#body = this.#take(NOTHING);
      throw error;
    }
    if (this.#base !== undefined) this.#inherit(this.#body, this.#base);
  }

  view(from?: number, to?: number): Uint8Array {
    const { arena, block, size } = this.#body;
    return arena.bytes.subarray(block.at, block.at + size).subarray(from, to);
  }

  digest(): Uint8Array {
    const body = this.#body;
    body.digest ??= this.#hash(body);
    return body.digest.slice();
  }

  cut(): Cut {
    const body = this.#body;
    this.#finishCut(body);
    return { ends: endsOf(body).slice(), reused: this.#reused };
  }

  chunkDigests(first: number): Uint8Array {
    const body = this.#body;
    this.#finishCut(body);
    const { arena: { wasm, bytes }, block, ends: count } = body;
    if (!(Number.isInteger(first) && first >= 0 && first <= count)) {
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
    if (body.size > this.#budget) return { id: undefined, dropped: [] };
    const dropped: number[] = [];
    if (body.id !== undefined) return { id: body.id, dropped };
    this.#finishCut(body);
    const base = this.#base;
    if (base !== undefined && this.#inherited >= base.ends - 1 && 2 * this.#shared >= base.size) {
      dropped.push(this.#forget(base));
    }
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

  #take(body: Uint8Array | string): Body {
    const onStep = (block: Block, filled: number) => this.#follow(block, filled);
    const usual = takeBody(this.#arena, body, this.#budget, onStep);
    if (usual !== undefined) {
      this.#oversize = undefined;
      return usual;
    }
    this.#forgetBase();
    this.#oversize ??= openArena(0);
    const alone = takeBody(this.#oversize, body, LARGEST, () => {});
    if (alone !== undefined) return alone;
    throw new RangeError(`Cannot load a body: it has more than ${LARGEST} bytes, the most a memory holds`);
  }

  #forgetBase(): void {
    this.#base = undefined;
    this.#shared = 0;
    this.#settled = false;
    this.#inherited = 0;
    this.#reused = 0;
  }

  #forget(body: Body): number {
    this.#kept.splice(this.#kept.indexOf(body), 1);
    this.#arena.free(body.block);
    return body.id!;
  }

  /**
   * Follows the base through the bytes that have come in. Where it ends or differs, another takes its place that goes
   * further; when none does, none will, whatever comes.
   */
  #follow(block: Block, filled: number): void {
    const { wasm } = this.#arena;
    while (!this.#settled) {
      const base = this.#base;
      if (base !== undefined) {
        const [at, limit] = [this.#shared, Math.min(filled, base.size)];
        this.#shared += wasm.common(block.at + at, base.block.at + at, limit - at);
        if (this.#shared === filled) return;
      }
      this.#settled = !this.#goFurther(block, filled);
    }
  }

  /** Makes that body the base which shares most, if it is more than now; of equals, the last used. False if none is. */
  #goFurther(block: Block, filled: number): boolean {
    const { wasm, bytes } = this.#arena;
    const before = this.#shared;
    for (let i = this.#kept.length - 1; i >= 0 && this.#shared < filled; i--) {
      const other = this.#kept[i]!;
      const [at, shared] = [other.block.at, this.#shared];
      // One byte puts most of them aside: who differs there can't share more.
      if (other.size <= shared || bytes[at + shared] !== bytes[block.at + shared]) continue;
      const length = wasm.common(block.at, at, Math.min(filled, other.size));
      if (length > shared) [this.#base, this.#shared] = [other, length];
    }
    return this.#shared > before;
  }

  /** Copies what is known of the shared part. The base counts as used. */
  #inherit(body: Body, base: Body): void {
    this.#kept.push(...this.#kept.splice(this.#kept.indexOf(base), 1));
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
