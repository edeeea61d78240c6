/**
 * The whole gate: format, lint, types, the tree's own rules, and the tests on Deno, Bun and Node. It stops at the
 * first step that fails, with that step's exit code.
 *
 *   deno task ok [--slow]
 */

import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const STEPS: readonly (readonly string[])[] = [
  ["fmt", "--check"],
  ["lint"],
  // The whole of core, for the preload is reached from no entry: it is bundled.
  ["check", "--quiet", "cli.ts", "mod.ts", "core", "wasm", "scripts", "tests"],
  ["run", "-A", "scripts/check.ts"],
  ["run", "-A", "scripts/test.ts", ...process.argv.slice(2)],
];

function main(): number {
  for (const step of STEPS) {
    console.log(`\n> deno ${step.join(" ")}`);
    const { status, signal, error } = spawnSync(process.execPath, step, { cwd: ROOT, stdio: "inherit" });
    if (error !== undefined) throw error;
    if (status !== 0) {
      console.error(`\nnot ok: \`deno ${step.join(" ")}\` ended with ${signal ?? `code ${status}`}`);
      return status ?? 1;
    }
  }
  console.log("\nok");
  return 0;
}

process.exitCode = main();
