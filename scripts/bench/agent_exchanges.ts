/**
 * A bench agent: sends requests one after the other and reads each answer whole, in blocks that the server
 * interleaves with those of the other agents. Prints its times as JSON.
 *
 *   agent_exchanges.ts SERVER NAME json|sse WARM_UP COUNT BLOCK
 */

import process from "node:process";
import { exchange } from "./exchange.ts";
import { CLOCK } from "./own_clock.ts";
import { conversation } from "./texts.ts";

const [server, name, kind, ...numbers] = process.argv.slice(2) as [string, string, string, ...string[]];
const [warmUp, count, block] = numbers.map(Number) as [number, number, number];

/** Microseconds of each exchange. */
const times: number[] = [];
/** Microseconds of processor time of whole blocks; what a recorder does after an exchange is in it. */
let cpu = 0;
let chunks = 0;
let from = 0;
const bodies = conversation(warmUp + count);
for (let at = 0; at < bodies.length;) {
  await (await fetch(`${server}/turn/${name}`)).text();
  if (at === warmUp) from = CLOCK.monotonic();
  const cpuBefore = CLOCK.cpu();
  const counts = at >= warmUp;
  for (const end = Math.min(at + block, bodies.length); at < end; at++) {
    const before = CLOCK.now();
    const read = await exchange(server, kind, bodies[at]!);
    if (!counts) continue;
    times.push((CLOCK.now() - before) * 1000);
    chunks += read;
  }
  if (counts) cpu += CLOCK.cpu() - cpuBefore;
}
const to = CLOCK.monotonic();
await (await fetch(`${server}/done/${name}`)).text();
console.log(JSON.stringify({ times, cpu: cpu / count, chunks: chunks / count, window: [from, to] }));
