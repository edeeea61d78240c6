/**
 * What the hot path offers, whoever implements it: wasm/mod.ts (the compiled module) and wasm/ref.ts (plain
 * TypeScript, which defines what is right). Synchronous throughout: a draw can't wait for its hash.
 */

/** SHA-256 and the chain of a tape. Digests are 32 bytes and belong to the caller. */
export interface Core {
  /** SHA-256 of `data`; 32 bytes, a fresh Uint8Array that the caller owns. */
  sha256(data: Uint8Array): Uint8Array;
  /** SHA-256 of the UTF-8 of `text`; lone surrogates become U+FFFD, as in TextEncoder. */
  sha256Text(text: string): Uint8Array;
  /**
   * The next link of a tape's chain: sha256(link ‖ sha256(event)).
   * Throws RangeError unless `link` has 32 bytes.
   */
  chainNext(link: Uint8Array, event: Uint8Array): Uint8Array;
  /** A streaming hash of the empty message. Any number may live at once; dropping one frees all it had. */
  hasher(): Hasher;
}

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
