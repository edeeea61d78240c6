/** W7: in the original an agent that swallowed the divergence in try/catch passed. A divergence stays, whatever the agent does. */
import assert from "node:assert/strict";
import { assertDiverged, assertExact, onEachRuntime } from "../helpers/box.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const AGENT = `async function ask(what) {
  try {
    return await (await fetch(url, { method: "POST", body: what })).text();
  } catch {
    return "nothing";
  }
}
if (args.includes("wrong-first")) await ask("wrong");
console.log(await ask("right"));
if (args.includes("too-many")) await ask("one too many");
if (args.includes("on-exit")) process.on("exit", () => { process.exitCode = 0; });`;

onEachRuntime(
  "a wrong call before the right one, or one too many, inside try/catch is no pass",
  async (box, runtime) => {
    const script = writeAgent(box, AGENT);
    const tape = await withServer(
      (_, response, body) => void response.end(`answer to ${body}`),
      (url) => box.record("swallowed.tape", runtime.command(script), { env: { SERVICE_URL: url } }),
    );
    const replay = (...args: string[]) => box.replay(tape, ["--", ...runtime.command(script, ...args)]);
    assertExact(await replay());
    assertDiverged(await replay("wrong-first"), "request", "code_change");
    const extra = await replay("too-many");
    assertDiverged(extra, "request", "extra_request");
    assert.equal(extra.exchanges.matched, 1);
    assertDiverged(await replay("too-many", "on-exit"), "request", "extra_request");
  },
);
