/** Bun's own `fetch`, which can't be replaced, must not reach the world in a replay, nor let the replay pass. */
import assert from "node:assert/strict";
import { boxed } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const WAYS: Readonly<Record<string, string>> = {
  "Bun.fetch": "Bun.fetch",
  "fetch of the module bun": `(await import("bun")).fetch`,
};

for (const [way, source] of Object.entries(WAYS)) {
  boxed(`${way} reaches nobody in a replay, and what it then says differs`, async (box) => {
    const script = writeAgent(
      box,
      `Math.random();
      const ask = ${source};
      const said = await ask(url + "/x").then((answer) => answer.text(), (error) => "failed " + error.code);
      console.log(said, process.env.HTTP_PROXY, "HTTP_PROXY" in process.env, Object.keys(process.env).includes("no_proxy"));`,
    );
    let asked = 0;
    await withServer((_, response) => {
      asked++;
      response.end("fine");
    }, async (url) => {
      const tape = await box.record("past.tape", runtimeNamed("bun").command(script), {
        env: { SERVICE_URL: url },
      });
      // Control: while recording it does reach the server, with nothing held.
      assert.equal(asked, 1);
      const replayed = await box.replay(tape, ["--output"]);
      assert.equal(asked, 1, "the server is up, and was asked");
      assert.equal(replayed.exact, false, told(replayed.ran));
      assert.match(replayed.ran.err, /failed ECONNREFUSED undefined false false/);
      assert.equal(replayed.network_calls, 0);
    });
  });
}
