/**
 * Every way to look at a variable in `process.env` is a read of it. Those that ask for its descriptor were not, so a
 * replay without the variable, or with another value, did otherwise.
 */
import { assertExact, onEachRuntime } from "../helpers/box.ts";
import { writeAgent } from "../helpers/serve.ts";

const READS = {
  "Object.hasOwn": `Object.hasOwn(process.env, "MY_FLAG")`,
  "hasOwnProperty": `process.env.hasOwnProperty("MY_FLAG")`,
  "its descriptor": `Object.getOwnPropertyDescriptor(process.env, "MY_FLAG").value`,
  "Object.keys": `Object.keys(process.env).filter((name) => name === "MY_FLAG")`,
  "a copy": `({ ...process.env }).MY_FLAG`,
};

for (const [name, read] of Object.entries(READS)) {
  onEachRuntime(`a variable that is read by ${name} reads the same in a replay`, async (box, runtime) => {
    const path = writeAgent(box, `console.log(${read}, Math.random());`);
    const tape = await box.record("env.tape", runtime.command(path), { env: { MY_FLAG: "one" } });
    assertExact(await box.replay(tape));
    assertExact(await box.replay(tape, [], { env: { MY_FLAG: "two" } }));
  });
}
