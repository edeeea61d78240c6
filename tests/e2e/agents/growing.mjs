/**
 * A conversation that is sent whole at every step and grows by some kilobytes each time, beside another one that
 * grows too; in the end both begin anew with a part of what was said. No SDK.
 *
 * Reads ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY, STEPS and LINES (60 a step). Written without regard to tracefork.
 */
import process from "node:process";

const base = process.env.ANTHROPIC_BASE_URL;
const steps = Number(process.env.STEPS ?? 12);
const lines = Number(process.env.LINES ?? 60);

/** About three kilobytes of text that was never there before. */
function report(name, step) {
  const said = Array.from(
    { length: lines },
    (_, i) => `${name} ${step}.${i}: measured ${Math.random()} at ${Date.now()}`,
  );
  return said.join("\n");
}

async function ask(messages) {
  for (;;) {
    const response = await fetch(`${base}/v1/messages`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": process.env.ANTHROPIC_API_KEY ?? "none",
      },
      body: JSON.stringify({ model: "claude-haiku-4-5-20251001", max_tokens: 64, messages }),
    });
    const answer = await response.json();
    if (response.ok) return answer.content.map((block) => block.text ?? "").join("");
  }
}

async function talk(name) {
  const messages = [];
  for (let step = 0; step < steps; step++) {
    messages.push({ role: "user", content: report(name, step) });
    messages.push({ role: "assistant", content: await ask(messages) || "nothing" });
  }
  const rest = messages.slice(-3, -1);
  rest.unshift({ role: "user", content: "Sum it up." });
  console.log(name, await ask([rest[0], ...rest.filter(({ role }) => role === "assistant"), rest.at(-1)]));
}

await Promise.all([talk("left"), talk("right")]);
