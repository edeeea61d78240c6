// What the module exports to wasm/mod.ts, which is its only caller and keeps every hasher's state between calls.
// Nothing here checks its arguments: lengths beyond IO_SIZE are the caller's fault.

import { DIGEST, IO, LINK } from "./layout";
import { begin, compress, emit } from "./sha256";

export { DIGEST, IO, IO_SIZE, LINK, STATE } from "./layout";
export { begin } from "./sha256";

/** Takes the first `count` blocks of IO into the chaining value. */
export function blocks(count: u32): void {
  compress(IO, count);
}

/**
 * Ends the message whose last `length` bytes (any number, whole blocks too) lie at IO and that is `total` bytes
 * long in all: pads it and leaves its digest at DIGEST. The chaining value is used up.
 */
export function finish(length: u32, total: f64): void {
  const end = IO + <usize>length;
  const count = (length + 72) >> 6;
  const zero = i32x4.splat(0);
  store<u8>(end, 0x80);
  // At most 63 zeros stand between that byte and the length. Writing 64 blindly costs less than a fill.
  v128.store(end, zero, 1);
  v128.store(end, zero, 17);
  v128.store(end, zero, 33);
  v128.store(end, zero, 49);
  store<u64>(IO + (<usize>count << 6) - 8, bswap<u64>(<u64>total << 3));
  compress(IO, count);
  emit(DIGEST);
}

/** The digest of the `length` bytes at IO. */
export function hash(length: u32): void {
  begin();
  finish(length, <f64>length);
}

/** `finish` for an event, then the next link, sha256(LINK ‖ the event's digest), to DIGEST. */
export function link(length: u32, total: f64): void {
  finish(length, total);
  begin();
  compress(LINK, 2);
  emit(DIGEST);
}
