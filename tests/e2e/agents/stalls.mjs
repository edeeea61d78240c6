/**
 * Asks twice, with an interval ticking and a server listening meanwhile, then stops both. Its first argument makes
 * it behave otherwise than recorded:
 *   swapped   asks the second thing first
 *   waits     after the first answer it awaits for ever, with nothing else pending
 *   ticks     the same, while its interval goes on
 *   spins     the same, while it is busy on a message channel
 *   blocks    the same, in an endless loop
 *   spawns    the same, while a program that it has started holds its output
 *   serves    does all that it did, and leaves its server open
 * Reads ANTHROPIC_BASE_URL.
 */
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import process from "node:process";

const [how] = process.argv.slice(2);
const server = createServer(() => {}).listen(0, "127.0.0.1");
const ticking = setInterval(() => console.log("tick"), 5);

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

const things = how === "swapped" ? ["second", "first"] : ["first", "second"];
console.log(await ask(things[0]));
if (how === "waits") {
  clearInterval(ticking);
  server.close();
  await new Promise(() => {});
}
if (how === "ticks") await new Promise(() => {});
if (how === "spins") {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => port2.postMessage("");
  port2.postMessage("");
  await new Promise(() => {});
}
if (how === "blocks") { for (;;); }
if (how === "spawns") {
  spawn("sleep", ["30"], { stdio: ["ignore", "inherit", "inherit"] });
  await new Promise(() => {});
}
console.log(await ask(things[1]));
clearInterval(ticking);
if (how !== "serves") server.close();
