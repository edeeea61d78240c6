/**
 * Draws, asks once, says "ready" and waits for a line on its input, for ever if need be. Ends with code 5 on
 * SIGINT when its first argument is `handles`, and stays when it is `stays`.
 *
 * Reads ANTHROPIC_BASE_URL; without it, it asks nothing.
 */
import process from "node:process";

const [how] = process.argv.slice(2);
const base = process.env.ANTHROPIC_BASE_URL;
console.log(`id ${crypto.randomUUID()}`);
if (base !== undefined) {
  const response = await fetch(`${base}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "any" },
    body: JSON.stringify({
      model: "claude-haiku-4-5-20251001",
      max_tokens: 100,
      messages: [{ role: "user", content: `order ${Math.random()}` }],
    }),
  });
  console.log(response.status, (await response.json()).content[0].text);
}
if (how === "handles") {
  process.on("SIGINT", () => {
    console.log("interrupted, ending well");
    process.exit(5);
  });
}
if (how === "stays") process.on("SIGINT", () => console.log("I stay"));
process.stdin.once("data", (line) => {
  console.log(`got ${String(line).trim()} after ${Date.now()}`);
  process.exit(0);
});
console.log("ready");
