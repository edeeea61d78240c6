/** W16: the original kept no time at all: not when a run was made, not how long a call took. */
import assert from "node:assert/strict";
import { answer, boxed } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";
import { rowsOf } from "../helpers/tape.ts";

interface Shown {
  readonly created: string;
  readonly duration_ms: number;
  readonly exchanges: readonly { started_ms: number; duration_ms: number }[];
}

boxed("a run says when it was made, and each exchange when it began and how long it took", async (box) => {
  const script = writeAgent(
    box,
    `for (const what of ["first", "second"]) await (await fetch(url + "/" + what)).text();`,
  );
  const before = Date.now();
  // The server holds the first answer back until its own clock has gone on.
  const tape = await withServer((request, response) => {
    if (request.url === "/second") return void response.end("at once");
    const asked = performance.now();
    const wait = () => performance.now() - asked > 60 ? response.end("late") : setImmediate(wait);
    wait();
  }, (url) => box.record("times.tape", runtimeNamed("deno").command(script), { env: { SERVICE_URL: url } }));
  const after = Date.now();

  const ran = await box.tracefork(["show", tape, "--json"]);
  const { created, duration_ms, exchanges } = answer<Shown>(ran);
  const made = Date.parse(created);
  assert.ok(made >= before && made <= after, told(ran));
  assert.ok(duration_ms > 60 && duration_ms <= after - before, told(ran));
  const [first, second] = exchanges as [Shown["exchanges"][0], Shown["exchanges"][0]];
  assert.ok(first.duration_ms > 60, told(ran));
  assert.ok(second.started_ms >= first.started_ms + first.duration_ms, told(ran));

  const times = rowsOf(tape, "SELECT at FROM events WHERE lane = 0 ORDER BY seq").map(({ at }) => Number(at));
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
  assert.ok(times.every((at) => Number.isInteger(at) && at >= 0));
  const replayed = await box.replay(tape);
  assert.ok(replayed.recorded_ms >= 60, told(replayed.ran));
});
