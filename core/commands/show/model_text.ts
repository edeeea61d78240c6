/** What a model said in an exchange, in full and in a few words. */

import type { Exchange } from "../../analyse/exchanges.ts";
import { fromUtf8 } from "../../base/bytes.ts";
import {
  type ModelAnswer,
  type ModelRequest,
  readRequest,
  readResponse,
  type ToolCall,
} from "../../provider/read.ts";
import { excerpt, isText, lines } from "./body_text.ts";

/** The response's media type. */
export function contentType({ head }: Exchange): string | undefined {
  return head?.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
}

/** The question, where it went to a model. */
export function questionOf(exchange: Exchange): ModelRequest | undefined {
  return readRequest(exchange.request.url, exchange.requestBody() ?? new Uint8Array(0));
}

/** The answer, where a model gave it. */
export function modelAnswer(exchange: Exchange): ModelAnswer | undefined {
  return exchange.chunks.length === 0
    ? undefined
    : readResponse(contentType(exchange), exchange.responseBody());
}

function callText({ name, arguments: json }: ToolCall): string {
  return `→ ${name}(${json})`;
}

/** An exchange in a few words: what the model said or called, else what the body begins with, else the error. */
export function preview(exchange: Exchange): string {
  const answer = modelAnswer(exchange);
  if (answer !== undefined) {
    // The call is what the run goes on with; what was said before it needs no more than its beginning.
    const calls = answer.toolCalls.map(callText).join(" ");
    const said = answer.text.replaceAll(/\s+/g, " ").trim();
    const cut = calls !== "" && said.length > 32 ? `${said.slice(0, 31)}…` : said;
    const all = [cut, calls].filter((each) => each !== "").join(" ");
    return excerpt(all || (answer.error ?? answer.thinking.replaceAll(/\s+/g, " ")));
  }
  if (exchange.error !== undefined) return excerpt(exchange.error.message ?? exchange.error.name);
  if (exchange.chunks.length === 0) return "";
  const body = exchange.responseBody();
  return isText(body) ? excerpt(fromUtf8(body)) : "";
}

/** What was asked, as lines. */
export function questionText(question: ModelRequest): string {
  const { provider, model, messages, tools, lastUserText } = question;
  return [
    `  model     ${lines(`${provider} ${model ?? ""}`.trimEnd())}\n`,
    `  messages  ${messages}\n`,
    ...(tools.length === 0 ? [] : [`  tools     ${excerpt(tools.join(", "))}\n`]),
    ...(lastUserText === undefined ? [] : [`  user      ${excerpt(lastUserText)}\n`]),
  ].join("");
}

/** What was answered, as lines. */
export function answerText(answer: ModelAnswer): string {
  const { text, thinking, toolCalls, usage, stopReason, error } = answer;
  const indented = (recorded: string) => lines(recorded).split("\n").map((line) => `    ${line}\n`).join("");
  const cached = (usage?.cacheRead ?? 0) === 0 ? "" : `, ${usage!.cacheRead} of them cached`;
  return [
    ...(thinking === "" ? [] : [`  thinking\n`, indented(thinking)]),
    ...(text === "" ? [] : [`  text\n`, indented(text)]),
    ...(toolCalls.length === 0 ? [] : [`  tool calls\n`]),
    ...toolCalls.map((call) => indented(`${callText(call)}${call.id === "" ? "" : `  ${call.id}`}`)),
    `  usage     ${
      usage === undefined ? "unknown" : `${usage.input} tokens in${cached}, ${usage.output} out`
    }\n`,
    `  stopped   ${lines(stopReason ?? "cut off")}\n`,
    ...(error === undefined ? [] : [`  error     ${lines(error)}\n`]),
  ].join("");
}
