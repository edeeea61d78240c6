/**
 * An agent that wraps every call in try/catch and goes on as if nothing had happened: what it prints does not betray
 * a call that failed. Switched to behave otherwise than recorded, it shows that a replay can't be fooled.
 *
 * Switches, from the environment or as arguments (`EXTRA_CALL=1`):
 *   EXTRA_CALL=1   one more call at the end, its outcome ignored
 *   WRONG_FIRST=1  before the second call a wrong one, its outcome ignored
 *   SKIP_LAST=1    leaves the third call out, and prints the same lines
 *   EXIT_CODE=n    ends with code n
 *   SAY=text       prints another last line
 * Reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY. Written without regard to tracefork.
 */
import Anthropic from "@anthropic-ai/sdk";
import process from "node:process";

const client = new Anthropic();

function option(name) {
  const argument = process.argv.slice(2).find((one) => one.startsWith(`${name}=`));
  return argument === undefined ? process.env[name] : argument.slice(name.length + 1);
}

async function ask(content) {
  try {
    const messages = [{ role: "user", content }];
    const message = await client.messages.create({
      model: "claude-haiku-4-5-20251001",
      max_tokens: 200,
      messages,
    });
    return message.content[0].text;
  } catch {
    return "";
  }
}

const first = await ask(`first, at ${new Date().toISOString()}`);
if (option("WRONG_FIRST") === "1") await ask("something that was never asked");
const second = await ask(`second, after: ${first}`);
// The third answer is asked for and not used, so leaving it out changes no line of the output.
if (option("SKIP_LAST") !== "1") await ask("third");
if (option("EXTRA_CALL") === "1") await ask("a call too many");

console.log(`first: ${first}`);
console.log(`second: ${second}`);
console.log(option("SAY") ?? "done");
process.exitCode = Number(option("EXIT_CODE") ?? 0);
