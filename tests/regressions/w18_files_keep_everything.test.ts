/**
 * W18 of the Python original: a tape's file drops URLs and where it comes from, so what works on the run in the store
 * no longer works on its file. Here an exported file says all that the store says of the run, and a replay from it checks
 * as much as one from the store.
 */
import assert from "node:assert/strict";
import { agent, answer, assertDiverged, assertExact, boxed } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const DENO = runtimeNamed("deno");

boxed("a file shows method, URL, headers, status, times, draws and origin as the store does", async (box) => {
  await withModel(async ({ env }) => {
    const command = DENO.command(agent("booking.ts"));
    const ran = await box.tracefork(["run", "--name", "booking", "--", ...command], { env });
    assert.equal(ran.code, 0, told(ran));
  });
  const tape = box.path("booking.tape");
  assert.equal((await box.tracefork(["export", "booking", "-o", tape])).code, 0);
  const shown = async (...args: string[]) => {
    const ran = await box.tracefork(["show", ...args, "--json"]);
    assert.equal(ran.code, 0, told(ran));
    return answer<Record<string, unknown> & { exchanges: { url: string; status: number }[] }>(ran);
  };
  const [store, file] = [await shown("booking"), await shown(tape)];
  assert.deepEqual(file, store);
  assert.match(file.exchanges[0]!.url, /^http:\/\/127\.0\.0\.1:\d+\/v1\/messages/);
  for (const step of store.exchanges.keys()) {
    const [a, b] = [await shown(`booking:${step}`), await shown(`${tape}:${step}`)];
    assert.deepEqual(b, a);
    assert.ok((b.request as { headers: unknown[] }).headers.length > 3);
  }
  assert.deepEqual(await shown(tape, "--draws"), await shown("booking", "--draws"));
  const [replayed, again] = [await box.replay("booking"), await box.replay(tape)];
  assertExact(replayed);
  assertExact(again);
  assert.equal(again.fingerprint.replayed, replayed.fingerprint.replayed);
});

boxed("a request to another URL diverges from the file too", async (box) => {
  const script = writeAgent(
    box,
    `await (await fetch(url + (process.env.OTHER ?? "/one"), { method: "POST", body: "x" })).text();`,
  );
  const tape = await withServer((_, response) => void response.end("y"), async (url) => {
    await box.tracefork(["run", "--", ...DENO.command(script)], { env: { SERVICE_URL: url } });
    await box.tracefork(["export", "-o", box.path("x.tape")]);
    return box.path("x.tape");
  });
  assertExact(await box.replay(tape));
  writeAgent(box, `await (await fetch(url + "/two", { method: "POST", body: "x" })).text();`);
  assertDiverged(await box.replay(tape), "request", "code_change");
});
