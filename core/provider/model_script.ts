/**
 * What the embedded model says. It makes any agent that offers tools work: it calls each offered tool about once, a
 * few rounds long, sometimes two at a time, and then answers with what the tools returned. Without tools it answers
 * with a piece of what it was asked, so that every answer depends on its request.
 *
 * It understands nothing. It works off the request alone and keeps no memory, so a conversation can go on at another
 * server. Wording, order and arguments come from the dice.
 */
import { signThinking } from "./anthropic_check.ts";
import {
  type Answer,
  blocksOf,
  estimateTokens,
  type InputBlock,
  type InputMessage,
  type MessagesRequest,
  type OutputBlock,
  type Tool,
} from "./anthropic_wire.ts";
import type { Dice } from "./dice.ts";
import { type SampleContext, sampleSchema } from "./schema_sample.ts";

const LEAD_INS = [
  "Let me check that first.",
  "One moment, I'll look it up 🔎",
  "I need a bit more to go on — calling a tool.",
  "少々お待ちください。 Checking now.",
  "Sure! Let's see what we have…",
];
const OPENERS = [
  "Here is what I found 🎉",
  "Done ✅",
  "All set —",
  "わかりました!",
  "Good news:",
  "In short:",
];
const LINKS = ["the tool says", "I got", "it came back with", "結果は", "there is"];
const CLOSERS = [
  "Anything else?",
  "Bon voyage! 🧳",
  "Let me know if that works for you.",
  "よい旅を 🚄",
  "That's it.",
];
const REFLECTIONS = ["You asked about", "About", "Thinking of", "You wrote", "「ご質問」 —"];
const ADVICE = [
  "I'd start early and keep some slack 🕰️",
  "book ahead, and keep a copy of every id",
  "it helps to take it one step at a time 👣",
  "まず予約を確認しましょう",
  "naïve plans break; good ones bend",
];
const THOUGHTS = [
  "The user wants something concrete. I should work from what is known and say what isn't.",
  "Which tool fits? 考えてみよう… The first one that wasn't used yet.",
  "Let me weigh this: speed against certainty 🤔. A short answer will do.",
];

/** What happened since the user last spoke. */
interface Turn {
  readonly prompt: string;
  /** Answers in this turn that called tools. */
  readonly rounds: number;
  readonly used: ReadonlySet<string>;
  readonly results: readonly string[];
}

/**
 * The answer to a request that `checkRequest` has let through.
 *
 * @param maxRounds after this many tool-calling answers in a turn the model answers with text
 */
export function answerRequest(request: MessagesRequest, dice: Dice, maxRounds: number): Answer {
  const turn = currentTurn(request.messages);
  const calls = toolCalls(request, turn, dice, maxRounds);
  const content = thinkingBlocks(request, dice);
  if (calls.length > 0) {
    if (dice.chance(0.5)) content.push({ type: "text", text: dice.pick(LEAD_INS) });
    return { content: [...content, ...calls], stopReason: "tool_use" };
  }
  const format = request.output_config?.format;
  const text = format?.schema !== undefined
    ? JSON.stringify(sampleSchema(format.schema, sampleContext(turn, dice)))
    : turn.results.length > 0
    ? reportResults(turn.results, dice)
    : reflect(turn.prompt, dice);
  if (estimateTokens(text) <= request.max_tokens) {
    return { content: [...content, { type: "text", text }], stopReason: "end_turn" };
  }
  const cut = Array.from(text).slice(0, Math.ceil(request.max_tokens * 3)).join("");
  return { content: [...content, { type: "text", text: cut }], stopReason: "max_tokens" };
}

function currentTurn(messages: readonly InputMessage[]): Turn {
  const isPrompt = (message: InputMessage) =>
    message.role === "user" && !blocksOf(message).some((block) => block.type === "tool_result");
  const start = Math.max(0, messages.findLastIndex(isPrompt));
  const since = messages.slice(start + 1).map(blocksOf);
  const called = since.map((blocks) => blocks.filter((block) => block.type === "tool_use"));
  const results = since.flat().filter((block) => block.type === "tool_result");
  return {
    prompt: textOf(blocksOf(messages[start] as InputMessage)),
    rounds: called.filter((blocks) => blocks.length > 0).length,
    used: new Set(called.flat().map((block) => block.name as string)),
    results: results.map((block) => textOf(block.content ?? "")).filter((text) => text !== ""),
  };
}

function toolCalls(request: MessagesRequest, turn: Turn, dice: Dice, maxRounds: number): OutputBlock[] {
  const offered = (request.tools ?? []).filter((tool) => tool.input_schema !== undefined);
  const choice = request.tool_choice?.type ?? "auto";
  if (offered.length === 0 || choice === "none") return [];
  const named = offered.filter((tool) => tool.name === request.tool_choice?.name);
  if (choice === "tool") return named.map((tool) => toolCall(tool, turn, dice));
  const fresh = offered.filter((tool) => !turn.used.has(tool.name));
  const wantsMore = fresh.length > 0 && turn.rounds < maxRounds && !(turn.rounds > 0 && dice.chance(0.08));
  if (!wantsMore) return choice === "any" ? [toolCall(dice.pick(offered), turn, dice)] : [];
  // Mostly in the offered order, which tends to be the sensible one.
  const first = dice.chance(0.8) ? fresh[0] as Tool : dice.pick(fresh);
  const chosen = [first];
  if (request.tool_choice?.disable_parallel_tool_use !== true && dice.chance(0.4)) {
    const others = fresh.filter((tool) => tool !== first);
    // With nothing else left, sometimes the same tool twice, as models do.
    if (others.length > 0 || dice.chance(0.3)) chosen.push(others[0] ?? first);
  }
  return chosen.map((tool) => toolCall(tool, turn, dice));
}

function toolCall(tool: Tool, turn: Turn, dice: Dice): OutputBlock {
  const input = sampleSchema(tool.input_schema ?? {}, sampleContext(turn, dice));
  return {
    type: "tool_use",
    id: `toolu_01${dice.word(22)}`,
    name: tool.name,
    input,
    caller: { type: "direct" },
  };
}

function sampleContext(turn: Turn, dice: Dice): SampleContext {
  const words = turn.prompt.match(/[\p{L}\p{N}]{3,}/gu) ?? ["hello"];
  // Ids in results: words that hold both letters and digits, and are long enough to be none by chance.
  const ids = turn.results.join(" ").match(/(?=[\w-]*\d)(?=[\w-]*[a-zA-Z])[\w-]{8,}/g) ?? [];
  return { dice, words, ids };
}

function thinkingBlocks(request: MessagesRequest, dice: Dice): OutputBlock[] {
  const kind = request.thinking?.type;
  // Told to think it does; left to itself ("adaptive") it thinks sometimes.
  if (kind !== "enabled" && !(kind === "adaptive" && dice.chance(0.5))) return [];
  const thinking = dice.pick(THOUGHTS);
  return [{ type: "thinking", thinking, signature: signThinking(thinking, `Er${dice.word(60)}`) }];
}

function reportResults(results: readonly string[], dice: Dice): string {
  const lines = results.map((result) => `- ${dice.pick(LINKS)}: ${shortened(result, 240)}`);
  return [dice.pick(OPENERS), ...lines, dice.pick(CLOSERS)].join("\n");
}

function reflect(prompt: string, dice: Dice): string {
  const words = prompt.trim().split(/\s+/);
  const piece = shortened(words.slice(dice.int(0, Math.max(0, words.length - 12))).join(" "), 90);
  const advice = [dice.pick(ADVICE), dice.pick(ADVICE)];
  return `${dice.pick(REFLECTIONS)} “${piece}”: ${[...new Set(advice)].join("; ")}. ${dice.pick(CLOSERS)}`;
}

function shortened(text: string, length: number): string {
  const letters = Array.from(text);
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join("")}…`;
}

function textOf(content: string | readonly InputBlock[]): string {
  if (typeof content === "string") return content;
  return content.filter((block) => block.type === "text").map((block) => block.text).join("\n");
}
