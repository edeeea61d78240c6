/**
 * Four conversations at once over plain `fetch`, each of eight steps, most of them streamed, with a timer between. A
 * request holds the conversation so far and nothing else, so it depends on the answers of its own conversation only.
 * Prints each conversation's last answer, and random values.
 *
 * Reads ANTHROPIC_BASE_URL. Its first argument is the number of steps.
 */
import process from "node:process";

const base = process.env.ANTHROPIC_BASE_URL;
const steps = Number(process.argv[2] ?? 8);
const headers = {
  "content-type": "application/json",
  "anthropic-version": "2023-06-01",
  "x-api-key": process.env.ANTHROPIC_API_KEY ?? "none",
};

async function textOf(response) {
  if (!response.ok) throw new Error(`status ${response.status}`);
  if (!response.headers.get("content-type").includes("event-stream")) {
    return (await response.json()).content[0].text;
  }
  const decoder = new TextDecoder();
  let all = "";
  for await (const chunk of response.body) all += decoder.decode(chunk, { stream: true });
  return all.split("\n").filter((line) => line.startsWith("data: ")).map((line) => JSON.parse(line.slice(6)))
    .map(({ delta }) => delta?.type === "text_delta" ? delta.text : "").join("");
}

async function talk(name) {
  const messages = [{ role: "user", content: `talk ${name}` }];
  for (let step = 0; step < steps; step++) {
    const response = await fetch(`${base}/v1/messages`, {
      method: "POST",
      headers,
      body: JSON.stringify({
        model: "claude-haiku-4-5-20251001",
        max_tokens: 200,
        stream: step % 3 !== 2,
        messages,
      }),
    });
    const answer = await textOf(response);
    messages.push({ role: "assistant", content: answer }, { role: "user", content: `${name} ${step}` });
    if (step % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 3 + name.charCodeAt(0) % 4));
  }
  return messages.at(-2).content;
}

const started = Date.now();
const answers = await Promise.all(["a", "b", "c", "d"].map(talk));
answers.forEach((answer, i) => console.log(`${i}: ${answer}`));
console.log(crypto.randomUUID(), Math.random(), Date.now() - started >= 0);
