/**
 * Builds wasm/assembly into wasm/core_generated.ts with the pinned AssemblyScript: the same bytes every time.
 *
 *   deno task build:wasm            build and write
 *   deno task build:wasm --check    exit 1 when the committed file is stale; compares hashes, compiles nothing
 *
 * It can't tell a generated file whose code was edited by hand; tests/slow/wasm_build.test.ts rebuilds and compares.
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Buffer } from "node:buffer";
import process from "node:process";

const ROOT = new URL("../", import.meta.url);
const SOURCES = new URL("wasm/assembly/", ROOT);
const GENERATED = new URL("wasm/core_generated.ts", ROOT);

/** The memory may grow to 1 GB, in pages of 64 KB; no runtime, no imports. */
const FLAGS: readonly string[] = [
  ...["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd"],
  ...["--maximumMemory", "16384", "--use", "abort="],
];

/** File names under wasm/assembly with their text, in the order of their names. */
function readSources(): Map<string, string> {
  const names = readdirSync(SOURCES).filter((name) => name.endsWith(".ts")).sort();
  return new Map(names.map((name) => [name, readFileSync(new URL(name, SOURCES), "utf8")]));
}

function pinnedVersion(): string {
  const { imports } = JSON.parse(readFileSync(new URL("deno.json", ROOT), "utf8"));
  const version = /^npm:assemblyscript@(\d+\.\d+\.\d+)$/.exec(imports?.assemblyscript)?.[1];
  if (version === undefined) throw new Error("Cannot build the WASM core: deno.json pins no assemblyscript");
  return version;
}

/** SHA-256, in hex, over all that the compiled module depends on: sources, compiler version and flags. */
export function wasmSourceHash(): string {
  const inputs = [pinnedVersion(), FLAGS, [...readSources()]];
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
}

/** The source hash that the committed generated file carries, or undefined when there is none. */
export function committedWasmSourceHash(): string | undefined {
  try {
    return /SOURCE_HASH: string =\s*"([0-9a-f]{64})"/.exec(readFileSync(GENERATED, "utf8"))?.[1];
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Compiles the sources and returns the text of wasm/core_generated.ts; writes nothing. */
export async function buildWasm(): Promise<string> {
  const { default: asc } = await import("assemblyscript/asc");
  if (asc.version !== pinnedVersion()) {
    throw new Error(`Cannot build the WASM core: assemblyscript is ${asc.version}, need ${pinnedVersion()}`);
  }
  const sources = readSources();
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(["index.ts", "--outFile", "core.wasm", ...FLAGS], {
    readFile: (name: string) => sources.get(name) ?? null,
    writeFile: (_name: string, contents: string | Uint8Array) => {
      if (typeof contents !== "string") binary = contents;
    },
    listFiles: () => [],
  });
  if (error || binary === undefined) {
    throw new Error(`Cannot build the WASM core: ${error?.message ?? "no output"}\n${stderr}`);
  }
  return [
    "// Generated from wasm/assembly by `deno task build:wasm`. Do not edit.",
    "/** SHA-256 over the sources, the compiler's version and its flags. */",
    `export const SOURCE_HASH: string = "${wasmSourceHash()}";`,
    "/** The compiled module. */",
    `export const WASM_BASE64: string = "${Buffer.from(binary).toString("base64")}";`,
    "",
  ].join("\n");
}

async function main(args: readonly string[]): Promise<number> {
  const file = fileURLToPath(GENERATED);
  if (args.includes("--check")) {
    const [have, want] = [committedWasmSourceHash(), wasmSourceHash()];
    if (have === want) return 0;
    console.error(
      `${file} is stale: its source hash is ${have ?? "missing"}, need ${want}; run \`deno task build:wasm\``,
    );
    return 1;
  }
  const text = await buildWasm();
  writeFileSync(GENERATED, text);
  console.log(`${file}: ${text.length} characters, source hash ${wasmSourceHash()}`);
  return 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
