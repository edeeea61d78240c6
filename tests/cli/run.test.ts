/** `tracefork run`: what goes to the command, what comes from it, and what is refused. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { agent, answer, assertExact, boxed, onEachRuntime } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { killForGood, told } from "../helpers/process.ts";
import { DENO } from "../helpers/runtimes.ts";
import { rowsOf } from "../helpers/tape.ts";

const DRAWS = [DENO, "run", "-A", agent("draws.mjs"), "2"];

boxed("run without a command is a usage error", async (box) => {
  for (const args of [["run"], ["run", "--"], ["record", "--"], ["run", "--", ""]]) {
    const err = assertFails(await box.tracefork(args), 2, "TF_USAGE");
    assert.match(err, /no command was given/);
    assert.match(err, /usage: tracefork run /);
  }
  assert.deepEqual(readdirSync(box.work), []);
  assert.equal(existsSync(box.store), false);
});

boxed("a command that does not exist is 127 and leaves no tape", async (box) => {
  for (const command of ["no-such-command-anywhere", "./not-here", "/nowhere/at/all"]) {
    const tape = box.path("none.tape");
    const err = assertFails(
      await box.tracefork(["run", "-o", tape, "--", command]),
      127,
      "TF_COMMAND_NOT_FOUND",
    );
    assert.ok(err.includes(command), err);
    assert.equal(existsSync(tape), false);
    assertFails(await box.tracefork(["run", "--", command]), 127, "TF_COMMAND_NOT_FOUND");
    assert.deepEqual(answer<{ runs: unknown[] }>(await box.tracefork(["ls", "--json"])).runs, []);
  }
});

boxed("a command that can't be executed is 126 and leaves no tape", async (box) => {
  writeFileSync(box.path("work", "script"), "#!/bin/sh\necho no\n", { mode: 0o600 });
  mkdirSync(box.path("work", "folder"));
  for (const command of ["./script", "./folder"]) {
    const tape = box.path("none.tape");
    assertFails(await box.tracefork(["run", "-o", tape, "--", command]), 126, "TF_COMMAND_NOT_EXECUTABLE");
    assert.equal(existsSync(tape), false);
  }
  chmodSync(box.path("work", "script"), 0o700);
  const control = await box.tracefork(["run", "--", "./script"]);
  assert.equal(control.code, 0, told(control));
  assert.equal(control.out, "no\n");
});

onEachRuntime("the command's exit code passes through", async (box, runtime) => {
  for (const code of [0, 1, 7, 255]) {
    const script = box.path("exits.mjs");
    writeFileSync(script, `import process from "node:process";\nMath.random();\nprocess.exit(${code});\n`);
    const tape = box.path(`${code}.tape`);
    const ran = await box.tracefork(["run", "-o", tape, "--", ...runtime.command(script)]);
    assert.equal(ran.code, code, told(ran));
    const replayed = await box.replay(tape);
    assertExact(replayed);
    assert.deepEqual(replayed.exit, { recorded: code, replayed: code });
  }
});

onEachRuntime("input passes through, is recorded, and is given again on replay", async (box, runtime) => {
  const script = box.path("reads.mjs");
  const text =
    `for await (const piece of process.stdin) console.log(Math.random(), String(piece).toUpperCase());\n`;
  writeFileSync(script, `import process from "node:process";\n${text}`);
  const input = "first line\nzweite Zeile 🌍\n";
  const tape = await box.record("input.tape", runtime.command(script), { input });
  const kept = rowsOf(tape, "SELECT data FROM output WHERE stream = 0").map(({ data }) => data as Uint8Array);
  assert.equal(Buffer.concat(kept).toString(), input);
  const shown = rowsOf(tape, "SELECT data FROM output WHERE stream = 1").map(({ data }) =>
    data as Uint8Array
  );
  assert.match(Buffer.concat(shown).toString(), /ZWEITE ZEILE 🌍/);
  assertExact(await box.replay(tape, [], { input: "something else altogether\n" }));
});

onEachRuntime("a command that reads no input ends, though input is open", async (box, runtime) => {
  const running = box.startCli(["run", "--", ...runtime.command(agent("draws.mjs"), "1")], { open: true });
  const ran = await running.done;
  assert.equal(ran.code, 0, told(ran));
});

boxed("stdout and stderr of the command stay apart, to the byte, and the rest is on stderr", async (box) => {
  const command = ["sh", "-c", "printf 'out\\0\\377'; printf 'err' >&2"];
  const out = box.path("out");
  const err = box.path("err");
  const wrapped = [
    "sh",
    "-c",
    '"$@" >"$OUT" 2>"$ERR"',
    "sh",
    DENO,
    "run",
    "-A",
    `${agent("../../../cli.ts")}`,
  ];
  const env = { OUT: out, ERR: err };
  const ran = await box.start([...wrapped, "run", "-q", "--", ...command], { env }).done;
  assert.equal(ran.code, 0, told(ran));
  assert.deepEqual([...readFileSync(out)], [..."out"].map((char) => char.charCodeAt(0)).concat(0, 0xff));
  assert.equal(readFileSync(err, "utf8"), "err");
});

boxed("-q says nothing, and without it one line names the run", async (box) => {
  const quiet = await box.tracefork(["run", "-q", "--", ...DRAWS]);
  assert.equal(quiet.err, "", told(quiet));
  const loud = await box.tracefork(["run", "--", ...DRAWS]);
  const [{ id }] = answer<{ runs: [{ id: string }] }>(await box.tracefork(["ls", "--json"])).runs;
  assert.match(
    loud.err,
    new RegExp(`^tracefork: recorded ${id}: 0 exchanges, \\d+ draws in \\S+store\\.db\\n$`),
  );
});

boxed("-o on a file that holds a run is refused, and the file stays; --force replaces it", async (box) => {
  const tape = await box.record("kept.tape", DRAWS);
  const before = readFileSync(tape);
  const err = assertFails(await box.tracefork(["run", "-o", tape, "--", ...DRAWS]), 1, "TF_TAPE_EXISTS");
  assert.match(err, /--force/);
  assert.deepEqual(readFileSync(tape), before);
  const [{ id }] = rowsOf(tape, "SELECT id FROM runs") as [{ id: string }];
  const forced = await box.tracefork(["run", "--force", "-o", tape, "--", ...DRAWS]);
  assert.equal(forced.code, 0, told(forced));
  const after = rowsOf(tape, "SELECT id FROM runs");
  assert.equal(after.length, 1);
  assert.notEqual(after[0]!.id, id);
});

boxed("-o on a file that is no tape is refused, with --force too, and the file stays", async (box) => {
  const file = box.path("work", "thesis.txt");
  writeFileSync(file, "years of work\n");
  for (const force of [[], ["--force"]]) {
    assertFails(await box.tracefork(["run", ...force, "-o", file, "--", ...DRAWS]), 4, "TF_NOT_A_TAPE");
    assert.equal(readFileSync(file, "utf8"), "years of work\n");
  }
});

boxed("store, tape and preload are readable by their owner alone", async (box) => {
  const tape = await box.record("own.tape", DRAWS);
  const ran = await box.tracefork(["run", "--", ...DRAWS]);
  assert.equal(ran.code, 0, told(ran));
  const { preload } = answer<{ preload: string }>(await box.tracefork(["where", "--json"]));
  for (const path of [tape, box.store, preload]) assert.equal(statSync(path).mode & 0o777, 0o600, path);
  const empty = box.path("empty.tape");
  writeFileSync(empty, "", { mode: 0o644 });
  const reused = await box.tracefork(["run", "--force", "-o", empty, "--", ...DRAWS]);
  assert.equal(reused.code, 0, told(reused));
  assert.equal(statSync(empty).mode & 0o777, 0o600, empty);
});

boxed("a finished tape is one file: no log or lock file beside it", async (box) => {
  await box.record("alone.tape", DRAWS);
  assert.deepEqual(readdirSync(box.dir).filter((name) => name.startsWith("alone.tape")), ["alone.tape"]);
});

boxed("a command whose child stays behind with its output does not keep tracefork", async (box) => {
  const running = box.startCli(["run", "--", "sh", "-c", "sleep 1000 & echo $!"], { limitMs: 20_000 });
  const [, pid] = await running.until(/(\d+)\n/);
  const ran = await running.done.finally(() => killForGood(Number(pid)));
  assert.equal(ran.code, 0, told(ran));
});
