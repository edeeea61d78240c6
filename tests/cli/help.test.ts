/** Help, versions, and what is said to someone who mistypes. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { agent, answer, boxed } from "../helpers/box.ts";
import { assertFails, assertNoStack } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { DENO } from "../helpers/runtimes.ts";
import { loadVerbs } from "../../core/commands/verbs.ts";
import { FORMAT } from "../../core/tape/format.ts";

const VERBS = await loadVerbs();

boxed("alone, tracefork says on one screen what it is, three examples, and every verb", async (box) => {
  const ran = await box.tracefork([]);
  assert.equal(ran.code, 0, told(ran));
  assert.equal(ran.err, "");
  const lines = ran.out.split("\n");
  assert.ok(lines.length <= 40 && lines.every((line) => line.length <= 100), told(ran));
  assert.match(lines[0]!, /^tracefork: /);
  assert.equal(lines.filter((line) => /^ {2}tracefork (run|replay|show)\b/.test(line)).length, 3, told(ran));
  for (const { name, summary } of VERBS) assert.match(ran.out, new RegExp(`^ {4}${name} +${summary}$`, "m"));
  for (const flag of ["-h", "--help", "help"]) {
    const again = await box.tracefork([flag]);
    assert.deepEqual([again.code, again.out, again.err], [0, ran.out, ""]);
  }
});

for (const { name, usage, examples } of VERBS) {
  boxed(`${name}: -h is short, --help and help ${name} are full`, async (box) => {
    const short = await box.tracefork([name, "-h"]);
    const full = await box.tracefork([name, "--help"]);
    const help = await box.tracefork(["help", name]);
    for (const ran of [short, full, help]) assert.equal(ran.code, 0, told(ran));
    assert.ok(short.out.includes(`usage: tracefork ${name} ${usage}`.trimEnd()), told(short));
    assert.ok(full.out.startsWith(short.out), told(full));
    assert.ok(full.out.length > short.out.length);
    for (const [command] of examples) assert.ok(full.out.includes(command), told(full));
    assert.equal(help.out, full.out);
  });
}

boxed("a flag's help does not run the command after --", async (box) => {
  const marks = box.path("marks");
  const ran = await box.tracefork(["run", "-h", "--", DENO, "run", "-A", agent("marks.mjs"), marks]);
  assert.equal(ran.code, 0, told(ran));
  assert.equal(existsSync(marks), false);
});

boxed("--help after -- belongs to the command", async (box) => {
  const ran = await box.tracefork(["run", "--", "sh", "-c", 'echo "$1"', "sh", "--help"]);
  assert.equal(ran.code, 0, told(ran));
  assert.equal(ran.out, "--help\n");
});

boxed("the version line names tracefork, its runtime and the tape format", async (box) => {
  for (const flag of ["--version", "-V", "version"]) {
    const ran = await box.tracefork([flag]);
    assert.equal(ran.code, 0, told(ran));
    assert.match(ran.out, /^tracefork \d+\.\d+\.\d+ \((deno|bun|node) \d+\.\d+\.\d+, tape format \d+\)\n$/);
    assert.ok(ran.out.endsWith(`, tape format ${FORMAT})\n`), ran.out);
  }
});

const MISTYPED = [["replya", "replay"], ["rnu", "run"], ["verfy", "verify"], ["hlep", "help"], [
  "recrod",
  "record",
]];

for (const [typed, meant] of MISTYPED) {
  boxed(`the unknown verb ${typed} suggests ${meant}`, async (box) => {
    const err = assertFails(await box.tracefork([typed!]), 2, "TF_USAGE");
    assert.ok(err.includes(`Unknown verb "${typed}"`), err);
    assert.ok(err.includes(`did you mean \`tracefork ${meant}\`?`), err);
  });
}

boxed("an unknown verb that is near to nothing gets no suggestion, but a way on", async (box) => {
  const err = assertFails(await box.tracefork(["xyzzyqwerty"]), 2, "TF_USAGE");
  assert.doesNotMatch(err, /did you mean/);
  assert.match(err, /`tracefork`/);
  assertFails(await box.tracefork(["help", "xyzzyqwerty"]), 2, "TF_USAGE");
});

const FLAGS = [
  [["replay", "--jsno"], "--json", "usage: tracefork replay"],
  [["ls", "--stroe", "x"], "--store", "usage: tracefork ls"],
  [["run", "--nmae", "x", "--", "true"], "--name", "usage: tracefork run"],
  [["verify", "--jso"], "--json", "usage: tracefork verify"],
] as const;

for (const [args, meant, usage] of FLAGS) {
  boxed(
    `the unknown flag in "${args.join(" ")}" suggests ${meant} and shows the verb's usage`,
    async (box) => {
      const err = assertFails(await box.tracefork(args), 2, "TF_USAGE");
      assert.ok(err.includes(`did you mean ${meant}?`), err);
      assert.ok(err.includes(usage), err);
      assert.equal(existsSync(box.store), false, "nothing was run");
    },
  );
}

boxed("a usage error with --json is a JSON document on stdout", async (box) => {
  for (const args of [["replay", "--jsno", "--json"], ["xyzzyqwerty", "--json"], ["ls", "extra", "--json"]]) {
    const ran = await box.tracefork(args);
    assert.equal(ran.code, 2, told(ran));
    const { error } = answer<{ error: { code: string; message: string } }>(ran);
    assert.equal(error.code, "TF_USAGE");
    assert.notEqual(error.message, "");
    assertNoStack(ran);
  }
});

boxed("a command without -- before it is told about it", async (box) => {
  const err = assertFails(await box.tracefork(["run", "node", "agent.mjs"]), 2, "TF_USAGE");
  assert.match(err, /put -- before the command/);
});

boxed("a flag that needs a value says so", async (box) => {
  const err = assertFails(await box.tracefork(["run", "-o"]), 2, "TF_USAGE");
  assert.match(err, /-o, --output/);
});

boxed("bad values of replay's flags are usage errors", async (box) => {
  for (
    const flags of [["--speed", "fast"], ["--match", "loosely"], ["--stall-after", "soon"], [
      "--stall-after",
      "-1",
    ]]
  ) {
    const err = assertFails(await box.tracefork(["replay", ...flags]), 2, "TF_USAGE");
    assert.ok(err.includes(JSON.stringify(flags[1])), err);
  }
});
