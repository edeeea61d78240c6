/** One lane's draws, for people: unpacked when somebody looks at them. */

import { Reader } from "../base/bytes.ts";
import { messageOf, TraceforkError } from "../base/errors.ts";
import { DRAW_KINDS, newDrawMemo } from "../tape/draws.ts";
import type { DrawsEvent } from "../tape/events.ts";

/** A draw for people. */
export interface ShownDraw {
  /** Such as `clock` or `uuid`. */
  readonly kind: string;
  readonly value: string;
}

/** The error for a part of a tape that can't be read; `why` is a thrown error or text. */
export function damaged(what: string, why: unknown): TraceforkError {
  return new TraceforkError("TF_TAPE_DAMAGED", `Cannot read ${what}: ${messageOf(why)}`, {
    hint: "the tape was changed after it was recorded; `tracefork verify` names every place",
    cause: why,
  });
}

/** A lane's packs. Clocks are deltas to earlier readings, so packs are decoded in their order, once each. */
export class LaneDraws {
  readonly #lane: number;
  readonly #packs: DrawsEvent[] = [];
  readonly #shown: ShownDraw[][] = [];
  readonly #memo = newDrawMemo();

  constructor(lane: number) {
    this.#lane = lane;
  }

  /** Number of packs so far. */
  get length(): number {
    return this.#packs.length;
  }

  add(pack: DrawsEvent): void {
    this.#packs.push(pack);
  }

  /** Draws of the packs from `from` up to and without `to`. @throws TraceforkError TF_TAPE_DAMAGED. */
  shown(from: number, to: number): readonly ShownDraw[] {
    while (this.#shown.length < to) this.#shown.push(this.#decode(this.#packs[this.#shown.length]!));
    return this.#shown.slice(from, to).flat();
  }

  #decode(pack: DrawsEvent): ShownDraw[] {
    const reader = new Reader(pack.data);
    const shown: ShownDraw[] = [];
    try {
      // Not `Array.from`: a changed count must end at the last byte and not in a huge array.
      while (shown.length < pack.count) {
        const code = reader.u8();
        const kind = DRAW_KINDS.get(code);
        if (kind === undefined) throw new RangeError(`draw kind ${code} is unknown`);
        shown.push({ kind: kind.name, value: kind.show(kind.read(reader, this.#memo)) });
      }
    } catch (error) {
      throw damaged(`the draws of lane ${this.#lane}`, error);
    }
    if (!reader.done) throw damaged(`the draws of lane ${this.#lane}`, "bytes are left over");
    return shown;
  }
}
