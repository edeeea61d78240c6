/**
 * A random agent: `ORIGIN=<url> agent.mjs <seed> [size] [--drop=id,id,…] [--print]`. Generates the program of
 * the seed and runs it on Deno, Bun or Node as it is, printing a line for everything that happens, in order:
 * lane, statement, event. `--drop` leaves statements out, so that a failing seed can be shrunk by hand or by a
 * loop; `--print` shows the program instead of running it. Ends by itself within about 1.5 s, by design with any
 * exit code, by `process.exit` in the middle, or with an uncaught error.
 */

import process from "node:process";
import { generateProgram } from "./generate.mjs";
import { runProgram } from "./interpret.mjs";
import { createWorld, mainLane } from "./world.mjs";

const flags = process.argv.slice(2).filter((arg) => arg.startsWith("--"));
const [seed, size] = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const drop = flags.find((flag) => flag.startsWith("--drop="))?.slice(7).split(",").map(Number) ?? [];

if (seed === undefined || !process.env.ORIGIN && !flags.includes("--print")) {
  console.error("usage: ORIGIN=<url> agent.mjs <seed> [size] [--drop=id,…] [--print]");
  process.exit(2);
}

const program = generateProgram(Number(seed), size === undefined ? undefined : Number(size));
if (flags.includes("--print")) {
  console.log(JSON.stringify(program, null, 2));
} else {
  // Not awaited: a top-level await that never settles has an exit code of its own on Node.
  runProgram(program, mainLane(createWorld(process.env.ORIGIN ?? "", new Set(drop))));
}
