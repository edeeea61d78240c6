/**
 * W19: the original compared requests of a fork byte for byte, past the matcher that had recorded them, so a redacted
 * tape could not be forked. Here requests are matched after redaction, in the prefix and in the tail.
 */
import assert from "node:assert/strict";
import { assertExact, onEachRuntime } from "../helpers/box.ts";
import { assertForked, fork } from "../helpers/fork.ts";
import { told } from "../helpers/process.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

onEachRuntime("W19: recorded with one set of secrets, forked with another", async (box, runtime) => {
  let asked = 0;
  await withServer((_, response) => response.end(`answer ${++asked}`), async (url) => {
    const script = writeAgent(
      box,
      `const ask = async (text) => (await fetch(url, {
        method: "POST",
        headers: { "x-tenant": process.env.TENANT },
        body: JSON.stringify({ text, badge: process.env.TENANT, api_key: process.env.API_KEY }),
      })).text();
      for (const text of ["one", "two", "three"]) console.log(await ask(text));`,
    );
    const first = {
      SERVICE_URL: url,
      TENANT: "tenant-one-secret-value",
      API_KEY: "key-one-0123456789abcdef",
    };
    const args = [
      "run",
      "--name",
      "r",
      "--redact",
      "header:x-tenant,env:TENANT",
      "--",
      ...runtime.command(script),
    ];
    const ran = await box.tracefork(args, { env: first });
    assert.equal(ran.code, 0, told(ran));
    const second = {
      SERVICE_URL: url,
      TENANT: "tenant-two-other-value",
      API_KEY: "key-two-fedcba9876543210",
    };
    const forked = await fork(box, ["r:0", "--header", "x-changed=1", "--json"], second);
    assert.deepEqual([forked.served_from_tape, forked.live], [2, []], told(forked.ran));
    assert.equal(asked, 3);
    assertExact(await box.replay(assertForked(forked), [], { env: first }));
  });
});
