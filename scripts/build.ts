/**
 * Makes the generated files from their sources: the WASM core when it is stale, the preload always. With
 * `--binary` also the single executable `dist/tracefork`, for this machine's system and processor.
 *
 *   deno task build [--binary]
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildPreload, preloadIsFresh } from "./build_preload.ts";
import { buildWasm, committedWasmSourceHash, wasmSourceHash } from "./build_wasm.ts";
import { runtimes } from "./runtimes.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const WASM = "wasm/core_generated.ts";
const PRELOAD = "core/launch/preload_generated.ts";
const BINARY = "dist/tracefork";

function say(file: string, what: string): void {
  const kilobytes = (statSync(join(ROOT, file)).size / 1000).toLocaleString("en", {
    maximumFractionDigits: 0,
  });
  console.log(`${file.padEnd(34)} ${kilobytes.padStart(8)} kB  ${what}`);
}

async function buildBinary(): Promise<void> {
  const { bun } = await runtimes();
  mkdirSync(join(ROOT, dirname(BINARY)), { recursive: true });
  const args = ["build", "--compile", "cli.ts", "--outfile", BINARY];
  const { status, stdout, stderr, error } = spawnSync(bun, args, { cwd: ROOT, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) {
    throw new Error(`Cannot build ${BINARY}: bun ended with code ${status}\n${stdout}${stderr}`);
  }
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--binary");
  if (unknown !== undefined) {
    console.error(`Cannot build: ${unknown} is unknown; there is --binary`);
    return 2;
  }
  // The preload holds the WASM core, so the core comes first.
  const staleWasm = committedWasmSourceHash() !== wasmSourceHash();
  if (staleWasm) writeFileSync(join(ROOT, WASM), await buildWasm());
  say(WASM, staleWasm ? "built" : "fresh");
  const stalePreload = !await preloadIsFresh();
  await buildPreload();
  say(PRELOAD, stalePreload ? "built" : "built, from the same sources as before");
  if (args.includes("--binary")) {
    await buildBinary();
    say(BINARY, "built");
  }
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
