/**
 * A Deno agent keeps its narrow permissions under tracefork: it gets exactly what the tape needs, and `-v` says what that is.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { agent, answer, assertExact, boxed } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { DENO } from "../helpers/runtimes.ts";

const SCRIPT = agent("narrow.mjs");
const REFUSED = ["read", "list", "write", "env", "run", "net"].map((name) => `${name}: NotCapable`);

boxed(
  "an agent with the network alone records and replays, and what it may not do stays refused",
  async (box) => {
    const file = box.path("private.txt");
    writeFileSync(file, "private");
    const tape = box.path("narrow.tape");
    await withModel(async ({ url }) => {
      const command = [DENO, "run", "--no-prompt", `--allow-net=${new URL(url).host}`, SCRIPT, url, file];
      const native = await box.start(command).done;
      const ran = await box.tracefork(["run", "-v", "-o", tape, "--", ...command]);
      assert.equal(ran.code, 0, told(ran));
      // The first lines are what was refused, natively and under the recorder alike.
      assert.deepEqual(native.out.split("\n").slice(0, REFUSED.length), REFUSED, told(native));
      assert.deepEqual(ran.out.split("\n").slice(0, REFUSED.length), REFUSED, told(ran));
      assert.match(ran.out, /^200 /m);

      const added = [...ran.err.matchAll(/^tracefork: added (--allow-\w+)=(.*)$/gm)].map((
        [, flag, value],
      ) => ({
        flag: flag!,
        values: value!.split(","),
      }));
      assert.deepEqual(added.map(({ flag }) => flag), ["--allow-read", "--allow-write", "--allow-env"]);
      for (const { flag, values } of added) {
        const fits = flag === "--allow-env"
          ? (value: string) => value.startsWith("TRACEFORK_")
          : (value: string) => value === tape || value.startsWith(`${tape}-`);
        assert.deepEqual(values.filter((value) => !fits(value)), [], `${flag} is wider than the tape`);
      }
      assert.match(ran.err, /^tracefork: added --preload=\//m);
    }, { errorRate: 0 });
    assertExact(await box.replay(tape));
    assert.equal(readFileSync(file, "utf8"), "private");
  },
);

boxed("control: with the permissions given, the same agent is not refused", async (box) => {
  const file = box.path("private.txt");
  writeFileSync(file, "private");
  await withModel(async ({ url }) => {
    const ran = await box.tracefork(["run", "--", DENO, "run", "-A", SCRIPT, url, file]);
    assert.equal(ran.code, 0, told(ran));
    assert.match(ran.out, /^read: allowed\nlist: allowed\nwrite: allowed\nenv: allowed\nrun: allowed\n/);
  }, { errorRate: 0 });
});

boxed("permissions that the agent has already are added to, never replaced", async (box) => {
  const file = box.path("shared.txt");
  writeFileSync(file, "shared");
  const tape = box.path("shared.tape");
  await withModel(async ({ url }) => {
    const flags = ["--no-prompt", "--allow-net", `--allow-read=${file}`, "--allow-env=HOME"];
    const ran = await box.tracefork(["run", "-o", tape, "--", DENO, "run", ...flags, SCRIPT, url, file]);
    assert.equal(ran.code, 0, told(ran));
    assert.match(
      ran.out,
      /^read: allowed\nlist: NotCapable\nwrite: NotCapable\nenv: allowed\nrun: NotCapable\n/,
    );
  }, { errorRate: 0 });
  assertExact(await box.replay(tape));
});

const WAYS: readonly (readonly [name: string, flags: readonly string[]])[] = [
  ["no verb at all", []],
  ["short flags in one word", ["run", "-RWE"]],
  ["flags with values before the permissions", ["run", "--config", "deno.json", "-A"]],
  ["a global flag before the verb", ["--quiet", "run", "-A"]],
];

for (const [name, flags] of WAYS) {
  boxed(`a Deno command with ${name} starts as it would alone`, async (box) => {
    writeFileSync(box.path("work", "deno.json"), "{}");
    const command = [DENO, ...flags, agent("draws.mjs"), "3"];
    const native = await box.start(command).done;
    assert.equal(native.code, 0, told(native));
    const tape = box.path("way.tape");
    const ran = await box.tracefork(["run", "-o", tape, "--", ...command]);
    assert.equal(ran.code, 0, told(ran));
    assert.equal(ran.out, native.out);
    const replayed = await box.replay(tape);
    assertExact(replayed);
    assert.ok(replayed.draws.recorded >= 3, told(replayed.ran));
  });
}

boxed("without -v nothing is said about what was added", async (box) => {
  const ran = await box.tracefork(["run", "--", DENO, "run", agent("draws.mjs"), "1"]);
  assert.equal(ran.code, 0, told(ran));
  assert.doesNotMatch(ran.err, /added/);
  assert.equal(answer<{ runs: unknown[] }>(await box.tracefork(["ls", "--json"])).runs.length, 1);
});
