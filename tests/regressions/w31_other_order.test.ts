/** W31: in the original a concurrent agent that asked in another order on replay waited for ever. */
import assert from "node:assert/strict";
import { assertDiverged, assertExact, onEachRuntime } from "../helpers/box.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const AGENT = `const order = (args[0] ?? "A,B,C").split(",");
const ask = async (what) => console.log(await (await fetch(url, { method: "POST", body: what })).text());
await Promise.all(order.map(ask));
await ask("last");`;

/** An order, the step at which it must be found, and the recorded request that came instead. */
const ORDERS = [["B,A,C", 0, 1], ["A,C,B", 1, 2], ["C,B,A", 0, 2]] as const;

onEachRuntime(
  "a concurrent agent that asks in another order is stopped where it differs, and does not hang",
  async (box, runtime, t) => {
    const script = writeAgent(box, AGENT);
    const tape = await withServer(
      (_, response, body) => void response.end(`answer to ${body}`),
      (url) => box.record("order.tape", runtime.command(script), { env: { SERVICE_URL: url } }),
    );
    await t.test("the control keeps the order", async () => {
      assertExact(await box.replay(tape, ["--", ...runtime.command(script, "A,B,C")]));
    });
    for (const [order, step, nearest] of ORDERS) {
      await t.test(order, async () => {
        const replayed = await box.replay(tape, ["--", ...runtime.command(script, order)], {
          limitMs: 20_000,
        });
        assertDiverged(replayed, "request", "code_change");
        assert.deepEqual([replayed.divergence!.step, replayed.divergence!.nearest], [step, nearest]);
      });
    }
    await t.test("one that asks the same twice", async () => {
      const replayed = await box.replay(tape, ["--", ...runtime.command(script, "A,A,C")], {
        limitMs: 20_000,
      });
      assertDiverged(replayed, "request", "code_change");
      assert.equal(replayed.divergence!.step, 1);
    });
  },
);
