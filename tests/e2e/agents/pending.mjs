/**
 * Asks once while timers of every kind wait, and awaits them all afterwards; then asks again, with what the clock, an
 * id and a random number say. Prints all of it.
 *
 * Reads ANTHROPIC_BASE_URL.
 */
import { randomBytes, randomInt } from "node:crypto";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

async function ask(content) {
  const response = await fetch(`${process.env.ANTHROPIC_BASE_URL}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "any" },
    body: JSON.stringify({
      model: "claude-haiku-4-5-20251001",
      max_tokens: 100,
      messages: [{ role: "user", content }],
    }),
  });
  return (await response.json()).content[0].text;
}

const started = Date.now();
const waited = [
  new Promise((resolve) => setTimeout(() => resolve("timeout"), 60)),
  sleep(70, "sleep"),
  new Promise((resolve) => AbortSignal.timeout(80).addEventListener("abort", () => resolve("signal"))),
];
waited.push(new Promise((resolve) => setTimeout(() => resolve("odd"), -1)));
waited.push(new Promise((resolve) => setImmediate(() => resolve("immediate"))));
let ticks = 0;
const ticking = new Promise((resolve) => {
  const interval = setInterval(() => {
    if (++ticks < 3) return;
    clearInterval(interval);
    resolve("interval");
  }, 25);
});
const never = setTimeout(() => console.log("never"), 60_000);
console.log(await ask("with timers waiting"));
clearTimeout(never);
console.log((await Promise.all([...waited, ticking])).join(" "), ticks);
const now = Date.now();
console.log(now >= started, now - started < 3_600_000, new Date(now).getUTCFullYear());
const drawn = await new Promise((resolve) => randomBytes(4, (_, bytes) => resolve(bytes.toString("hex"))));
const said = [crypto.randomUUID(), Math.random(), randomInt(1000), drawn].join(" ");
console.log(`drawn ${said}`);
console.log(await ask(said));
