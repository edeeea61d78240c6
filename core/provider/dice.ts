/**
 * Randomness for the embedded model server: ids, pauses, wording and faults all come from one `Dice`.
 *
 * The default dice draw from the platform's crypto, so no two runs of the server are alike. Seeded dice exist for
 * tests that need the same answer twice; they are no source of secrets.
 *
 * The platform's function is taken when this module loads, so that a server which lives in the process that it is
 * recorded in (a test of the library) neither draws from the tape nor appears in it.
 */

/** Where random choices come from. Every method draws at least once. */
export interface Dice {
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean;
  /** One item of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  /** `length` characters of Anthropic's id alphabet (digits and letters that are not mistaken for one another). */
  word(length: number): string;
}

const fillRandom = crypto.getRandomValues.bind(crypto);
const ID_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Dice that no one can repeat. */
export function cryptoDice(): Dice {
  const pool = new Uint32Array(64);
  let next = pool.length;
  return diceFrom(() => {
    if (next === pool.length) {
      fillRandom(pool);
      next = 0;
    }
    return (pool[next++] as number) / 2 ** 32;
  });
}

/** Dice that give the same throws for the same seed, on every runtime. */
export function seededDice(seed: string): Dice {
  // sfc32: small, passes PractRand, and all of its state fits in four words that the seed's hashes fill.
  let a = hash32(seed, 1), b = hash32(seed, 2), c = hash32(seed, 3), counter = 1;
  return diceFrom(() => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum | 0;
    return (sum >>> 0) / 2 ** 32;
  });
}

/** A 32-bit hash of a text (murmur-like); for seeds and checks, never where someone has an interest in a collision. */
export function hash32(text: string, salt: number): number {
  let hash = 0x9e3779b9 ^ salt;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x85ebca6b);
    hash = (hash << 13) | (hash >>> 19);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function diceFrom(unit: () => number): Dice {
  const int = (low: number, high: number): number => low + Math.floor(unit() * (high - low + 1));
  return {
    int,
    chance: (probability) => unit() < probability,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new RangeError("Cannot pick from a list: it is empty");
      return list[int(0, list.length - 1)] as T;
    },
    word(length) {
      let text = "";
      while (text.length < length) text += ID_ALPHABET[int(0, ID_ALPHABET.length - 1)];
      return text;
    },
  };
}
