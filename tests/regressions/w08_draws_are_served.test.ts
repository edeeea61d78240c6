/**
 * W8: the original's commands never served recorded ids and times, did not patch the clock, and missed functions that had been
 * imported by name.
 */
import { assertExact, boxed, onEachRuntime } from "../helpers/box.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const AGENT = `
import { randomUUID, randomBytes, randomInt } from "node:crypto";
import * as crypto from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { performance } from "node:perf_hooks";
await sleep(2);
const prompt = [
  globalThis.crypto.randomUUID(), randomUUID(), crypto.randomUUID(), randomBytes(8).toString("hex"), randomInt(1e9),
  Math.random(), Date.now(), new Date().toISOString(), Date(), performance.now(), String(process.hrtime.bigint()),
  String(globalThis.Temporal?.Now.instant()), new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "long" }).format(),
  globalThis.crypto.getRandomValues(new Uint8Array(8)).join(),
].join(" | ");
console.log(await (await fetch(url, { method: "POST", body: prompt })).text());
`;

onEachRuntime(
  "ids, times and random bytes in a prompt are on replay what they were, however they were imported",
  async (box, runtime) => {
    const script = writeAgent(box, AGENT);
    const tape = await withServer(
      (_, response, body) => void response.end(body.toUpperCase()),
      (url) => box.record("prompt.tape", runtime.command(script), { env: { SERVICE_URL: url } }),
    );
    assertExact(await box.replay(tape));
  },
);

boxed("two agents with patched clocks at once do not share their draws", async (box) => {
  const script = writeAgent(box, AGENT);
  const command = runtimeNamed("deno").command(script);
  const tapes = await withServer(
    (_, response, body) => void response.end(body),
    (url) =>
      Promise.all(
        ["a.tape", "b.tape"].map((name) => box.record(name, command, { env: { SERVICE_URL: url } })),
      ),
  );
  for (const replayed of await Promise.all(tapes.map((tape) => box.replay(tape)))) assertExact(replayed);
});
