/**
 * The part of an instance's linear memory that is not laid out when the module is built, in blocks. A memory can grow
 * but never shrink, so room is used again: a block goes into the first gap that holds it; where none does, the memory
 * grows as long as it stays below `soft` bytes, and from there on the blocks are moved together first.
 */

import { type Exports, instantiate } from "./module.ts";

/** Room in the memory. Its address changes when another block is placed: read it afresh afterwards. */
export interface Block {
  at: number;
  size: number;
}

/** Blocks begin at multiples of it: the loads of the module are fastest when they don't straddle cache lines. */
const ALIGN = 64;

export class Arena {
  readonly wasm: Exports = instantiate();
  /** The whole memory; made anew when it grows. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** By ascending address. */
  readonly #blocks: Block[] = [];
  readonly #start: number;
  readonly #soft: number;

  /** `soft`: bytes beyond which the memory grows only when moving the blocks together doesn't do. */
  constructor(soft: number) {
    this.#start = this.wasm.HEAP.value;
    this.#soft = soft;
    this.#look();
  }

  /** Room for `size` bytes, not cleared. Throws RangeError when the memory doesn't suffice. */
  place(size: number): Block {
    const block: Block = { at: this.#start, size };
    const blocks = this.#blocks;
    let index = 0;
    for (; index < blocks.length; index++) {
      const next = blocks[index]!;
      if (block.at + size <= next.at) break;
      block.at = endOf(next);
    }
    if (index === blocks.length) {
      if (block.at + size > this.#soft) block.at = this.#compact();
      this.#reach(block.at + size);
    }
    blocks.splice(index, 0, block);
    return block;
  }

  /**
   * Makes `block` smaller or larger; what it holds stays, but may move. Throws RangeError when the memory doesn't
   * suffice; then the block is as it was.
   */
  resize(block: Block, size: number): void {
    const next = this.#blocks[this.#blocks.indexOf(block) + 1];
    if (size > block.size) {
      if (next === undefined) this.#reach(block.at + size);
      else if (block.at + size > next.at) {
        const wider = this.place(size);
        this.bytes.copyWithin(wider.at, block.at, block.at + block.size);
        this.free(block);
        this.#blocks[this.#blocks.indexOf(wider)] = block;
        block.at = wider.at;
      }
    }
    block.size = size;
  }

  free(block: Block): void {
    this.#blocks.splice(this.#blocks.indexOf(block), 1);
  }

  /** Moves all blocks to the front; returns where the last one ends. */
  #compact(): number {
    let at = this.#start;
    for (const block of this.#blocks) {
      this.bytes.copyWithin(at, block.at, block.at + block.size);
      block.at = at;
      at = endOf(block);
    }
    return at;
  }

  #reach(end: number): void {
    if (end <= this.bytes.length) return;
    // Growing bodies would otherwise have the memory grow, and its view made anew, every few loads.
    if (this.wasm.reserve(end + (end >>> 3)) === 0 && this.wasm.reserve(end) === 0) {
      throw new RangeError(`Cannot load a body: it takes the memory to ${end} bytes, and there is no more`);
    }
    this.#look();
  }

  #look(): void {
    this.bytes = new Uint8Array(this.wasm.memory.buffer as ArrayBuffer);
  }
}

function endOf(block: Block): number {
  return Math.ceil((block.at + block.size) / ALIGN) * ALIGN;
}
