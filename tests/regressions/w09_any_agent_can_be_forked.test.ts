/**
 * W9: the original could fork an importable Python function with a synchronous Anthropic client only. Here a fork is
 * of a command: asynchronous agents, on each runtime, with any SDK or none.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { agent, assertExact, onEachRuntime } from "../helpers/box.ts";
import { assertForked, fork } from "../helpers/fork.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";

onEachRuntime("W9: an asynchronous agent with four calls in flight is forked", async (box, runtime) => {
  await withModel(async ({ env }) => {
    const ran = await box.tracefork(["run", "--", ...runtime.command(agent("four.mjs"), "2")], { env });
    assert.equal(ran.code, 0, told(ran));
    const forked = await fork(box, ["latest:1", "--text", "otherwise", "--json"], env);
    assertExact(await box.replay(assertForked(forked)));
  }, { errorRate: 0 });
});

onEachRuntime("W9: an agent that asks no model at all is forked", async (box, runtime) => {
  await withServer((request, response) => response.end(`stock of ${request.url}`), async (url) => {
    const script = writeAgent(
      box,
      `const get = async (path) => (await fetch(url + path)).text();
      const first = await get("/tea");
      console.log(first, await get("/order?" + encodeURIComponent(first)));`,
    );
    const env = { SERVICE_URL: url };
    await box.tracefork(["run", "--", ...runtime.command(script)], { env });
    const file = box.path("none.txt");
    writeFileSync(file, "none");
    const forked = await fork(box, ["latest:0", "--response", file, "--json"], env);
    assertForked(forked);
    assert.match(forked.ran.err, /^none stock of \/order\?none$/m);
  });
});
