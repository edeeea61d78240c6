/** The command line program. */

import process from "node:process";
import { main } from "./core/commands/main.ts";

function colours(stream: { isTTY?: boolean }): boolean {
  if (process.env.FORCE_COLOR) return true;
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}

const code = await main(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  out: (text) => void process.stdout.write(text),
  outBytes: (bytes) => void process.stdout.write(bytes),
  note: (text) => void process.stderr.write(text),
  outIsTerminal: process.stdout.isTTY === true,
  noteIsTerminal: process.stderr.isTTY === true,
  colour: colours(process.stdout),
});
// Not `process.exit`: what was written to a pipe must get out first.
process.exitCode = code;
process.stdin.unref?.();
