/**
 * Random bytes are held as many as were asked for, where they were asked for. A replay that asked for more got live
 * bytes and was EXACT; and `randomFill` put back, with the random bytes, whatever else had stood in the buffer.
 */
import assert from "node:assert/strict";
import { assertDiverged, assertExact, onEachRuntime } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { writeAgent } from "../helpers/serve.ts";

const ASKS = {
  "getRandomValues": "crypto.getRandomValues(new Uint8Array(size));",
  "randomBytes": "nodeCrypto.randomBytes(size);",
  "randomFillSync": "nodeCrypto.randomFillSync(new Uint8Array(40), 4, size);",
  "randomInt": "nodeCrypto.randomInt(size * 1e6, size * 1e6 + 5);",
};

for (const [name, ask] of Object.entries(ASKS)) {
  onEachRuntime(`a replay that asks ${name} for something else is not exact`, async (box, runtime) => {
    const text =
      `import nodeCrypto from "node:crypto";\nconst size = Number(args[0]);\n${ask}\nconsole.log("done");`;
    const path = writeAgent(box, text);
    const tape = await box.record("sizes.tape", runtime.command(path, "16"));
    assertExact(await box.replay(tape));
    const replayed = await box.replay(tape, ["--", ...runtime.command(path, "32")]);
    assertDiverged(replayed, "draw", "code_change");
  });
}

const FILL = `
import { randomFill, randomFillSync } from "node:crypto";
const around = (buffer) => [...buffer.subarray(0, 2), ...buffer.subarray(6)].join();
const buffer = new Uint16Array(8).fill(Number(args[0] ?? 1));
const filled = new Promise((done) => randomFill(buffer, 2, 4, (_, same) => done(same === buffer)));
buffer[0] = 7;
buffer[7] = 8;
console.log(await filled, around(buffer), buffer[3]);
const sync = new Uint16Array(8).fill(Number(args[0] ?? 1));
randomFillSync(sync, 2, 4);
console.log(sync[0] === Number(args[0] ?? 1), sync[3]);
`;

onEachRuntime("randomFill leaves the rest of the buffer as the program wrote it", async (box, runtime) => {
  const path = writeAgent(box, FILL);
  const tape = box.path("fill.tape");
  const ran = await box.tracefork(["run", "-o", tape, "--", ...runtime.command(path)]);
  assert.match(ran.out, /^true 7,1,1,8 \d+\ntrue \d+\n$/, told(ran));
  assertExact(await box.replay(tape));
  const other = await box.replay(tape, ["--output", "--", ...runtime.command(path, "5")]);
  assert.match(other.ran.err, /^true 7,5,5,8 \d+\ntrue \d+$/m, told(other.ran));
  assertDiverged(other, "output", "code_change");
});
