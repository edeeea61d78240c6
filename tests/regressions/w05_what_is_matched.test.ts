/** W5: the original matched a request by its body alone: a DELETE to another host with the same body was a match. */
import assert from "node:assert/strict";
import { assertDiverged, assertExact, onEachRuntime } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const AGENT =
  `const { method = "POST", path = "/a", host = "127.0.0.1", header = "same" } = JSON.parse(args[0] ?? "{}");
const target = url.replace("127.0.0.1", host) + path;
const response = await fetch(target, { method, headers: { "x-kind": header }, body: "the same body" });
console.log(await response.text());`;

/** What is asked otherwise, and the field that the difference must name. */
const CHANGES = [
  ["another method", { method: "DELETE" }, /method/],
  ["another path", { path: "/b" }, /url/],
  ["another query", { path: "/a?x=1" }, /url/],
  ["another host", { host: "localhost" }, /url/],
  ["another header", { header: "other" }, /x-kind/],
] as const;

onEachRuntime(
  "the same body is no match for another method, host, path, query or header",
  async (box, runtime, t) => {
    const script = writeAgent(box, AGENT);
    const tape = await withServer(
      (_, response) => void response.end("fine"),
      (url) => box.record("match.tape", runtime.command(script), { env: { SERVICE_URL: url } }),
    );
    await t.test("the control asks the same, and is exact", async () => {
      assertExact(await box.replay(tape, ["--", ...runtime.command(script, "{}")]));
    });
    for (const [name, change, field] of CHANGES) {
      await t.test(name, async () => {
        const replayed = await box.replay(tape, ["--", ...runtime.command(script, JSON.stringify(change))]);
        assertDiverged(replayed, "request", "code_change");
        assert.equal(replayed.exchanges.matched, 0);
        const { diff } = replayed.divergence as unknown as { diff: string[] };
        assert.ok(diff.length >= 2 && diff.every((line) => field.test(line)), told(replayed.ran));
      });
    }
  },
);
