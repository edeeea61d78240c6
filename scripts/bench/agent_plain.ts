/**
 * A bench agent that draws nothing itself, for the size of what is recorded: exchanges, or COUNT times a timer
 * or nothing, with a clock draw or without.
 *
 *   agent_plain.ts COUNT json|sse SERVER
 *   agent_plain.ts COUNT [timer] [draw]
 */

import process from "node:process";
import { exchange } from "./exchange.ts";
import { conversation } from "./texts.ts";

const [count, first = "", second = ""] = process.argv.slice(2);
if (first === "json" || first === "sse") {
  for (const body of conversation(Number(count))) await exchange(second, first, body);
} else {
  const what = [first, second];
  let sink = 0;
  for (let i = 0; i < Number(count); i++) {
    if (what.includes("draw")) sink += Date.now();
    if (what.includes("timer")) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  process.exitCode = sink < 0 ? 1 : 0;
}
