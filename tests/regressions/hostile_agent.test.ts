/**
 * An agent that replaces `JSON.stringify` and the ways to end a process can't keep an extra request to itself. With
 * the report written through the globals of that moment, this was EXACT on Bun and Node.
 */
import { agent, assertDiverged, assertExact, onEachRuntime } from "../helpers/box.ts";
import { withServer } from "../helpers/serve.ts";

onEachRuntime("an agent that replaces what reports a divergence is found out", async (box, runtime) => {
  const command = (...args: string[]) => runtime.command(agent("hostile.mjs"), ...args);
  const tape = await withServer(
    (_, response) => void response.end("{}"),
    (url) => box.record("hostile.tape", command(), { env: { ORIGIN: url } }),
  );
  assertExact(await box.replay(tape));
  assertDiverged(await box.replay(tape, ["--", ...command("extra")]), "request", "extra_request");
});
