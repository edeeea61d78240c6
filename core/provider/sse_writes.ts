/**
 * Cuts a streamed answer into the writes that it goes out with, the way that networks do it: mostly an event a
 * write, sometimes several in one, sometimes one over several, and then also inside a UTF-8 character.
 *
 * The cuts are those of the sender. What a client reads may be joined again by the kernel when writes follow one
 * another closely.
 */
import type { Dice } from "./dice.ts";

/** The writes, in order; joined they are the joined events. */
export function cutIntoWrites(events: readonly string[], dice: Dice): Uint8Array[] {
  const encoder = new TextEncoder();
  const writes: Uint8Array[] = [];
  for (let at = 0; at < events.length;) {
    const joined = dice.chance(0.2) ? dice.int(2, 4) : 1;
    const bytes = encoder.encode(events.slice(at, at + joined).join(""));
    at += joined;
    const cuts = dice.chance(0.2) ? cutsIn(bytes, dice) : [];
    let from = 0;
    for (const cut of [...cuts, bytes.length]) {
      writes.push(bytes.subarray(from, cut));
      from = cut;
    }
  }
  return writes;
}

/** One to three places to cut at, ascending, neither at the start nor at the end. */
function cutsIn(bytes: Uint8Array, dice: Dice): number[] {
  const inside: number[] = [];
  // A byte 10xxxxxx continues a character: a cut before it is a cut inside.
  bytes.forEach((byte, i) => (byte & 0xc0) === 0x80 && inside.push(i));
  const cuts = new Set<number>();
  const wanted = dice.int(1, 3);
  for (let i = 0; i < wanted; i++) {
    cuts.add(inside.length > 0 && dice.chance(0.7) ? dice.pick(inside) : dice.int(1, bytes.length - 1));
  }
  return [...cuts].sort((a, b) => a - b);
}
