// What the module exports. wasm/module.ts instantiates it; the state of hashers and scanners between two calls is
// theirs. Nothing here checks its arguments: lengths beyond IO_SIZE are the caller's fault.

import { DIGEST, IO, LINK } from "./layout";
import { begin, compress, emit, finish } from "./sha256";

export { common, digestBody, STRIDE } from "./bodies";
export { cut, listChunks } from "./chunks";
export { add, beginIndex, get, KEY, set, take } from "./digest_index";
export { GEAR } from "./gear";
export { many } from "./lanes";
export { BATCH, DIGEST, DIGESTS, HEAP, IO, IO_SIZE, LINK, MESSAGES, reserve, STATE } from "./layout";
export { begin, finish, hash } from "./sha256";

/** Takes the first `count` blocks of IO into the chaining value. */
export function blocks(count: u32): void {
  compress(IO, count);
}

/** `finish` for an event, then the next link, sha256(LINK ‖ the event's digest), to DIGEST. */
export function link(length: u32, total: f64): void {
  finish(length, total);
  begin();
  compress(LINK, 2);
  emit(DIGEST);
}
