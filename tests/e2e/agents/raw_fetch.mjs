/**
 * No SDK: plain `fetch`, JSON and a hand-written reader of server-sent events; eight requests in flight, some of them
 * equal to the byte, refused ones tried again. It prints the size of every chunk that it reads, so a replay that
 * joins or cuts chunks differently prints something else.
 *
 * Reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY. Written without regard to tracefork.
 */
import process from "node:process";

const base = process.env.ANTHROPIC_BASE_URL;
const headers = {
  "content-type": "application/json",
  "anthropic-version": "2023-06-01",
  "x-api-key": process.env.ANTHROPIC_API_KEY ?? "none",
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until it isn't refused. */
async function post(name, body) {
  for (let attempt = 1;; attempt++) {
    const response = await fetch(`${base}/v1/messages`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    if (response.status < 429 || attempt === 5) return response;
    const { error, request_id } = await response.json();
    console.log(`${name} ${response.status} ${error.type} ${request_id}`);
    await sleep(Number(response.headers.get("retry-after-ms") ?? 50));
  }
}

/** The events of a stream as they come complete, with the sizes of the chunks on the way. */
async function* eventsOf(name, response) {
  const decoder = new TextDecoder();
  let text = "";
  const sizes = [];
  for await (const chunk of response.body) {
    sizes.push(chunk.length);
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = text.slice(0, end).split("\n").find((line) => line.startsWith("data: "));
      text = text.slice(end + 2);
      yield JSON.parse(data.slice(6));
    }
  }
  console.log(`${name} chunks ${sizes.join(" ")}`);
}

async function streamed(name, body) {
  const response = await post(name, { ...body, stream: true });
  console.log(`${name} ${response.status} ${response.headers.get("content-type")}`);
  let answer = "";
  for await (const event of eventsOf(name, response)) {
    if (event.type === "message_start") console.log(`${name} ${event.message.id}`);
    if (event.delta?.type === "text_delta") answer += event.delta.text;
  }
  return answer;
}

async function plain(name, body) {
  const response = await post(name, body);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const message = JSON.parse(new TextDecoder().decode(bytes));
  console.log(
    `${name} ${response.status} ${message.id} ${bytes.length} bytes, ${response.headers.get("request-id")}`,
  );
  return message.content[0].text;
}

const ask = (content) => ({
  model: "claude-haiku-4-5-20251001",
  max_tokens: 200,
  messages: [{ role: "user", content }],
});
const twin = ask("the same question, twice 👯");
const stamped = () => ask(`question ${crypto.randomUUID()} at ${Date.now()}`);
const answers = await Promise.all([
  streamed("s0", twin),
  streamed("s1", twin),
  streamed("s2", stamped()),
  plain("p3", twin),
  plain("p4", twin),
  plain("p5", twin),
  streamed("s6", stamped()),
  plain("p7", stamped()),
]);
answers.forEach((answer, i) => console.log(`answer ${i}: ${answer}`));

const chained = await streamed("last", ask(answers.join(" | ")));
console.log(`last: ${chained}`);
