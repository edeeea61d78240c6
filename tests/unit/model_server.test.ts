/** The embedded model server, seen by the official SDK and by plain fetch. */
import Anthropic from "@anthropic-ai/sdk";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { promisify } from "node:util";
import { cryptoDice, seededDice } from "../../core/provider/dice.ts";
import {
  type ModelServer,
  type ModelServerOptions,
  startModelServer,
} from "../../core/provider/model_server.ts";
import { sampleSchema } from "../../core/provider/schema_sample.ts";
import { cutIntoWrites } from "../../core/provider/sse_writes.ts";

type Json = Record<string, unknown>;

const MODEL = "claude-haiku-4-5-20251001";
const QUICK: ModelServerOptions = {
  latencyMs: [0, 3],
  chunkDelayMs: [0, 1],
  retryAfterMs: [1, 5],
  errorRate: 0,
};
const BOOK: Anthropic.Tool = {
  name: "book",
  input_schema: {
    type: "object",
    properties: {
      seat: { enum: ["window", "aisle"] },
      day: { type: "string", format: "date" },
      guests: { type: "integer", minimum: 2, maximum: 4 },
    },
    required: ["seat", "day", "guests"],
  },
};
const LOOK: Anthropic.Tool = { name: "look", input_schema: { type: "object", properties: {} } };

function withServer(
  name: string,
  options: ModelServerOptions,
  body: (server: ModelServer) => Promise<void>,
): void {
  test(name, async () => {
    const server = await startModelServer({ ...QUICK, ...options });
    try {
      await body(server);
    } finally {
      await server.close();
    }
  });
}

function clientOf(server: ModelServer, maxRetries = 2): Anthropic {
  return new Anthropic({ baseURL: server.url, apiKey: "sk-ant-test", maxRetries, logLevel: "off" });
}

function ask(content = "héllo 日本語 👋"): Anthropic.MessageCreateParamsNonStreaming {
  return { model: MODEL, max_tokens: 500, messages: [{ role: "user", content }] };
}

function post(server: ModelServer, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const all = {
    "x-api-key": "k",
    "anthropic-version": "2023-06-01",
    "content-type": "application/json",
    ...headers,
  };
  return fetch(`${server.url}/v1/messages`, {
    method: "POST",
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== "")),
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

function textOf(message: Anthropic.Message): string {
  return message.content.map((block) => block.type === "text" ? block.text : "").join("");
}

withServer("an answer in one piece has the API's shape", { gzipRate: 1 }, async (server) => {
  const { data, response } = await clientOf(server).messages.create(ask()).withResponse();
  assert.match(data.id, /^msg_01[1-9A-Za-z]{22}$/);
  assert.equal(data.type, "message");
  assert.equal(data.role, "assistant");
  assert.equal(data.model, MODEL);
  assert.equal(data.stop_reason, "end_turn");
  assert.match(textOf(data), /日本語/);
  assert.ok(data.usage.input_tokens > 0 && data.usage.output_tokens > 0);
  assert.match(response.headers.get("request-id") ?? "", /^req_011C/);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("anthropic-ratelimit-requests-limit"), "4000");
  assert.ok(!Number.isNaN(Date.parse(response.headers.get("date") ?? "")));
});

withServer("a stream's events come in the API's order", {}, async (server) => {
  const response = await post(server, {
    ...ask(),
    stream: true,
    tools: [BOOK],
    tool_choice: { type: "any" },
  });
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const text = await response.text();
  const types = [...text.matchAll(/^event: (\w+)\ndata: \{.*"type":"\1".*\}\n\n/gm)].map((match) => match[1]);
  assert.equal(types.length, text.split("\n\n").length - 1, "an event's name is its data's type");
  const outline = types.filter((type) => type !== "ping").join(" ").replace(/( content_block_delta)+/g, " +");
  assert.match(
    outline,
    /^message_start( content_block_start \+ content_block_stop)+ message_delta message_stop$/,
  );
  assert.equal(types[2], "ping");
  assert.match(text, /"type":"input_json_delta","partial_json":""/);
});

withServer("the SDK's accumulated message is what the events say", {}, async (server) => {
  let streamed = "";
  const stream = clientOf(server).messages.stream(ask()).on("text", (text) => streamed += text);
  const message = await stream.finalMessage();
  assert.equal(textOf(message), streamed);
  assert.equal(await stream.finalText(), streamed);
  assert.equal(message.stop_reason, "end_turn");
});

withServer(
  "an agent's tool loop ends and quotes what the tools returned",
  { errorRate: 0.3 },
  async (server) => {
    for (let i = 0; i < 10; i++) {
      const messages: Anthropic.MessageParam[] = [{ role: "user", content: "book me a seat" }];
      const returned: string[] = [];
      for (let step = 0;; step++) {
        assert.ok(step < 6, "the model goes on calling tools");
        const message = await clientOf(server).messages.stream({ ...ask(), tools: [BOOK, LOOK], messages })
          .finalMessage();
        const calls = message.content.filter((block) => block.type === "tool_use");
        assert.equal(message.stop_reason, calls.length > 0 ? "tool_use" : "end_turn");
        if (calls.length === 0) {
          assert.ok(returned.length > 0);
          for (const id of returned) assert.ok(textOf(message).includes(id), "a result is left out");
          break;
        }
        const content = calls.map((call) => {
          assert.match(call.id, /^toolu_01[1-9A-Za-z]{22}$/);
          const input = call.input as Json;
          if (call.name === "book") {
            assert.match(
              `${input.seat} ${input.day} ${input.guests}`,
              /^(window|aisle) \d{4}-\d\d-\d\d [234]$/,
            );
          }
          returned.push(`result ${crypto.randomUUID()}`);
          return { type: "tool_result" as const, tool_use_id: call.id, content: returned.at(-1) as string };
        });
        messages.push({ role: "assistant", content: message.content }, { role: "user", content });
      }
    }
  },
);

withServer("a thinking block goes back unchanged or not at all", {}, async (server) => {
  const params = { ...ask(), max_tokens: 3000, thinking: { type: "enabled" as const, budget_tokens: 1024 } };
  const client = clientOf(server);
  const { content } = await client.messages.stream(params).finalMessage();
  const [block] = content;
  assert.ok(block?.type === "thinking" && block.thinking !== "" && block.signature !== "");
  const goOn = (content: Anthropic.ContentBlockParam[]) => {
    const turns = [{ role: "assistant" as const, content }, { role: "user" as const, content: "go on" }];
    return client.messages.create({ ...params, messages: [...params.messages, ...turns] });
  };
  await goOn(content);
  await assert.rejects(goOn([{ ...block, thinking: "something else" }]), { status: 400 });
});

withServer("a refused call gets through at the third try, not before", { errorRate: 1 }, async (server) => {
  await assert.rejects(
    clientOf(server, 1).messages.create(ask()),
    (error) => error instanceof Anthropic.APIError && [429, 529].includes(error.status ?? 0),
  );
  const before = server.requests;
  assert.notEqual(textOf(await clientOf(server, 2).messages.create(ask())), "");
  assert.equal(server.requests - before, 3);

  const plain = ask("without a retry count");
  const statuses = [];
  for (let i = 0; i < 3; i++) {
    const response = await post(server, plain);
    statuses.push(response.status);
    const body = await response.json() as Json;
    if (response.ok) continue;
    assert.ok(Number(response.headers.get("retry-after")) <= 1);
    assert.ok(Number(response.headers.get("retry-after-ms")) >= 1);
    assert.equal(body.type, "error");
    assert.equal(body.request_id, response.headers.get("request-id"));
  }
  assert.match(statuses.join(" "), /^(429|529) (429|529) 200$/);
});

withServer("mistakes are refused in the API's words", { apiKey: "k" }, async (server) => {
  const question = { role: "user", content: "hi" };
  const call = { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "look", input: {} }] };
  const result = { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_2", content: "x" }] };
  const cases: [unknown, RegExp, number, Record<string, string>?][] = [
    [{ ...ask(), max_tokens: undefined }, /^max_tokens: Field required$/, 400],
    [{ ...ask(), messages: [] }, /at least one message is required/, 400],
    [{ ...ask(), messages: [question, result] }, /^messages\.1\.content\.0: unexpected `tool_use_id`/, 400],
    [{ ...ask(), messages: [question, call, question] }, /^messages\.1: `tool_use` ids were found/, 400],
    [{ ...ask(), messages: [question, call, result] }, /unexpected `tool_use_id`.*toolu_2/, 400],
    [{ ...ask(), tools: [{ ...BOOK, name: "no spaces" }] }, /String should match pattern/, 400],
    [{ ...ask(), tool_choice: { type: "any" } }, /while providing tools/, 400],
    ["{", /not valid JSON/, 400],
    [ask(), /^anthropic-version: header is required$/, 400, { "anthropic-version": "" }],
    [ask(), /^x-api-key header is required$/, 401, { "x-api-key": "" }],
    [ask(), /^invalid x-api-key$/, 401, { "x-api-key": "other" }],
    [{ ...ask(), model: "gpt-0" }, /^model: gpt-0$/, 404],
  ];
  for (const [body, message, status, headers] of cases) {
    const response = await post(server, body, headers);
    const { type, error } = await response.json() as { type: string; error: { message: string } };
    assert.equal(type, "error");
    assert.match(error.message, message);
    assert.equal(response.status, status, error.message);
  }
  const elsewhere = await fetch(`${server.url}/v1/complete`);
  assert.equal(elsewhere.status, 404);
  await elsewhere.text();
  await assert.rejects(
    clientOf(server).messages.create(ask()),
    (error) => error instanceof Anthropic.AuthenticationError && error.type === "authentication_error",
  );
});

withServer("no two answers are alike", {}, async (server) => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => clientOf(server).messages.create(ask())),
  );
  assert.equal(new Set(answers.map((answer) => answer.id)).size, 12);
  assert.ok(new Set(answers.map(textOf)).size > 1);
});

test("seeded servers answer alike, differently seeded ones don't", async () => {
  const answers = await Promise.all(["a", "a", "b"].map(async (seed) => {
    const server = await startModelServer({ ...QUICK, seed });
    const response = await post(server, { ...ask(), stream: true });
    const text = await response.text();
    await server.close();
    return text;
  }));
  assert.equal(answers[0], answers[1]);
  assert.notEqual(answers[0], answers[2]);
});

withServer("a stream may break off with an error event", { streamErrorRate: 1 }, async (server) => {
  await assert.rejects(
    clientOf(server).messages.stream(ask()).finalMessage(),
    (error) => error instanceof Anthropic.APIError && error.type === "overloaded_error",
  );
});

test("writes cut events anywhere, join some, and lose no byte", () => {
  const events = ["event: a\ndata: 日本語\n\n", "event: b\ndata: 👋\n\n", "event: c\ndata: x\n\n"];
  let inside = 0, joined = 0;
  for (let i = 0; i < 200; i++) {
    const writes = cutIntoWrites(events, cryptoDice());
    assert.equal(Buffer.concat(writes).toString(), events.join(""));
    inside += writes.filter((write) => ((write[0] ?? 0) & 0xc0) === 0x80).length;
    joined += writes.filter((write) => Buffer.from(write).toString().split("event:").length > 2).length;
  }
  assert.ok(inside > 0 && joined > 0, `${inside} cuts inside a character, ${joined} joined writes`);
});

test("values made up for a schema satisfy it", () => {
  const schema = {
    type: "object",
    properties: {
      kind: { const: "node" },
      score: { type: "number", exclusiveMinimum: 0, maximum: 1 },
      tags: { type: "array", items: { type: "string", maxLength: 5 }, minItems: 2, maxItems: 3 },
      either: { anyOf: [{ type: "boolean" }, { type: "null" }] },
      next: { $ref: "#/$defs/node" },
    },
    required: ["kind", "score", "tags", "either", "next"],
    $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" } } } },
  };
  for (let i = 0; i < 200; i++) {
    const context = { dice: seededDice(String(i)), words: ["one", "two"], ids: [] };
    const value = sampleSchema(schema, context) as { score: number; tags: string[] } & Json;
    assert.equal(value.kind, "node");
    assert.ok(value.score > 0 && value.score <= 1, `score ${value.score}`);
    assert.ok(value.tags.length >= 2 && value.tags.length <= 3 && value.tags.every((tag) => tag.length <= 5));
    assert.ok(value.either === null || typeof value.either === "boolean");
    assert.equal(typeof value.next, "object");
  }
});

test("close ends open streams at once and frees the port", async () => {
  const server = await startModelServer({ ...QUICK, chunkDelayMs: [60_000, 60_000] });
  const response = await post(server, { ...ask(), stream: true });
  const reading = response.text().then(() => "read to the end", () => "broken off");
  const before = performance.now();
  await server.close();
  await server.close();
  assert.ok(performance.now() - before < 1000);
  assert.equal(await reading, "broken off");
  await assert.rejects(fetch(server.url));
});

test("a closed server doesn't keep its process alive", async () => {
  const url = new URL("../../core/provider/model_server.ts", import.meta.url).href;
  const script = `
    import { startModelServer } from ${JSON.stringify(url)};
    const server = await startModelServer({ latencyMs: [60_000, 60_000] });
    const headers = { "x-api-key": "k", "anthropic-version": "1" };
    const body = ${JSON.stringify(JSON.stringify(ask()))};
    const call = fetch(server.url + "/v1/messages", { method: "POST", headers, body }).catch(() => {});
    while (server.requests === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await server.close();
    await call;
    console.log("over");`;
  const args = process.versions.deno !== undefined
    ? ["eval", script]
    : process.versions.bun !== undefined
    ? ["-e", script]
    : ["--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 10_000 });
  assert.match(stdout, /over/);
});
