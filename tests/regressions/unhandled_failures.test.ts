/**
 * What a runtime prints of an error that nobody handles comes from the place where the error was made, not from its
 * `stack`. A replay makes the error itself, and printed frames or source lines of tracefork's.
 */
import assert from "node:assert/strict";
import { assertExact, onEachRuntime } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const AGENTS = {
  "that nobody waits for": `fetch("http://127.0.0.1:1/");`,
  "in an async function": `async function ask() { await fetch(url + "/reset"); }\nask();`,
  "at the top level": `await fetch(url + "/reset");`,
  "of a body": `await (await fetch(url + "/half")).text();`,
  "that is thrown again":
    `fetch(url + "/reset").catch((error) => { throw new Error("no", { cause: error }); });`,
};

for (const [name, text] of Object.entries(AGENTS)) {
  onEachRuntime(
    `a failed fetch ${name} ends the replay with the words that were recorded`,
    async (box, runtime) => {
      const command = runtime.command(writeAgent(box, text));
      const tape = await withServer((request, response) => {
        if (request.url === "/reset") return request.socket.resetAndDestroy();
        response.writeHead(200, { "content-length": "9" });
        response.write("half", () => request.socket.resetAndDestroy());
      }, (SERVICE_URL) => box.record("failed.tape", command, { env: { SERVICE_URL }, code: 1 }));
      const replayed = await box.replay(tape);
      assertExact(replayed);
      assert.doesNotMatch(replayed.ran.err, /preload-/, told(replayed.ran));
    },
  );
}
