/**
 * What the hot path offers, whoever implements it: wasm/mod.ts (the compiled module) and wasm/ref.ts (plain
 * TypeScript, which defines what is right). Synchronous throughout: a draw can't wait for its hash.
 */

/** SHA-256 and the chain of a tape, and what works on bodies and digests. Digests are 32 bytes and belong to the caller. */
export interface Core {
  /** SHA-256 of `data`; 32 bytes, a fresh Uint8Array that the caller owns. */
  sha256(data: Uint8Array): Uint8Array;
  /** SHA-256 of the UTF-8 of `text`; lone surrogates become U+FFFD, as in TextEncoder. */
  sha256Text(text: string): Uint8Array;
  /**
   * SHA-256 of many messages, four at a time where that is faster: 32 bytes each, one after the other in one fresh
   * array that the caller owns.
   */
  sha256Many(messages: readonly Uint8Array[]): Uint8Array;
  /**
   * The next link of a tape's chain: sha256(link ‖ sha256(event)).
   * Throws RangeError unless `link` has 32 bytes.
   */
  chainNext(link: Uint8Array, event: Uint8Array): Uint8Array;
  /** A streaming hash of the empty message. Any number may live at once; dropping one frees all it had. */
  hasher(): Hasher;
  /**
   * A scanner of growing bodies with a memory of its own. `budget`: bytes of bodies it may remember, 16 MB unless
   * given. `host`: the host's own SHA-256, for large bodies of which little is known; without it they take WASM's time.
   */
  scanner(budget?: number, host?: HostSha256): Scanner;
  /** An empty index with a memory of its own. */
  digestIndex(): DigestIndex;
}

/** SHA-256 of `bytes`, 32 bytes. It must not keep them: they are overwritten later. */
export type HostSha256 = (bytes: Uint8Array) => Uint8Array;

/** A SHA-256 that takes its message piece by piece. */
export interface Hasher {
  /** Appends `data`, which may be reused afterwards. Returns this hasher. */
  update(data: Uint8Array): Hasher;
  /** The digest of everything so far, 32 bytes. Ends nothing: more updates may follow. */
  digest(): Uint8Array;
  /** A snapshot from which `restore` goes on, of any hasher of any Core; see midstate.ts for its bytes. */
  save(): Uint8Array;
  /** Forgets what it has and goes on from `midstate`. Throws RangeError on malformed bytes. Returns this hasher. */
  restore(midstate: Uint8Array): Hasher;
}

/**
 * Takes bodies one after another; what a body shares with an earlier one is neither hashed nor cut again.
 *
 * The chunks of a body. Let h(e) be the sum of gear[b[e - 1 - i]] · 2^i over i from 0 to 31, modulo 2^32: a hash of
 * the 32 bytes before e. gear[x] is the first four bytes, big-endian, of the SHA-256 of the one byte x. The chunk that
 * begins at s ends at the first e of these:
 *
 *   s + 512 ≤ e < s + 2048     with h(e) < 2^19
 *   s + 2048 ≤ e < s + 8192    with h(e) < 2^23
 *   s + 8192, or the body's end where that comes first
 *
 * So chunks have 512 to 8,192 bytes, about 2,300 on average; only the last may be shorter. Where one ends depends on
 * its own bytes alone: after an insertion the cuts fall into step again within a few chunks.
 */
export interface Scanner {
  /**
   * Takes `body` in, text as UTF-8 with U+FFFD for lone surrogates, and finds the remembered body with which it
   * shares the longest prefix. The body that was loaded before is dropped unless it was remembered. A body larger than
   * the budget is compared with none. Throws RangeError when the memory doesn't suffice (1 GB in all); then an empty
   * body is loaded, as at the beginning. `body` must not be a view of this scanner's.
   */
  load(body: Uint8Array | string): void;
  /** Bytes of the loaded body. */
  readonly size: number;
  /** How many leading bytes it shares with `base`. */
  readonly shared: number;
  /** The id of the remembered body that it shares them with; undefined when `shared` is 0. Of equals, the last used. */
  readonly base: number | undefined;
  /** The loaded body's bytes from `from` to `to` (exclusive); a view, valid until the next call on this scanner. */
  view(from?: number, to?: number): Uint8Array;
  /** SHA-256 of the whole loaded body, 32 bytes; resumed within what it shares with its base. */
  digest(): Uint8Array;
  /** Where the loaded body's chunks end. */
  cut(): Cut;
  /** SHA-256 of the chunks from number `first` on, 32 bytes each. Throws RangeError when `first` is beyond their count. */
  chunkDigests(first: number): Uint8Array;
  /**
   * Keeps the loaded body for later ones. What has to go for it, in this order: its base, if it shares with it all of
   * the base's chunks but the last and half of its bytes, for then it takes the base's place; and those not used for the longest time, until
   * at most 16 bodies of `budget` bytes together are left. To be remembered or to be a base is to be used.
   * A second call for the same body changes nothing.
   */
  remember(): Remembered;
}

export interface Cut {
  /** Byte offsets where chunks end (exclusive), ascending; the last is the body's size. Empty for an empty body. */
  readonly ends: Uint32Array;
  /** How many of them, from the first on, are those of the base too. */
  readonly reused: number;
}

export interface Remembered {
  /** The body's id; undefined for one larger than the budget. Ids ascend and never recur. */
  readonly id: number | undefined;
  /** The ids of those that were given up for it. */
  readonly dropped: readonly number[];
}

/**
 * A table from 32-byte digests to numbers, for two uses that don't see each other: as a map (`get`, `set`), and as
 * queues, one for each digest (`add`, `take`). All but `clear` throw RangeError unless the digest has 32 bytes; `set`
 * and `add` also when the value is not a u32 or the memory doesn't suffice.
 */
export interface DigestIndex {
  /** Values held: one for each digest that was set, and each that was added and not yet taken. */
  readonly size: number;
  get(digest: Uint8Array): number | undefined;
  set(digest: Uint8Array, value: number): void;
  /** Appends `value` to the queue of `digest`. Takes the same time however long the queue. */
  add(digest: Uint8Array, value: number): void;
  /** The value that was added first under `digest` and not yet taken; undefined when none is left. */
  take(digest: Uint8Array): number | undefined;
  /** Forgets everything. */
  clear(): void;
}
