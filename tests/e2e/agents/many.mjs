/**
 * Thirty-two calls in flight, streamed and not, some of them equal, each against a timer, with an interval ticking
 * meanwhile. It prints what happened in the order in which it happened: the order is all that it is about.
 *
 * Reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY. Written without regard to tracefork.
 */
import Anthropic from "@anthropic-ai/sdk";

const CALLS = 32;
const client = new Anthropic({ maxRetries: 4 });
const log = [];
const note = (text) => log.push(text);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function params(i) {
  // Every fourth asks the same thing as its neighbours do.
  const content = i % 4 === 0 ? "what everyone asks 🌍" : `call ${i} ${crypto.randomUUID()}`;
  return { model: "claude-haiku-4-5-20251001", max_tokens: 200, messages: [{ role: "user", content }] };
}

async function json(i) {
  const message = await client.messages.create(params(i));
  note(`${i} json ${message.id}`);
  return message.content[0].text;
}

async function stream(i) {
  let deltas = 0;
  for await (const event of await client.messages.create({ ...params(i), stream: true })) {
    if (event.type === "message_start") note(`${i} start ${event.message.id}`);
    if (event.type === "content_block_delta" && ++deltas % 4 === 0) note(`${i} delta ${deltas}`);
  }
  note(`${i} end after ${deltas}`);
  return `${deltas} deltas`;
}

async function contend(i) {
  const call = i % 3 === 0 ? stream(i) : json(i);
  const patience = Math.floor(Math.random() * 120);
  const winner = await Promise.race([
    call.then(() => "answer"),
    sleep(patience).then(() => `timer ${patience}`),
  ]);
  note(`${i} won by ${winner}`);
  return await call;
}

let ticks = 0;
const ticking = setInterval(() => note(`tick ${++ticks}`), 15);
const answers = await Promise.all(Array.from({ length: CALLS }, (_, i) => contend(i)));
clearInterval(ticking);

// One more, whose request depends on the order of all before.
const last = await client.messages.create({
  model: "claude-haiku-4-5-20251001",
  max_tokens: 300,
  messages: [{ role: "user", content: log.join("\n") }],
});
for (const line of log) console.log(line);
answers.forEach((answer, i) => console.log(`answer ${i}: ${answer}`));
console.log(last.content[0].text);
