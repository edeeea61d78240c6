/**
 * A replay does not touch the network. Shown twice: in a network namespace that has none, and by the list of system
 * calls. Each has its control, because a wall that nobody runs against proves nothing.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  agent,
  answer,
  assertExact,
  type Box,
  cli,
  onEachRuntime,
  type ReplayAnswer,
} from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { type Ran, told } from "../helpers/process.ts";

const SCRIPT = agent("booking.ts");
const NAMESPACE = ["unshare", "-rn"];

async function replayUnder(box: Box, wrapper: readonly string[], tape: string) {
  const ran = await box.start([...wrapper, ...cli(["replay", tape, "--json"])]).done;
  return { ran, ...answer<ReplayAnswer>(ran) };
}

/** Lines of a trace in which something connects to an address on a network. */
function networkConnects(file: string): string[] {
  return readFileSync(file, "utf8").split("\n").filter((line) => /connect\(.*AF_INET6?\b/.test(line));
}

onEachRuntime("a replay is exact where there is no network at all", async (box, runtime, t) => {
  const tape = await withModel(async ({ env }) => {
    await t.test("control: there, the same agent can't be recorded", async () => {
      const command = cli(["run", "-o", box.path("none.tape"), "--", ...runtime.command(SCRIPT)]);
      const ran: Ran = await box.start([...NAMESPACE, ...command], { env }).done;
      assert.notEqual(ran.code, 0, told(ran));
      assert.match(ran.err, /APIConnectionError|Connection error/, told(ran));
    });
    return await box.record("booking.tape", runtime.command(SCRIPT), { env });
  });
  assertExact(await replayUnder(box, NAMESPACE, tape));
}, ["a network namespace"]);

onEachRuntime("a replay makes no system call that connects to a network", async (box, runtime, t) => {
  const trace = (name: string) => ["strace", "-f", "-qq", "-e", "trace=connect", "-o", box.path(name)];
  const tape = box.path("booking.tape");
  await withModel(async ({ env, url }) => {
    const command = cli(["run", "-o", tape, "--", ...runtime.command(SCRIPT)]);
    const ran = await box.start([...trace("record.trace"), ...command], { env }).done;
    assert.equal(ran.code, 0, told(ran));
    await t.test("control: the recording does, to the model's port", () => {
      const port = new URL(url).port;
      const calls = networkConnects(box.path("record.trace"));
      assert.ok(calls.some((line) => line.includes(`htons(${port})`)), calls.join("\n"));
    });
  });
  assertExact(await replayUnder(box, trace("replay.trace"), tape));
  assert.deepEqual(networkConnects(box.path("replay.trace")), []);
}, ["strace"]);
