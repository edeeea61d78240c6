/**
 * A bench agent whose conversation grows by 2.5 KB at every step and is sent whole each time, as agents do. Prints
 * its times as JSON.
 *
 *   agent_growth.ts SERVER NAME STEPS BLOCK
 */

import process from "node:process";
import { exchange } from "./exchange.ts";
import { CLOCK } from "./own_clock.ts";
import { growing } from "./texts.ts";

const [server, name, ...numbers] = process.argv.slice(2) as [string, string, ...string[]];
const [steps, block] = numbers.map(Number) as [number, number];

/** Microseconds of each step. */
const times: number[] = [];
/** Bytes of request bodies so far. */
let bytes = 0;
let memory = 0;
const bodies = growing(steps);
for (let at = 0; at < steps;) {
  await (await fetch(`${server}/turn/${name}`)).text();
  for (const end = Math.min(at + block, steps); at < end; at++) {
    const body = bodies.next().value!;
    bytes += body.length;
    const before = CLOCK.now();
    await exchange(server, "short", body);
    times.push((CLOCK.now() - before) * 1000);
  }
  memory = Math.max(memory, process.memoryUsage.rss());
}
await (await fetch(`${server}/done/${name}`)).text();
console.log(JSON.stringify({ times, bytes, memory }));
