/** Deno and Bun time `console.time` by a clock of their own: what `timeEnd` printed differed in every replay. */
import assert from "node:assert/strict";
import { assertExact, onEachRuntime } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { writeAgent } from "../helpers/serve.ts";

const AGENT = `
for (const ms of [0, 2, 20, 200, 1600]) {
  console.time("work");
  if (ms > 0) await new Promise((done) => setTimeout(done, ms));
  console.timeLog("work", { ms }, "so far");
  console.timeEnd("work");
}
console.time();
console.time();
console.timeEnd("nothing");
console.timeLog("nothing");
console.timeEnd();
const { time, timeEnd } = console;
time("loose");
timeEnd("loose");
`;
const TIME = /\d+(\.\d+)?(ms|s)\b/g;

/** How each runtime writes a time. */
const STYLE = {
  deno: /^(0\.\d{3}|[1-9]\.\d\d|[1-9]\d\.\d|[1-9]\d{2,})ms$/,
  bun: /^(\d{1,4}\.\d\dms|\d\.\d\ds)$/,
  node: /^(\d+(\.\d{1,3})?ms|\d\.\d{1,3}s)$/,
} as const;

function withoutTimes(text: string): string {
  return text.replaceAll(TIME, "T").replaceAll(/\(node:\d+\)/g, "");
}

onEachRuntime("console.time prints in a replay what it printed", async (box, runtime) => {
  const command = runtime.command(writeAgent(box, AGENT));
  const native = await box.start(command).done;
  const tape = box.path("time.tape");
  const ran = await box.tracefork(["run", "-q", "-o", tape, "--", ...command]);
  assert.ok((native.out + native.err).match(TIME)!.length >= 12, told(native));
  assert.equal(withoutTimes(ran.out), withoutTimes(native.out));
  assert.equal(withoutTimes(ran.err), withoutTimes(native.err));
  for (const { out, err } of [native, ran]) {
    for (const [time] of (out + err).matchAll(TIME)) assert.match(time, STYLE[runtime.name]);
  }
  assertExact(await box.replay(tape));
});
