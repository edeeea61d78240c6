/**
 * W11: the original sent a fork's tail to api.anthropic.com with a made-up key, whatever the user's key and the
 * recorded base URL were. Here the tail goes where the run went, with the key that is set.
 */
import assert from "node:assert/strict";
import { agent, onEachRuntime } from "../helpers/box.ts";
import { assertForked, fork } from "../helpers/fork.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { withServer } from "../helpers/serve.ts";

const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-haiku-4-5-20251001",
  content: [{ type: "text", text: "fine" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};

onEachRuntime(
  "W11: the tail carries the key of the environment, to the recorded base URL",
  async (box, runtime) => {
    const keys: (string | undefined)[] = [];
    await withServer((request, response) => {
      keys.push(request.headers.authorization);
      response.setHeader("content-type", "application/json").end(JSON.stringify(MESSAGE));
    }, async (url) => {
      const command = runtime.command(agent("asks.mjs"));
      const env = { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "sk-ant-first-0123456789" };
      const ran = await box.tracefork(["run", "--name", "a", "--", ...command], { env });
      assert.equal(ran.code, 0, told(ran));
      keys.length = 0;
      // Only the key is set: where to is on the tape.
      const args = ["a:1", "--text", "otherwise", "--json"];
      assertForked(await fork(box, args, { ANTHROPIC_API_KEY: "sk-ant-second-9876543210" }));
      assert.deepEqual(keys, ["Bearer sk-ant-second-9876543210"]);
      // Control: without one the tail carries a placeholder, and that is said.
      const forked = await fork(box, args);
      assertForked(forked);
      assert.match(
        forked.ran.err,
        /ANTHROPIC_API_KEY not set here: requests that went live carried a placeholder/,
      );
      assert.ok(!keys[1]!.includes("0123456789"));
    });
  },
);

onEachRuntime("W11: a fork whose tail is on the tape needs neither key nor network", async (box, runtime) => {
  await withModel(async ({ env }) => {
    await box.tracefork(["run", "--name", "a", "--", ...runtime.command(agent("asks.mjs"))], { env });
  }, { errorRate: 0 });
  // The server is gone, and no key is set.
  const forked = await fork(box, ["a:2", "--text", "the last word", "--json"]);
  assertForked(forked);
  assert.match(forked.ran.err, /^the last word \(end_turn\)$/m);
  assert.deepEqual(forked.live, []);
});
