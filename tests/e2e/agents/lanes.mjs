/**
 * Four sub-agents at once on the SDK, with all that makes order fragile: streams, retries, random timers,
 * `Promise.race` and `Promise.any`, an abort in the middle of a stream, async generators, AsyncLocalStorage.
 *
 * Reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY. Written without regard to tracefork.
 */
import Anthropic from "@anthropic-ai/sdk";
import { AsyncLocalStorage } from "node:async_hooks";

const MODEL = "claude-haiku-4-5-20251001";
const client = new Anthropic({ maxRetries: 4 });
const lane = new AsyncLocalStorage();
let lines = 0;

const tools = [
  {
    name: "roll",
    description: "Rolls dice",
    input_schema: {
      type: "object",
      properties: {
        sides: { type: "integer", minimum: 2, maximum: 100 },
        times: { type: "integer", enum: [1, 2, 3] },
      },
      required: ["sides"],
    },
  },
  {
    name: "stamp",
    description: "Stamps a note with time and id",
    input_schema: { type: "object", properties: { note: { type: "string" } }, required: ["note"] },
  },
];

function log(text) {
  const { name, step } = lane.getStore() ?? { name: "main", step: 0 };
  console.log(`${String(++lines).padStart(3)} ${name}#${step} ${text.replaceAll("\n", " / ")}`);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const randomSleep = (most) => sleep(Math.random() * most);

async function runTool(call) {
  await randomSleep(30);
  const { sides = 6, times = 1, note = "" } = call.input;
  if (call.name === "roll") {
    return { rolls: Array.from({ length: times }, () => 1 + Math.floor(Math.random() * sides)) };
  }
  return { note, at: new Date().toISOString(), epoch: Date.now(), id: crypto.randomUUID() };
}

/** Text as it streams in, a sentence's worth at a time. */
async function* textOf(stream) {
  let held = "";
  for await (const event of stream) {
    if (event.type !== "content_block_delta" || event.delta.type !== "text_delta") continue;
    held += event.delta.text;
    if (held.length < 40) continue;
    yield held;
    held = "";
  }
  if (held !== "") yield held;
}

async function talk(name) {
  const store = lane.getStore();
  const messages = [{
    role: "user",
    content: `${name}: task ${crypto.randomUUID()} of ${Date.now()}. Use your tools.`,
  }];
  while (store.step < 6) {
    store.step++;
    await randomSleep(25);
    // The second lane thinks aloud; its thinking has to go back unchanged.
    const thinking = name === "beta" ? { thinking: { type: "enabled", budget_tokens: 1024 } } : {};
    const stream = client.messages.stream({ model: MODEL, max_tokens: 2048, tools, messages, ...thinking });
    for await (const piece of textOf(stream)) log(`says ${JSON.stringify(piece)}`);
    const message = await stream.finalMessage();
    messages.push({ role: "assistant", content: structuredClone(message.content) });
    const calls = message.content.filter((block) => block.type === "tool_use");
    log(`${message.id} ${message.stop_reason}, ${calls.length} calls`);
    if (calls.length === 0) return message.usage.output_tokens;
    const content = await Promise.all(calls.map(async (call) => {
      const result = await runTool(call);
      log(`${call.name} -> ${JSON.stringify(result)}`);
      return { type: "tool_result", tool_use_id: call.id, content: JSON.stringify(result) };
    }));
    messages.push({ role: "user", content });
  }
  return -1;
}

/** Streams, but loses patience after three events. */
async function impatient() {
  const controller = new AbortController();
  const params = {
    model: MODEL,
    max_tokens: 300,
    messages: [{ role: "user", content: "Tell me a long story 📖" }],
  };
  let events = 0;
  try {
    for await (const event of client.messages.stream(params, { signal: controller.signal })) {
      log(`event ${++events} ${event.type}`);
      if (events === 3) controller.abort();
    }
    log("read to the end");
  } catch (error) {
    log(`stopped: ${error.constructor.name} after ${events} events`);
  }
}

/** Three ways to ask, the fastest counts; then one against the clock. */
async function hurried() {
  const call = (content) =>
    client.messages.create({ model: MODEL, max_tokens: 200, messages: [{ role: "user", content }] });
  const calls = ["quick answer?", "quick answer?", `quick answer ${crypto.randomUUID()}?`].map(call);
  calls.forEach((one, i) => one.then((message) => log(`contender ${i} ${message.id}`)));
  const first = await Promise.any(calls);
  log(`first: ${first.content[0].text}`);
  const late = call("and against the clock?");
  const winner = await Promise.race([
    late.then((m) => m.id),
    sleep(20 + Math.random() * 60).then(() => "the clock"),
  ]);
  log(`race won by ${winner}`);
  await Promise.allSettled([...calls, late]);
}

const started = Date.now();
const outcomes = await Promise.allSettled([
  ...["alpha", "beta", "gamma", "delta"].map((name) => lane.run({ name, step: 0 }, () => talk(name))),
  lane.run({ name: "impatient", step: 0 }, impatient),
  lane.run({ name: "hurried", step: 0 }, hurried),
]);
log(
  outcomes.map((outcome) => outcome.status === "fulfilled" ? outcome.value ?? "done" : String(outcome.reason))
    .join(", "),
);
log(`took ${Date.now() - started} ms`);
