/**
 * Node writes to a pipe without waiting, and `process.exit` drops what the reader was too slow for: how much a
 * recording had of it, and a replay again, was chance.
 */
import assert from "node:assert/strict";
import { assertExact, onEachRuntime } from "../helpers/box.ts";
import { writeAgent } from "../helpers/serve.ts";

const LINES = 60_000;
const AGENT = `
for (let i = 0; i < ${LINES}; i++) (i % 2 ? console.log : console.error)(i, "x".repeat(60), Math.random());
process.exit(3);
`;

onEachRuntime("all that was written before process.exit is on the tape", async (box, runtime) => {
  const tape = box.path("flood.tape");
  const ran = await box.tracefork([
    "run",
    "-q",
    "-o",
    tape,
    "--",
    ...runtime.command(writeAgent(box, AGENT)),
  ]);
  assert.equal(ran.code, 3);
  assert.equal(ran.out.split("\n").length + ran.err.split("\n").length, LINES + 2);
  assertExact(await box.replay(tape));
});
