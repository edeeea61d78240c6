/** What the tests of the WASM core share: the Cores that must agree, an oracle, and bodies to feed them. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { toHex } from "../../core/base/hex.ts";
import type { Core, Remembered, Scanner } from "../../wasm/core.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { createRefCore } from "../../wasm/ref.ts";

export const wasm = createWasmCore();
export const ref = createRefCore();
export const cores: readonly (readonly [string, Core])[] = [["wasm", wasm], ["ref", ref]];

/** SHA-256 by node:crypto, in hex. */
export function oracle(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** The host's SHA-256 as a scanner takes it. */
export function hostSha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** Bytes without a short period, the same in every run. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let x = seed;
  for (let i = 0; i < length; i++) bytes[i] = (x = Math.imul(x, 1664525) + 1013904223 | 0) >>> 24;
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Every 32 bytes in hex. */
export function digestsOf(bytes: Uint8Array): string[] {
  return Array.from({ length: bytes.length / 32 }, (_, i) => toHex(bytes.subarray(i * 32, i * 32 + 32)));
}

/** The chunks of a body by its ends. */
export function chunksOf(body: Uint8Array, ends: Uint32Array): Uint8Array[] {
  return Array.from(ends, (end, i) => body.subarray(ends[i - 1] ?? 0, end));
}

/**
 * Loads `body` and holds all that the scanner says of it against the body itself and against a scanner that has seen
 * no other. Returns what there is to compare with another scanner that has seen the same bodies.
 */
export function checkLoad(scanner: Scanner, body: Uint8Array | string, fresh: Scanner): Loaded {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  scanner.load(body);
  const { size, shared, base } = scanner;
  assert.equal(size, bytes.length);
  assert.equal(base === undefined, shared === 0);
  assert.equal(toHex(scanner.digest()), oracle(bytes), "the digest");
  assert.equal(oracle(scanner.view()), oracle(bytes), "the bytes");
  const { ends, reused } = scanner.cut();
  fresh.load(bytes);
  assert.deepEqual(ends, fresh.cut().ends, "the ends are those of a scanner that knows nothing");
  assert.ok(
    reused <= ends.length && (reused === 0 || ends[reused - 1]! <= shared),
    "what is reused is shared",
  );
  const chunks = chunksOf(bytes, ends);
  assert.equal(chunks.reduce((sum, chunk) => sum + chunk.length, 0), size, "the chunks are the body");
  assert.deepEqual(
    digestsOf(scanner.chunkDigests(reused)),
    chunks.slice(reused).map((chunk) => oracle(chunk)),
  );
  return { size, shared, base, reused, ends };
}

export interface Loaded {
  readonly size: number;
  readonly shared: number;
  readonly base: number | undefined;
  readonly reused: number;
  readonly ends: Uint32Array;
}

/** What a scanner says when it loads `body` and remembers it. */
export function loadAndRemember(scanner: Scanner, body: Uint8Array | string): Remembered {
  scanner.load(body);
  return scanner.remember();
}
