/**
 * The fetch contract three ways on each runtime: native, recorded, replayed offline. What a program observes
 * must be the same, but for the short list in `known_differences.ts`, which must not grow and must not be longer
 * than needed.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdDecompressSync } from "node:zlib";
import { startOrigin } from "../contract/origin.ts";
import { secrets } from "../contract/secrets.ts";
import { assertExact, type Box, onEachRuntime, ROOT } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { KNOWN_DIFFERENCES } from "./known_differences.ts";

const PROGRAM = join(ROOT, "tests", "contract", "main.ts");

function observations(out: string): Map<string, string> {
  const lines = out.split("\n").filter((line) => line.startsWith("{"));
  return new Map(lines.map((line) => {
    const { name, observation, threw } = JSON.parse(line);
    return [name as string, JSON.stringify({ observation, threw })];
  }));
}

/** Everything that a tape holds, in the clear. */
function contentOf(tape: string): string {
  const db = new DatabaseSync(tape);
  const blobs = db.prepare("SELECT zstd, data FROM blobs").all() as { zstd: number; data: Uint8Array }[];
  const events = db.prepare("SELECT body AS data FROM events UNION ALL SELECT data FROM output").all() as {
    data: Uint8Array;
  }[];
  db.close();
  const clear = blobs.map(({ zstd, data }) => zstd === 1 ? zstdDecompressSync(data) : Buffer.from(data));
  return Buffer.concat([...clear, ...events.map(({ data }) => Buffer.from(data)), readFileSync(tape)])
    .toString("latin1");
}

onEachRuntime("the contract holds natively, recorded and replayed", async (box: Box, runtime) => {
  const [origin, other] = [await startOrigin(), await startOrigin()];
  const command = runtime.command(PROGRAM, origin.url, other.url, "!noisy", "!beyond");
  const tape = box.path("contract.tape");
  const [native, recorded] = await (async () => {
    try {
      return [
        await box.start(command).done,
        await box.tracefork(["run", "-q", "-o", tape, "--", ...command]),
      ];
    } finally {
      await Promise.all([origin.close(), other.close()]);
    }
  })();
  assert.equal(native.code, 0, told(native));
  assert.equal(recorded.code, 0, told(recorded));

  const [bare, held] = [observations(native.out), observations(recorded.out)];
  assert.ok(bare.size > 400, `only ${bare.size} cases ran`);
  const different = [...bare].filter(([name, seen]) => held.get(name) !== seen).map(([name]) => name);
  assert.deepEqual(different.toSorted(), Object.keys(KNOWN_DIFFERENCES[runtime.name]).toSorted());

  // The servers are gone.
  assertExact(await box.replay(tape));

  const content = contentOf(tape);
  assert.ok(content.includes("/echo"), "control: what is not secret can be found");
  for (const secret of Object.values(secrets)) {
    assert.ok(!content.includes(secret), `${secret} is on the disk`);
  }
});
