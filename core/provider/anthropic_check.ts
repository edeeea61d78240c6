/**
 * Says what Anthropic's Messages API would refuse in a request, in the words of the API.
 *
 * It knows the mistakes that agents make (missing fields, unpaired tool results, an altered thinking block). Fields
 * that it does not know pass unread; the real API is stricter there.
 */
import {
  blocksOf,
  type InputBlock,
  type InputMessage,
  type MessagesRequest,
  type Tool,
  type WireError,
} from "./anthropic_wire.ts";
import { hash32 } from "./dice.ts";

type Json = Record<string, unknown>;

/** The first thing wrong with a request body, or undefined: then the body is a `MessagesRequest`. */
export function checkRequest(body: unknown): WireError | undefined {
  if (!isObject(body)) return invalid("Input should be a valid dictionary");
  const problem = checkFields(body) ?? checkTools(body) ?? checkThinking(body);
  if (problem !== undefined) return invalid(problem);
  if (!(body.model as string).startsWith("claude-")) {
    return { type: "not_found_error", message: `model: ${body.model}` };
  }
  const conversation = checkMessages((body as unknown as MessagesRequest).messages);
  return conversation === undefined ? undefined : invalid(conversation);
}

/** A thinking block's signature: it fits the text that it was made for, and is known again after a restart. */
export function signThinking(thinking: string, nonce: string): string {
  return `${nonce}${hash32(nonce + thinking, 7).toString(16).padStart(8, "0")}==`;
}

function checkFields(body: Json): string | undefined {
  for (const name of ["model", "max_tokens", "messages"]) {
    if (body[name] === undefined) return `${name}: Field required`;
  }
  if (typeof body.model !== "string") return "model: Input should be a valid string";
  if (!Number.isInteger(body.max_tokens)) return "max_tokens: Input should be a valid integer";
  if ((body.max_tokens as number) < 1) return "max_tokens: Input should be greater than or equal to 1";
  if (!Array.isArray(body.messages)) return "messages: Input should be a valid list";
  if (body.messages.length === 0) return "messages: at least one message is required";
  if (body.stream !== undefined && typeof body.stream !== "boolean") {
    return "stream: Input should be a valid boolean";
  }
  const temperature = body.temperature;
  if (typeof temperature === "number" && (temperature < 0 || temperature > 1)) {
    return "temperature: range: 0..1";
  }
  return undefined;
}

function checkTools(body: Json): string | undefined {
  const tools = body.tools ?? [];
  if (!Array.isArray(tools)) return "tools: Input should be a valid list";
  for (const [i, tool] of tools.entries()) {
    if (!isObject(tool)) return `tools.${i}: Input should be a valid dictionary`;
    if (tool.type !== undefined && tool.type !== "custom") continue;
    if (typeof tool.name !== "string") return `tools.${i}.custom.name: Field required`;
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(tool.name)) {
      return `tools.${i}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
    }
    if (!isObject(tool.input_schema)) return `tools.${i}.custom.input_schema: Field required`;
    if (tool.input_schema.type !== "object") {
      return `tools.${i}.custom.input_schema.type: Input should be 'object'`;
    }
  }
  const names = (tools as Tool[]).map((tool) => tool.name);
  if (new Set(names).size < names.length) return "tools: Tool names must be unique.";
  const choice = body.tool_choice;
  if (!isObject(choice)) return undefined;
  if (names.length === 0) return "tool_choice: tool_choice may only be specified while providing tools";
  if (choice.type === "tool" && !names.includes(choice.name as string)) {
    return `tool_choice: Tool '${choice.name}' not found in provided tools`;
  }
  return undefined;
}

function checkThinking(body: Json): string | undefined {
  if (!isObject(body.thinking) || body.thinking.type !== "enabled") return undefined;
  const budget = body.thinking.budget_tokens;
  if (typeof budget !== "number") return "thinking.enabled.budget_tokens: Field required";
  if (budget < 1024) {
    return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024";
  }
  if (budget >= (body.max_tokens as number)) {
    return "`max_tokens` must be greater than `thinking.budget_tokens`";
  }
  return undefined;
}

function checkMessages(messages: readonly InputMessage[]): string | undefined {
  let open: string[] = [];
  for (const [i, message] of messages.entries()) {
    const problem = checkMessage(message, i);
    if (problem !== undefined) return problem;
    const blocks = blocksOf(message);
    const answered = idsOf(blocks, "tool_result", "tool_use_id");
    const stray = answered.find((id) => !open.includes(id));
    if (stray !== undefined) {
      const at = blocks.findIndex((block) => block.tool_use_id === stray);
      return `messages.${i}.content.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. ` +
        "Each `tool_result` block must have a corresponding `tool_use` block in the previous message.";
    }
    const missing = open.filter((id) => !answered.includes(id));
    if (missing.length > 0) return unanswered(i - 1, missing);
    open = message.role === "assistant" ? idsOf(blocks, "tool_use", "id") : [];
    if (new Set(open).size < open.length) return `messages.${i}: \`tool_use\` ids must be unique`;
  }
  return open.length > 0 ? unanswered(messages.length - 1, open) : undefined;
}

function checkMessage(message: unknown, i: number): string | undefined {
  if (!isObject(message)) return `messages.${i}: Input should be a valid dictionary`;
  if (!["user", "assistant", "system"].includes(message.role as string)) {
    return `messages.${i}.role: Input should be 'user', 'assistant' or 'system'`;
  }
  if (i === 0 && message.role !== "user") return 'messages: first message must use the "user" role';
  if (message.content === undefined) return `messages.${i}.content: Field required`;
  if (typeof message.content === "string") {
    return message.content === "" ? `messages.${i}: content must be non-empty` : undefined;
  }
  if (!Array.isArray(message.content)) return `messages.${i}.content: Input should be a valid list`;
  if (message.content.length === 0) return `messages.${i}: content must be non-empty`;
  for (const [j, block] of (message.content as unknown[]).entries()) {
    const at = `messages.${i}.content.${j}`;
    if (!isObject(block) || typeof block.type !== "string") return `${at}.type: Field required`;
    const problem = checkBlock(block as unknown as InputBlock, message.role as string);
    if (problem !== undefined) return `${at}${problem}`;
  }
  return undefined;
}

function checkBlock(block: InputBlock, role: string): string | undefined {
  if (block.type === "text") {
    if (typeof block.text !== "string") return ".text.text: Field required";
    return block.text === "" ? ": text content blocks must be non-empty" : undefined;
  }
  if (block.type === "tool_result") {
    if (role !== "user") return ": `tool_result` blocks can only be in `user` messages";
    return typeof block.tool_use_id === "string" ? undefined : ".tool_result.tool_use_id: Field required";
  }
  if (block.type === "tool_use") {
    if (role !== "assistant") return ": `tool_use` blocks can only be in `assistant` messages";
    if (typeof block.id !== "string" || !/^[a-zA-Z0-9_-]+$/.test(block.id)) {
      return ".tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'";
    }
    return typeof block.name === "string" ? undefined : ".tool_use.name: Field required";
  }
  if (block.type === "thinking") {
    const signature = block.signature ?? "";
    const fits = signature === signThinking(block.thinking ?? "", signature.slice(0, -10));
    return fits ? undefined : ": Invalid `signature` in `thinking` block";
  }
  return undefined;
}

function unanswered(i: number, ids: readonly string[]): string {
  return `messages.${i}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
    `${
      ids.join(", ")
    }. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
}

function idsOf(blocks: readonly InputBlock[], type: string, key: "id" | "tool_use_id"): string[] {
  return blocks.filter((block) => block.type === type).map((block) => block[key] as string);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): WireError {
  return { type: "invalid_request_error", message };
}
