/**
 * One plain call after a draw; prints the answer. Before all else it appends a line to the file that its first
 * argument names, past tracefork: so a test can tell whether it was started at all.
 *
 * Reads ANTHROPIC_BASE_URL.
 */
import { appendFileSync } from "node:fs";
import process from "node:process";

appendFileSync(process.argv[2], "ran\n");
const response = await fetch(`${process.env.ANTHROPIC_BASE_URL}/v1/messages`, {
  method: "POST",
  headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "any" },
  body: JSON.stringify({
    model: "claude-haiku-4-5-20251001",
    max_tokens: 100,
    messages: [{ role: "user", content: `order ${crypto.randomUUID()}` }],
  }),
});
const message = await response.json();
console.log(response.status, message.content[0].text);
