/**
 * A seeded source of choices: xoshiro128**, its state filled by splitmix32. The same seed gives the same
 * choices on every runtime, because only 32-bit integer arithmetic is used. Not for secrets.
 */

/** @param {number} seed */
export function seededRandom(seed) {
  let filler = seed >>> 0;
  const fill = () => {
    filler = (filler + 0x9e3779b9) >>> 0;
    let z = filler;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill();

  /** 32 random bits. */
  const next = () => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };

  /** An integer from 0 to `limit - 1`. @param {number} limit */
  const below = (limit) => Math.floor(next() / 0x100000000 * limit);

  return {
    below,
    /** An integer from `low` to `high`, both included. @param {number} low @param {number} high */
    between: (low, high) => low + below(high - low + 1),
    /** True with probability `p`. @param {number} p */
    chance: (p) => next() / 0x100000000 < p,
    /** @template T @param {readonly T[]} list @returns {T} */
    pick: (list) => list[below(list.length)],
    /** One name of a table of weights. @param {readonly (readonly [string, number])[]} table @returns {string} */
    weighted: (table) => {
      let left = next() / 0x100000000 * table.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of table) {
        left -= weight;
        if (left < 0) return name;
      }
      return table[table.length - 1][0];
    },
  };
}
