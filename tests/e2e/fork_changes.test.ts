/** Every kind of change, served at a step to agents that parse what they get as strictly as their SDK does. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { agent, assertExact, type Box, boxed, onEachRuntime } from "../helpers/box.ts";
import { assertForked, fork } from "../helpers/fork.ts";
import { MODEL_KEY, withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { type Runtime, runtimeNamed } from "../helpers/runtimes.ts";
import { withServer } from "../helpers/serve.ts";

const QUIET = { errorRate: 0 };

/** Records the SDK's agent, forks it at step 1, replays the branch, and gives its lines of output. */
async function forkAsks(
  box: Box,
  runtime: Runtime,
  args: readonly string[],
  how: readonly string[] = [],
  step = 1,
): Promise<{ lines: string[]; live: number; recorded: string[] }> {
  return await withModel(async ({ env, requests }) => {
    const command = runtime.command(agent("asks.mjs"), ...how);
    const ran = await box.tracefork(["run", "--name", "asked", "--", ...command], { env });
    assert.equal(ran.code, 0, told(ran));
    const before = requests();
    const forked = await fork(box, [`asked:${step}`, "--json", ...args], env);
    const branch = assertForked(forked);
    assert.equal(forked.live.length, requests() - before, told(forked.ran));
    const replayed = await box.replay(branch, ["--output"]);
    assertExact(replayed);
    const lines = replayed.ran.err.trimEnd().split("\n");
    const recorded = ran.out.trimEnd().split("\n");
    assert.equal(lines[0], recorded[0]);
    return { lines, live: forked.live.length, recorded };
  }, QUIET);
}

for (const how of [[], ["stream"]]) {
  const name = how[0] ?? "in one piece";
  onEachRuntime(
    `--text is what the SDK reads, and the next request holds it (${name})`,
    async (box, runtime) => {
      const { lines, live, recorded } = await forkAsks(
        box,
        runtime,
        ["--text", "ça alors 🌍, no seats"],
        how,
      );
      assert.equal(lines[1], "ça alors 🌍, no seats (end_turn)");
      assert.equal(live, 1);
      assert.notEqual(lines[2], recorded[2]);
    },
  );

  boxed(`--edit sets fields of an answer (${name})`, async (box) => {
    const edits = ["--edit", 'content[0].text="edited"', "--edit", 'stop_reason="max_tokens"'];
    const { lines } = await forkAsks(box, runtimeNamed("node"), edits, how);
    assert.equal(lines[1], "edited (max_tokens)");
  });

  boxed(
    `control: without a change the branch says what the run said, and nothing is sent (${name})`,
    async (box) => {
      const { lines, live, recorded } = await forkAsks(box, runtimeNamed("bun"), [], how);
      assert.deepEqual(lines, recorded);
      assert.equal(live, 0);
    },
  );
}

boxed("--status and --header: the SDK throws its error for that status, with that header", async (box) => {
  const { lines } = await forkAsks(box, runtimeNamed("deno"), [
    "--status",
    "429",
    "--header",
    "retry-after=17",
  ]);
  assert.equal(lines[1], "RateLimitError 429 17");
});

onEachRuntime(
  "--error reset and timeout: the SDK throws its error for a connection",
  async (box, runtime) => {
    const { lines } = await forkAsks(box, runtime, ["--error", "reset", "--at", "2", "--error", "timeout"]);
    assert.match(lines[1]!, /^APIConnectionError/);
    // Its third request is another one now, so the second change was not asked for.
    assert.doesNotMatch(lines[2]!, /^APIConnectionError/);
  },
);

boxed("--response takes a body, and JSON with status, headers and body", async (box) => {
  const message = {
    id: "msg_mine",
    type: "message",
    role: "assistant",
    model: "claude-haiku-4-5-20251001",
    content: [{ type: "text", text: "from a file" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  const raw = box.path("raw.json");
  writeFileSync(raw, JSON.stringify(message));
  const { lines } = await forkAsks(box, runtimeNamed("node"), ["--response", raw]);
  assert.equal(lines[1], "from a file (end_turn)");

  const again = await forkAsks(box, runtimeNamed("bun"), ["--response", raw], ["stream"]);
  assert.equal(again.lines[1], "from a file (end_turn)");

  const whole = box.path("whole.json");
  const error = { type: "error", error: { type: "overloaded_error", message: "busy" } };
  writeFileSync(whole, JSON.stringify({ status: 529, headers: { "Retry-After": "3" }, body: error }));
  const third = await forkAsks(box, runtimeNamed("deno"), ["--response", whole]);
  assert.equal(third.lines[1], "OverloadedError 529 3");
});

const chatAnswer = (text: string) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-5",
  choices: [{
    index: 0,
    message: { role: "assistant", content: text },
    logprobs: null,
    finish_reason: "stop",
  }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

for (const how of [[], ["stream"]]) {
  onEachRuntime(
    `OpenAI's chat completions are changed and stay valid (${how[0] ?? "in one piece"})`,
    async (box, runtime) => {
      let asked = 0;
      await withServer((request, response, body) => {
        assert.equal(request.headers.authorization, `Bearer ${MODEL_KEY}`);
        const text = `answer ${++asked}`;
        if (JSON.parse(body).stream !== true) {
          response.setHeader("content-type", "application/json").end(JSON.stringify(chatAnswer(text)));
          return;
        }
        response.setHeader("content-type", "text/event-stream");
        const frame = (delta: object, finish_reason: string | null = null) =>
          response.write(`data: ${
            JSON.stringify({
              id: "chatcmpl-1",
              object: "chat.completion.chunk",
              created: 1,
              model: "gpt-5",
              choices: [{ index: 0, delta, finish_reason }],
            })
          }\n\n`);
        frame({ role: "assistant", content: "" });
        for (const word of text.split(" ")) frame({ content: ` ${word}` });
        frame({}, "stop");
        response.end("data: [DONE]\n\n");
      }, async (url) => {
        const env = { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: MODEL_KEY };
        const command = runtime.command(agent("chat.mjs"), ...how);
        const ran = await box.tracefork(["run", "--name", "chat", "--", ...command], { env });
        assert.equal(ran.code, 0, told(ran));
        const forked = await fork(box, ["chat:1", "--text", "quite another answer", "--json"], env);
        const replayed = await box.replay(assertForked(forked), ["--output"]);
        assertExact(replayed);
        assert.match(
          replayed.ran.err,
          /answer 1 \(stop\)\nquite another answer \(stop\)\n ?answer 4 \(stop\)\n/,
        );
        assert.equal(asked, 4);
      });
    },
  );
}
