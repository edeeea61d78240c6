/**
 * A bench agent: draws each kind of value many times over. Prints nanoseconds a draw, as JSON: by kind, one
 * figure for each round.
 *
 *   agent_draws.ts COUNT ROUNDS
 */

import process from "node:process";
import { CLOCK } from "./own_clock.ts";

const [count, rounds] = process.argv.slice(2).map(Number) as [number, number];
const bytes = new Uint8Array(16);
/** What is drawn goes here, so that no call can be left out. */
let sink = 0;

const LOOPS: Readonly<Record<string, (count: number) => void>> = {
  "Date.now": (n) => {
    for (let i = 0; i < n; i++) sink += Date.now();
  },
  "Math.random": (n) => {
    for (let i = 0; i < n; i++) sink += Math.random();
  },
  "performance.now": (n) => {
    for (let i = 0; i < n; i++) sink += performance.now();
  },
  "process.hrtime.bigint": (n) => {
    for (let i = 0; i < n; i++) sink += process.hrtime.bigint() > 0n ? 1 : 0;
  },
  "crypto.randomUUID": (n) => {
    for (let i = 0; i < n; i++) sink += crypto.randomUUID().length;
  },
  "getRandomValues, 16 B": (n) => {
    for (let i = 0; i < n; i++) sink += crypto.getRandomValues(bytes)[0]!;
  },
};

/** Longer than a recorder's rows wait for their commit. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

const figures: Record<string, number[]> = {};
for (const [name, loop] of Object.entries(LOOPS)) {
  const each = count / rounds;
  loop(Math.min(each, 50_000));
  await pause();
  figures[name] = [];
  for (let round = 0; round < rounds; round++) {
    const before = CLOCK.cpu();
    loop(each);
    await pause();
    figures[name].push((CLOCK.cpu() - before) * 1000 / each);
  }
}
console.log(JSON.stringify({ figures, drawn: sink !== 0 }));
