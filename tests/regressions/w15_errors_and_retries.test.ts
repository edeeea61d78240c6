/**
 * W15: the original recorded no transport error, and switched retries off while it recorded, so that the agent behaved as it
 * never would.
 */
import assert from "node:assert/strict";
import { agent, assertExact, onEachRuntime } from "../helpers/box.ts";
import { MODEL_KEY, withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

onEachRuntime(
  "resets before and in a body and refused connections replay as the same errors",
  async (box, runtime) => {
    const script = writeAgent(
      box,
      `const chain = (error) => error === undefined ? [] : [error.constructor.name, error.name, error.message, error.code,
      ...chain(error.cause)];
    for (const target of [url + "/reset", url + "/half", "http://127.0.0.1:1/", url + "/fine"]) {
      try {
        const response = await fetch(target);
        console.log(response.status);
        console.log(await response.text());
      } catch (error) {
        console.log(JSON.stringify(chain(error)), error instanceof TypeError, error instanceof Error);
      }
    }
    try {
      await fetch(url + "/never", { signal: AbortSignal.timeout(20) });
    } catch (error) {
      console.log(error.name, error instanceof DOMException);
    }`,
    );
    const tape = await withServer((request, response) => {
      if (request.url === "/reset") request.socket.destroy();
      else if (request.url === "/half") {
        response.writeHead(200, { "content-length": "100" });
        response.write("half of it", () => request.socket.destroy());
      } else if (request.url === "/fine") response.end("fine");
    }, (url) => box.record("errors.tape", runtime.command(script), { env: { SERVICE_URL: url } }));
    const replayed = await box.replay(tape, ["--output"]);
    assertExact(replayed);
    assert.equal(replayed.exchanges.recorded, 5);
    assert.match(replayed.ran.err, /fine\nTimeoutError true\n$/, told(replayed.ran));
  },
);

onEachRuntime(
  "an SDK retries under the recorder as often as it does alone, and every attempt is on the tape",
  async (box, runtime) => {
    const command = runtime.command(agent("booking.ts"));
    // Every call is refused twice: as often as the server ever refuses one.
    const options = { errorRate: 1 };
    const count = (run: (env: Readonly<Record<string, string>>) => Promise<unknown>) =>
      withModel(async (model) => {
        await run(model.env);
        return model.requests();
      }, options);
    const alone = await count(async (env) => {
      const ran = await box.start(command, { env }).done;
      assert.equal(ran.code, 0, told(ran));
    });
    const recorded = await count((env) => box.record("retries.tape", command, { env }));
    assert.ok(alone > 2, `${alone} requests`);
    assert.equal(recorded, alone);
    const replayed = await box.replay(box.path("retries.tape"), [], {
      env: { ANTHROPIC_API_KEY: MODEL_KEY },
    });
    assertExact(replayed);
    assert.equal(replayed.exchanges.recorded, alone);
  },
);
