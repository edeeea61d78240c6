/** `verify --corpus`: a folder of tapes as a gate. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { main } from "../../core/commands/main.ts";
import { type Box, boxed } from "../helpers/box.ts";
import { gate, gateJson, putCorpus, verdicts, writeManifest } from "../helpers/corpus.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed, RUNTIMES } from "../helpers/runtimes.ts";
import { alterTape } from "../helpers/tape.ts";

const NODE = runtimeNamed("node");

/** A test with the three tapes in its box. */
function withCorpus(name: string, body: (box: Box, folder: string) => Promise<void>): void {
  boxed(name, async (box) => body(box, await putCorpus(box)), RUNTIMES);
}

/** The agent asks for something else than it did. */
function changeAgent(box: Box, name: string): void {
  const path = join(box.work, `${name}.mjs`);
  const code = readFileSync(path, "utf8");
  writeFileSync(path, code.replace('"order "', '"cancel "'));
  assert.notEqual(readFileSync(path, "utf8"), code);
}

const EXACT = [["bun.tape", "EXACT"], ["deno.tape", "EXACT"], ["node.tape", "EXACT"]];

withCorpus(
  "three tapes of three runtimes are exact: 0, and nothing is left or changed",
  async (box, folder) => {
    const bytes = () => readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "base64")]);
    const before = bytes();
    mkdirSync(box.path("tmp"));
    const ran = await gate(box, [], { env: { TMPDIR: box.path("tmp") } });
    assert.equal(ran.code, 0, told(ran));
    assert.deepEqual(verdicts(ran), EXACT);
    assert.match(ran.out, /^ {2}3 tapes: 3 exact, in \d+\.\d\d s\n {2}RESULT: EXACT\n$/m);
    assert.match(ran.err, /^tracefork: replaying 3 tapes, \d+ at a time\n$/);
    assert.deepEqual(bytes(), before);
    assert.deepEqual(readdirSync(box.path("tmp")).filter((name) => name.startsWith("tracefork-replay")), []);
  },
);

withCorpus("an agent whose code has changed diverges: 3, and its tape is named", async (box) => {
  changeAgent(box, "bun");
  const ran = await gate(box);
  assert.equal(ran.code, 3, told(ran));
  assert.deepEqual(verdicts(ran), [["bun.tape", "DIVERGED at step 0: code_change"], ...EXACT.slice(1)]);
  assert.match(ran.out, /^ {2}bun\.tape\n {2}diverged at step 0 \(request\)[^]*cancel[^]*tracefork show /m);
  assert.match(ran.out, /3 tapes: 2 exact, 1 diverged,[^\n]*\n {2}RESULT: DIVERGED\n$/);
});

const DAMAGES: readonly (readonly [how: string, damage: (path: string) => void, says: RegExp])[] = [
  [
    "an event was changed",
    (path) => alterTape(path, (db) => db.exec("UPDATE events SET body = x'00' WHERE seq = 1")),
    /^DAMAGED: lane 0 event 1: /,
  ],
  [
    "the file was cut off",
    (path) => truncateSync(path, readFileSync(path).length / 2),
    /^DAMAGED: .*\(TF_TAPE_DAMAGED\)$/,
  ],
  ["it is no tape", (path) => writeFileSync(path, "just text"), /^DAMAGED: .*\(TF_NOT_A_TAPE\)$/],
];

for (const [how, damage, says] of DAMAGES) {
  withCorpus(`a damaged tape: 4, also where another one diverged (${how})`, async (box, folder) => {
    damage(join(folder, "deno.tape"));
    changeAgent(box, "bun");
    const ran = await gate(box);
    assert.equal(ran.code, 4, told(ran));
    const [bun, deno, node] = verdicts(ran);
    assert.deepEqual([bun, node], [["bun.tape", "DIVERGED at step 0: code_change"], ["node.tape", "EXACT"]]);
    assert.match(deno![1]!, says);
    assert.match(ran.out, /1 exact, 1 diverged, 1 damaged,[^\n]*\n {2}RESULT: DAMAGED\n$/);
  });
}

withCorpus("a tape that the manifest names and that is not there: 4", async (box, folder) => {
  writeManifest(folder, { tapes: [{ tape: "node.tape" }, { tape: "gone.tape" }] });
  const ran = await gate(box);
  assert.equal(ran.code, 4, told(ran));
  assert.deepEqual(verdicts(ran), [["node.tape", "EXACT"], ["gone.tape", "MISSING"]]);
});

withCorpus("tapes that the manifest does not name are told of, and not replayed", async (box, folder) => {
  writeManifest(folder, { tapes: [{ tape: "./node.tape" }] });
  const ran = await gate(box);
  assert.equal(ran.code, 0, told(ran));
  assert.deepEqual(verdicts(ran), [["./node.tape", "EXACT"]]);
  assert.match(ran.err, /^tracefork: not in corpus\.json, so not replayed: bun\.tape, deno\.tape$/m);
});

withCorpus("the manifest's command and folder take the place of the recorded ones", async (box, folder) => {
  mkdirSync(join(box.work, "moved"));
  renameSync(join(box.work, "node.mjs"), join(box.work, "moved", "agent.mjs"));
  const entry = { tape: "node.tape", command: NODE.command("agent.mjs") };
  // Controls: the recorded command finds nothing here any more, and the new one only in its folder.
  for (const other of [{ tape: "node.tape" }, entry]) {
    writeManifest(folder, { tapes: [other] });
    assert.equal((await gate(box)).code, 3);
  }
  writeManifest(folder, { tapes: [{ ...entry, cwd: "../moved" }] });
  const ran = await gate(box);
  assert.equal(ran.code, 0, told(ran));
  assert.deepEqual(verdicts(ran), [["node.tape", "EXACT"]]);
});

withCorpus("commands run where the gate is started, not where they were recorded", async (box) => {
  const other = box.path("other checkout");
  execFileSync("cp", ["-r", box.work, other]);
  changeAgent(box, "node");
  assert.equal((await gate(box)).code, 3);
  assert.equal((await gate(box, [], { cwd: other })).code, 0);
});

withCorpus(
  "the manifest's variables reach the command; one that can't start is no pass",
  async (box, folder) => {
    const entry = { tape: "node.tape", command: ["an-agent"] };
    mkdirSync(join(box.work, "bin"));
    writeFileSync(
      join(box.work, "bin", "an-agent"),
      `#!/bin/sh\nexec ${NODE.command("node.mjs").join(" ")}\n`,
      {
        mode: 0o755,
      },
    );
    writeManifest(folder, { tapes: [entry] });
    const ran = await gate(box);
    assert.equal(ran.code, 3, told(ran));
    assert.match(verdicts(ran)[0]![1]!, /^FAILED: Cannot start an-agent: .*\(TF_COMMAND_NOT_FOUND\)$/);
    const PATH = `${join(box.work, "bin")}:${box.env.PATH}:${dirname(NODE.path!)}`;
    writeManifest(folder, { tapes: [{ ...entry, env: { PATH } }] });
    assert.deepEqual(verdicts(await gate(box)), [["node.tape", "EXACT"]]);
  },
);

const BAD: readonly (readonly [manifest: unknown, says: string])[] = [
  ["{", "wanted JSON"],
  [[], 'the whole of it is [], wanted an object, {"tapes": [...]}'],
  [{}, "tapes is missing, wanted a list of at least one"],
  [{ tapes: [] }, "tapes is [], wanted a list of at least one"],
  [{ tapes: [{ tape: "node.tape" }], jobs: 2 }, 'jobs is "a field that is not known", wanted no other'],
  [{ tapes: [{ tape: "node.tape" }, "bun.tape"] }, 'tapes[1] is "bun.tape", wanted an object'],
  [{ tapes: [{ command: ["x"] }] }, "tapes[0].tape is missing, wanted a file's path"],
  [{ tapes: [{ tape: "/node.tape" }] }, 'tapes[0].tape is "/node.tape", wanted a file\'s path relative'],
  [{ tapes: [{ tape: "node.tape", comand: ["x"] }] }, "tapes[0].comand is"],
  [{ tapes: [{ tape: "node.tape", command: "node x" }] }, 'tapes[0].command is "node x", wanted a list of'],
  [{ tapes: [{ tape: "node.tape", command: [] }] }, "tapes[0].command is [], wanted a list of texts"],
  [{ tapes: [{ tape: "node.tape", cwd: "../gone" }] }, 'tapes[0].cwd is "../gone", wanted a folder that is'],
  [{ tapes: [{ tape: "node.tape", env: { A: 1 } }] }, 'tapes[0].env is {"A":1}, wanted an object of texts'],
];

withCorpus(
  "a bad manifest: 2, with the field and what was wanted, and nothing is run",
  async (box, folder) => {
    for (const [manifest, says] of BAD) {
      writeManifest(folder, manifest);
      const ran = await gate(box);
      const err = assertFails(ran, 2, "TF_USAGE");
      assert.ok(err.includes(join("tapes", "corpus.json")) && err.includes(says), told(ran));
      assert.doesNotMatch(err, /replaying/);
    }
    const ran = await gate(box, ["--json"]);
    assert.equal(ran.code, 2, told(ran));
    assert.equal(JSON.parse(ran.out).error.code, "TF_USAGE");
    // Control.
    writeManifest(folder, { tapes: [{ tape: "node.tape" }] });
    assert.equal((await gate(box)).code, 0);
  },
);

boxed("a folder without tapes, or none at all, is never a pass: 2", async (box) => {
  assert.match(assertFails(await gate(box), 2, "TF_USAGE"), /there is no such folder/);
  mkdirSync(join(box.work, "tapes", "deeper.tapes"), { recursive: true });
  writeFileSync(join(box.work, "tapes", "notes.txt"), "");
  assert.match(assertFails(await gate(box), 2, "TF_USAGE"), /holds no \*\.tape and no corpus\.json/);
});

withCorpus("flags that don't go together, or are no numbers, are usage errors", async (box) => {
  for (
    const args of [["--jobs", "0"], ["--jobs", "1.5"], ["--stall-after", "soon"], ["--store"], ["x.tape"]]
  ) {
    assertFails(await gate(box, args), 2, "TF_USAGE");
  }
  for (const args of [["--jobs", "2"], ["--stall-after", "2"]]) {
    const err = assertFails(await box.tracefork(["verify", ...args]), 2, "TF_USAGE");
    assert.match(err, /without --corpus/);
  }
});

withCorpus("one replay at a time and four give the same document but for times", async (box, folder) => {
  changeAgent(box, "deno");
  truncateSync(join(folder, "node.tape"), 4096);
  copyFileSync(join(folder, "bun.tape"), join(folder, "again.tape"));
  const timeless = (value: object) =>
    JSON.parse(JSON.stringify(value, (key, each) => /^(?:replayed|took)_ms$/.test(key) ? 0 : each));
  const [one, four] = [await gateJson(box, 4, ["--jobs", "1"]), await gateJson(box, 4, ["--jobs", "4"])];
  assert.deepEqual(timeless(one), timeless(four));
  assert.deepEqual(one.tapes.map(({ status }) => status), ["exact", "exact", "diverged", "damaged"]);
  // Control: another divergence shows.
  changeAgent(box, "bun");
  assert.notDeepEqual(timeless(await gateJson(box, 4)), timeless(one));
});

withCorpus("--json has the replay document's keys for each tape, and totals", async (box, folder) => {
  const { ran: _, schema: __, ...replayed } = await box.replay(join(folder, "node.tape"));
  writeManifest(folder, { tapes: [{ tape: "node.tape" }, { tape: "gone.tape" }] });
  const { schema, corpus, exact, interrupted, tapes, unlisted, totals } = await gateJson(box, 4);
  assert.deepEqual({ schema, corpus, exact, interrupted, unlisted }, {
    schema: "tracefork/corpus/1",
    corpus: folder,
    exact: false,
    interrupted: false,
    unlisted: ["bun.tape", "deno.tape"],
  });
  const [node, gone] = tapes;
  const { file, status, error } = node!;
  assert.deepEqual({ file, status, error }, { file: "node.tape", status: "exact", error: null });
  assert.deepEqual({ ...node, ...replayed, replayed_ms: node!.replayed_ms }, node, "the same as alone");
  assert.deepEqual(Object.keys(gone!), Object.keys(node!));
  assert.deepEqual([gone!.status, gone!.exact, gone!.fingerprint], ["missing", false, null]);
  const { replayed_ms, took_ms, ...counts } = totals;
  assert.ok(Number.isInteger(replayed_ms) && Number.isInteger(took_ms));
  assert.deepEqual(counts, {
    tapes: 2,
    exact: 1,
    diverged: 0,
    failed: 0,
    damaged: 0,
    missing: 1,
    interrupted: 0,
    network_calls: 0,
    cost_usd: 0,
    recorded_ms: replayed.recorded_ms,
  });
});

withCorpus("the lines come in the manifest's order, whichever replay ends first", async (box, folder) => {
  const fifo = box.path("fifo");
  execFileSync("mkfifo", [fifo]);
  const shell = (name: "node" | "bun", script: string) => ({
    tape: `${name}.tape`,
    command: ["sh", "-c", script, "sh", fifo, ...runtimeNamed(name).command(`${name}.mjs`)],
  });
  // The first one begins when the second one's agent has ended.
  const first = shell("node", 'read line < "$1"; shift; exec "$@"');
  const second = shell("bun", 'f=$1; shift; "$@"; code=$?; echo go > "$f"; exit $code');
  writeManifest(folder, { tapes: [first, second, { tape: "deno.tape" }, { tape: "bun.tape" }] });
  const ran = await gate(box, ["--jobs", "2"]);
  assert.equal(ran.code, 0, told(ran));
  assert.deepEqual(verdicts(ran).map(([file]) => file), ["node.tape", "bun.tape", "deno.tape", "bun.tape"]);
});

withCorpus("on a terminal progress is one line on stderr, and is taken away", async (box, folder) => {
  const fifo = box.path("fifo");
  execFileSync("mkfifo", [fifo]);
  const script = 'read line < "$1"; shift; exec "$@"';
  const command = ["sh", "-c", script, "sh", fifo, ...NODE.command("node.mjs")];
  for (const name of ["bun.tape", "deno.tape"]) rmSync(join(folder, name));
  writeManifest(folder, { tapes: [{ tape: "node.tape", command }] });
  let [out, notes] = ["", ""];
  const io = {
    cwd: box.work,
    env: box.env,
    out: (text: string) => void (out += text),
    note: (text: string) => {
      // The replay goes on once its progress has been told.
      if (notes === "") box.start(["sh", "-c", 'echo go > "$1"', "sh", fifo]);
      notes += text;
    },
    outIsTerminal: true,
    noteIsTerminal: true,
    colour: false,
  };
  assert.equal(await main(["verify", "--corpus", "tapes"], io), 0, out);
  const erase = "\r\u001b[K";
  assert.ok(notes.startsWith(`${erase}tracefork: replaying: 0 of 1 tapes`), notes);
  assert.ok(notes.endsWith(erase) && !notes.includes("\n"), notes);
});

/** Says its process id on the pipe that it is given, and is blocked from then on. */
const BLOCKED = `
import { readlinkSync, writeFileSync } from "node:fs";
import process from "node:process";
console.log(Math.random());
const [fifo, how] = process.argv.slice(2);
if (how === "stays") for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
if (fifo !== undefined) {
  writeFileSync(fifo, readlinkSync("/proc/self") + "\\n");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
`;

for (const [signal, name] of [["SIGINT", "Ctrl-C"], ["SIGTERM", "SIGTERM"]] as const) {
  boxed(`${name} stops every child, also one that does not heed it, and says so: 130`, async (box) => {
    const folder = join(box.work, "tapes");
    mkdirSync(folder);
    writeFileSync(join(box.work, "blocked.mjs"), BLOCKED);
    await box.record("work/tapes/a.tape", NODE.command("blocked.mjs"));
    assert.equal((await gate(box)).code, 0, "control: left alone, it is exact");
    const fifos = ["heeds", "stays"].map((how) => box.path(how));
    for (const fifo of fifos) execFileSync("mkfifo", [fifo]);
    const blocked = ["heeds", "stays"].map((how) => ({
      tape: "a.tape",
      command: NODE.command("blocked.mjs", box.path(how), how),
    }));
    writeManifest(folder, { tapes: [{ tape: "a.tape" }, ...blocked, { tape: "a.tape" }] });
    const running = box.startCli(["verify", "--corpus", "tapes", "--jobs", "2", "--stall-after", "500"]);
    const pids = await Promise.all(fifos.map(async (fifo) => {
      const [pid] = await box.start(["cat", fifo]).until(/^\d+$/m);
      return Number(pid);
    }));
    for (const pid of pids) assert.ok(process.kill(pid, 0), "control: it runs");
    running.kill(signal);
    const ran = await running.done;
    assert.equal(ran.code, 130, told(ran));
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/);
    assert.deepEqual(verdicts(ran), [["a.tape", "EXACT"]], told(ran));
    assert.match(ran.out, /4 tapes: 1 exact, 3 not replayed,[^\n]*\n {2}RESULT: INTERRUPTED\n$/);
    assert.match(
      ran.err,
      /^tracefork: interrupted: 3 of 4 tapes were not replayed, their commands were stopped$/m,
    );
  }, [NODE]);
}
