/**
 * The agent that the demo records: it plans a trip on the official Anthropic SDK and knows nothing of tracefork.
 *
 * It is written to be hard to replay: three sub-agents stream at the same time, each calls tools that draw the clock
 * and ids, those flow into the next requests, a side question races a timer, and every wait has a random length.
 * Environment: `ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL`, `TRACEFORK_DEMO_MODEL`. The trip is made up, and so are the
 * bookings.
 */
import Anthropic from "@anthropic-ai/sdk";
import process from "node:process";

interface Leg {
  readonly name: string;
  readonly task: string;
}

interface Report {
  readonly name: string;
  readonly text: string;
  readonly bookings: readonly string[];
}

const LEGS: readonly Leg[] = [
  { name: "train", task: "Book one seat on the night train from Paris to Lisboa." },
  {
    name: "ferry",
    task: "Book one seat on the morning ferry to Cacilhas, and find out what time it is in Lisboa.",
  },
  { name: "concert", task: "Book one seat for tonight's fado concert in Alfama 🎶." },
];

/** What a sub-agent may call; each may only touch its own leg. */
function toolsFor(leg: Leg): Anthropic.Tool[] {
  const own = { type: "string", enum: [leg.name] };
  return [
    {
      name: "check_availability",
      description: "Says how many seats are free. Call it before booking.",
      input_schema: {
        type: "object",
        properties: { leg: own, seat_class: { type: "string", enum: ["first", "second"] } },
        required: ["leg", "seat_class"],
      },
    },
    {
      name: "book_seat",
      description: "Books one seat and returns the booking's id.",
      input_schema: {
        type: "object",
        properties: { leg: own, passenger: { type: "string" } },
        required: ["leg", "passenger"],
      },
    },
    {
      name: "get_time",
      description: "The current time in a time zone.",
      input_schema: {
        type: "object",
        properties: { zone: { type: "string", enum: ["Europe/Lisbon", "Europe/Paris", "UTC"] } },
        required: ["zone"],
      },
    },
  ];
}

const MODEL = process.env.TRACEFORK_DEMO_MODEL ?? "claude-haiku-4-5-20251001";
const MAX_STEPS = 6;
const client = new Anthropic();
const startedAt = Date.now();

function say(who: string, text: string): void {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(2).padStart(5);
  console.log(`${seconds}s  ${who.padEnd(8)} ${text.replaceAll("\n", "\n" + " ".repeat(17))}`);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function textOf(message: Anthropic.Message): string {
  return message.content.map((block) => block.type === "text" ? block.text : "").join("").trim();
}

async function ask(prompt: string, maxTokens = 400): Promise<string> {
  const messages = [{ role: "user" as const, content: prompt }];
  return textOf(await client.messages.create({ model: MODEL, max_tokens: maxTokens, messages }));
}

/** The tools, local and made up: what they return can't be foreseen. */
async function runTool(call: Anthropic.ToolUseBlock): Promise<Record<string, unknown>> {
  const input = call.input as Record<string, string>;
  await sleep(5 + Math.random() * 40);
  switch (call.name) {
    case "check_availability":
      return {
        leg: input.leg,
        free: 1 + Math.floor(Math.random() * 40),
        checked_at: new Date().toISOString(),
      };
    case "book_seat": {
      const seat = `${1 + Math.floor(Math.random() * 20)}${"ABCD"[Math.floor(Math.random() * 4)]}`;
      return { leg: input.leg, booking: crypto.randomUUID(), seat, booked_at: Date.now() };
    }
    case "get_time":
      return { zone: input.zone, time: new Date().toLocaleTimeString("en-GB", { timeZone: input.zone }) };
    default:
      return { error: `no tool is called ${call.name}` };
  }
}

/** One sub-agent: streams an answer, runs the tools that it asks for, and goes on until it asks for none. */
async function runLeg(leg: Leg, plan: string): Promise<Report> {
  const bookings: string[] = [];
  const messages: Anthropic.MessageParam[] = [
    { role: "user", content: `Trip ${crypto.randomUUID()}. The plan: ${plan}\n\nYour part: ${leg.task}` },
  ];
  for (let step = 0; step < MAX_STEPS; step++) {
    const stream = client.messages.stream({ model: MODEL, max_tokens: 500, tools: toolsFor(leg), messages });
    let pieces = 0;
    stream.on("text", () => pieces++);
    const message = await stream.finalMessage();
    const text = textOf(message);
    const calls = message.content.filter((block) => block.type === "tool_use");
    if (calls.length === 0) {
      say(leg.name, `${text} (${pieces} pieces)`);
      return { name: leg.name, text, bookings };
    }
    if (text !== "") say(leg.name, text);
    const results = await Promise.all(calls.map(async (call) => {
      const result = await runTool(call);
      if (typeof result.booking === "string") bookings.push(result.booking);
      say(leg.name, `→ ${call.name} ${JSON.stringify(result)}`);
      return { type: "tool_result" as const, tool_use_id: call.id, content: JSON.stringify(result) };
    }));
    messages.push({ role: "assistant", content: message.content }, { role: "user", content: results });
    await sleep(Math.random() * 60);
  }
  return { name: leg.name, text: `gave up after ${MAX_STEPS} steps`, bookings };
}

const plan = await ask(
  `Today is ${new Date().toISOString()}. Plan, in two sentences, a trip from Paris to Lisboa: ` +
    LEGS.map((leg) => leg.task).join(" "),
);
say("plan", plan);

// A side question that may be late: the plan goes on without it, and it is read at the end all the same.
const tip = ask("In one sentence: what should one not miss in Lisboa?", 100);
const inTime = Promise.race([tip, sleep(40 + Math.random() * 80).then(() => undefined)]);
inTime.then((text) => say("tip", text ?? "no tip yet, going on without it"));

const reports = await Promise.all(LEGS.map((leg) => runLeg(leg, plan)));
const lateTip = await tip;
if (await inTime === undefined) say("tip", `late: ${lateTip}`);

const summary = await ask(
  "Sum this trip up in three sentences.\n" +
    reports.map((report) => `${report.name}, bookings ${report.bookings.join(" ")}: ${report.text}`).join(
      "\n",
    ),
);
say("summary", summary);
for (const report of reports) say("booked", `${report.name}: ${report.bookings.join(", ") || "nothing"}`);
