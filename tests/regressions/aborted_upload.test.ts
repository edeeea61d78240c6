/**
 * An upload that is aborted while its stream is still giving must not come back as an unhandled rejection of the
 * recorder: seen once, in a generated agent on Deno. Without the guard in `core/seams/fetch.ts` this ends with 1.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { agent, assertExact, onEachRuntime } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";

onEachRuntime("an upload aborted in the middle ends the upload, not the agent", async (box, runtime) => {
  const server = createServer((request) => void request.resume());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ORIGIN = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tape = box.path("upload.tape");
  const command = runtime.command(agent("aborted_upload.mjs"));
  const ran = await box.tracefork(["run", "-o", tape, "--", ...command], { env: { ORIGIN } });
  server.closeAllConnections();
  server.close();
  assert.equal(ran.code, 0, told(ran));
  assert.match(ran.out, /^AbortError\nalive \d+\n$/);
  assertExact(await box.replay(tape));
});
