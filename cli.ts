/** The command line program. */

import process from "node:process";
import { createInterface } from "node:readline/promises";
import { main } from "./core/commands/main.ts";

function colours(stream: { isTTY?: boolean }): boolean {
  if (process.env.FORCE_COLOR) return true;
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}

async function ask(question: string): Promise<string> {
  const line = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await line.question(question);
  } finally {
    line.close();
  }
}

const code = await main(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  out: (text) => void process.stdout.write(text),
  outBytes: (bytes) => void process.stdout.write(bytes),
  note: (text) => void process.stderr.write(text),
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  outIsTerminal: process.stdout.isTTY === true,
  noteIsTerminal: process.stderr.isTTY === true,
  colour: colours(process.stdout),
});
// Not `process.exit`: what was written to a pipe must get out first.
process.exitCode = code;
process.stdin.unref?.();
