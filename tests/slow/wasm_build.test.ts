/** The committed WASM module is what its sources compile to, and compiling twice gives the same bytes. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildWasm, committedWasmSourceHash, wasmSourceHash } from "../../scripts/build_wasm.ts";

test("build:wasm: two builds and the committed file are the same, byte for byte", async () => {
  const [first, second] = [await buildWasm(), await buildWasm()];
  assert.equal(first, second);
  assert.equal(readFileSync(new URL("../../wasm/core_generated.ts", import.meta.url), "utf8"), first);
});

test("build:wasm: the committed source hash is the sources' own", () => {
  assert.match(wasmSourceHash(), /^[0-9a-f]{64}$/);
  assert.equal(committedWasmSourceHash(), wasmSourceHash());
});
