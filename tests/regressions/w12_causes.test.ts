/**
 * W12: the original read a cause off the words of a message: an extra call was called nondeterminism, `boundary_violation` could
 * not come up, a call left out had no cause at all. Here each cause comes up where it is true.
 */
import assert from "node:assert/strict";
import { assertDiverged, assertExact, onEachRuntime } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const AGENT = `import { connect } from "node:net";
const [how = "as recorded", word = "one"] = args;
const ask = async (what) => console.log(await (await fetch(url + "/" + what)).text());
await ask("first");
if (how !== "leaves out") await ask(how === "changes" ? "changed" : word);
if (how === "adds") await ask("more");
if (how === "socket") await new Promise((resolve) => connect(Number(new URL(url).port), "127.0.0.1").on("close", resolve).end());
`;

const CASES = [
  ["a request too many", "adds", "request", "extra_request", 2],
  ["a request left out", "leaves out", "exit", "missing_request", 1],
  ["another request", "changes", "request", "code_change", 1],
  ["a raw socket, which a replay does not hold", "socket", "boundary", "boundary_violation", 2],
] as const;

onEachRuntime("each cause comes up where it is true", async (box, runtime, t) => {
  const script = writeAgent(box, AGENT);
  const command = (...args: string[]) => ["--", ...runtime.command(script, ...args)];
  const tape = await withServer(
    (request, response) => void response.end(request.url),
    (url) => box.record("causes.tape", runtime.command(script), { env: { SERVICE_URL: url } }),
  );
  await t.test("the control has none", async () => {
    assertExact(await box.replay(tape));
  });
  for (const [name, how, kind, cause, step] of CASES) {
    await t.test(`${name}: ${cause}`, async () => {
      const replayed = await box.replay(tape, command(how));
      assertDiverged(replayed, kind, cause);
      assert.equal(replayed.divergence!.step, step, told(replayed.ran));
      assert.notEqual(replayed.divergence!.hint, "");
    });
  }
  for (const word of ["unrecorded", "exhausted draw", "extra", "boundary"]) {
    await t.test(`the word ${word} in a request makes no other cause of it`, async () => {
      const replayed = await box.replay(tape, command("as recorded", word));
      assertDiverged(replayed, "request", "code_change");
    });
  }
});

onEachRuntime(
  "a recorded socket is noted when it is recorded, and refused on replay",
  async (box, runtime) => {
    const script = writeAgent(box, AGENT);
    const tape = box.path("socket.tape");
    await withServer((request, response) => void response.end(request.url), async (url) => {
      const command = ["run", "-o", tape, "--", ...runtime.command(script, "socket")];
      const ran = await box.tracefork(command, { env: { SERVICE_URL: url } });
      assert.equal(ran.code, 0, told(ran));
      assert.match(ran.err, /not held: network:\w+.* a replay will refuse it/);
    });
    assertDiverged(await box.replay(tape), "boundary", "boundary_violation");
  },
);
