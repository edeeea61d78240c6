/**
 * A small agent: one call that books with a tool, one that confirms. Sequential, not streamed, with the clock and an
 * id in its prompts.
 *
 * Reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY. Written without regard to tracefork.
 */
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic();
const model = "claude-haiku-4-5-20251001";
const tools: Anthropic.Tool[] = [{
  name: "book_table",
  description: "Books a table and returns the booking",
  input_schema: {
    type: "object",
    properties: {
      guests: { type: "integer", minimum: 1, maximum: 8 },
      date: { type: "string", format: "date" },
    },
    required: ["guests", "date"],
  },
}];

function textOf(message: Anthropic.Message): string {
  return message.content.map((block) => block.type === "text" ? block.text : "").join("");
}

const order = crypto.randomUUID();
const messages: Anthropic.MessageParam[] = [
  { role: "user", content: `It is ${new Date().toISOString()}. Book a table, order ${order}.` },
];
const first = await client.messages.create({
  model,
  max_tokens: 300,
  tools,
  tool_choice: { type: "tool", name: "book_table" },
  messages,
});
const call = first.content.find((block) => block.type === "tool_use");
if (call === undefined) throw new Error("the model did not book");

const booking = { id: crypto.randomUUID(), table: 1 + Math.floor(Math.random() * 30), at: Date.now() };
console.log(`order ${order}`);
console.log(`booked ${JSON.stringify(call.input)} as ${JSON.stringify(booking)}`);
messages.push(
  { role: "assistant", content: first.content },
  {
    role: "user",
    content: [{ type: "tool_result", tool_use_id: call.id, content: JSON.stringify(booking) }],
  },
);
const second = await client.messages.create({
  model,
  max_tokens: 300,
  tools,
  tool_choice: { type: "none" },
  messages,
});
console.log(textOf(second));
