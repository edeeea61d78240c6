/**
 * Three questions to the real Anthropic SDK, streamed when its first argument is `stream`; each holds the answer
 * before. Prints the answers, or the error's class and status where one came.
 *
 * Reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY.
 */
import Anthropic from "@anthropic-ai/sdk";
import process from "node:process";

const client = new Anthropic({ maxRetries: 0 });
const messages = [];
for (const content of ["first?", "second?", "third?"]) {
  messages.push({ role: "user", content });
  const params = { model: "claude-haiku-4-5-20251001", max_tokens: 200, messages };
  try {
    const message = process.argv[2] === "stream"
      ? await client.messages.stream(params).finalMessage()
      : await client.messages.create(params);
    const text = message.content[0].text;
    console.log(`${text} (${message.stop_reason})`);
    messages.push({ role: "assistant", content: text });
  } catch (error) {
    console.log(`${error.constructor.name} ${error.status ?? ""} ${error.headers?.get("retry-after") ?? ""}`);
    messages.push({ role: "assistant", content: "no answer" });
  }
}
