/** Folders that can't be written, disks that are full, files that somebody else writes to. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  agent,
  answer,
  assertExact,
  type Box,
  boxed,
  cli,
  onEachRuntime,
  type ReplayAnswer,
} from "../helpers/box.ts";
import { assertFails, assertNoStack } from "../helpers/errors.ts";
import { withModel } from "../helpers/model.ts";
import { killForGood, told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { withServer } from "../helpers/serve.ts";
import { alterTape, rowsOf } from "../helpers/tape.ts";

const DENO = runtimeNamed("deno");
const DRAWS = DENO.command(agent("draws.mjs"), "2");
const MOUNTS = ["a mount namespace"] as const;

/** Runs a command where `folder` can't be written: by nobody, not even root. */
function readOnly(folder: string, command: readonly string[]): string[] {
  const script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
  return ["unshare", "-rm", "sh", "-c", script, folder, ...command];
}

boxed("a tape can't be made in a read-only folder: said before the agent starts", async (box) => {
  const folder = box.path("locked");
  const marks = box.path("marks");
  mkdirSync(folder);
  const command = DENO.command(agent("marks.mjs"), marks);
  for (
    const where of [["-o", `${folder}/x.tape`], ["--store", `${folder}/store.db`], [
      "-o",
      `${folder}/new/x.tape`,
    ]]
  ) {
    const ran = await box.start(readOnly(folder, cli(["run", ...where, "--", ...command]))).done;
    const err = assertFails(ran, 1, "TF_NOT_WRITABLE");
    assert.ok(err.includes(where[1]!), err);
    assert.match(err, /TRACEFORK_STORE/);
  }
  assert.equal(existsSync(marks), false, "the agent was not started");
  assert.deepEqual(readdirSync(folder), []);
}, MOUNTS);

boxed("a folder where a file stands is not writable either", async (box) => {
  writeFileSync(box.path("file"), "kept");
  assertFails(
    await box.tracefork(["run", "-o", box.path("file", "x.tape"), "--", ...DRAWS]),
    1,
    "TF_NOT_WRITABLE",
  );
  assert.equal(readFileSync(box.path("file"), "utf8"), "kept");
});

boxed("a tape in a read-only folder replays exact, and can be looked at", async (box) => {
  const folder = box.path("locked");
  mkdirSync(folder);
  copyFileSync(await box.record("x.tape", DRAWS), `${folder}/x.tape`);
  const ran = await box.start(readOnly(folder, cli(["replay", `${folder}/x.tape`, "--json"]))).done;
  assertExact({ ran, ...answer<ReplayAnswer>(ran) });
  for (const verb of ["verify", "show"]) {
    const looked = await box.start(readOnly(folder, cli([verb, `${folder}/x.tape`]))).done;
    assert.equal(looked.code, 0, told(looked));
  }
}, MOUNTS);

boxed("a store in a read-only folder can be listed, verified and replayed from", async (box) => {
  const folder = box.path("locked");
  mkdirSync(folder);
  const store = `${folder}/store.db`;
  const recorded = await box.tracefork(["run", "--store", store, "--", ...DRAWS]);
  assert.equal(recorded.code, 0, told(recorded));
  const listed = await box.start(readOnly(folder, cli(["ls", "--json", "--store", store]))).done;
  assert.equal(listed.code, 0, told(listed));
  assert.equal(answer<{ runs: unknown[] }>(listed).runs.length, 1);
  const verified = await box.start(readOnly(folder, cli(["verify", "--store", store]))).done;
  assert.equal(verified.code, 0, told(verified));
  const ran = await box.start(readOnly(folder, cli(["replay", "--json", "--store", store]))).done;
  assertExact({ ran, ...answer<ReplayAnswer>(ran) });
}, MOUNTS);

boxed("with a read-only home the preload goes elsewhere and recording works", async (box) => {
  const home = box.path("locked");
  mkdirSync(home);
  const tape = box.path("x.tape");
  const ran = await box.start(readOnly(home, cli(["run", "-o", tape, "--", ...DRAWS])), {
    env: { HOME: home },
  }).done;
  assert.equal(ran.code, 0, told(ran));
  assertExact(await box.replay(tape));
}, MOUNTS);

/** Serves answers that can't be compressed. */
function withAnswers<T>(size: number, body: (url: string) => Promise<T>): Promise<T> {
  return withServer((_, response) => response.end(randomBytes(size)), body);
}

/** Runs a command with a small disk at `folder`, and copies what is on it to `to` afterwards. */
function smallDisk(folder: string, size: string, to: string, command: readonly string[]): string[] {
  const script =
    `mount -t tmpfs -o size=${size} none "$0" && "$@"; code=$?; cp -a "$0"/. "${to}"; exit $code`;
  return ["unshare", "-rm", "sh", "-c", script, folder, ...command];
}

onEachRuntime(
  "on a full disk the agent goes on to its end, it is said, and what was recorded is kept",
  async (box, runtime) => {
    const folder = box.path("small");
    const saved = box.path("saved");
    mkdirSync(folder);
    mkdirSync(saved);
    await withAnswers(200_000, async (url) => {
      const record = (count: number, size: string) =>
        box.start(smallDisk(
          folder,
          size,
          saved,
          cli([
            "run",
            "-o",
            `${folder}/x.tape`,
            "--",
            ...runtime.command(agent("hoards.mjs"), url, String(count)),
          ]),
        )).done;
      const ran = await record(40, "3m");
      assert.equal(ran.out, "8000000 bytes\n", told(ran));
      assert.notEqual(ran.code, 0, told(ran));
      assert.match(ran.err, /disk is full.*\(TF_DISK_FULL\)/, told(ran));
      assert.ok(ran.err.match(/TF_DISK_FULL/g)!.length <= 2, `said once by each side: ${told(ran)}`);
      assertNoStack(ran);
    });
    const verified = await box.tracefork(["verify", `${saved}/x.tape`, "--json"]);
    assert.equal(verified.code, 0, told(verified));
    const { exchanges, state } = answer<{ exchanges: number; state: string }>(verified);
    assert.ok(exchanges > 0 && exchanges < 40, told(verified));
    assert.equal(state, "recovered");
    const replayed = await box.replay(`${saved}/x.tape`);
    assert.equal(replayed.exact, false, told(replayed.ran));
  },
  MOUNTS,
);

boxed("control: with room on the disk the same agent is recorded whole", async (box) => {
  const [folder, saved] = [box.path("small"), box.path("saved")];
  mkdirSync(folder);
  mkdirSync(saved);
  await withAnswers(200_000, async (url) => {
    const command = cli([
      "run",
      "-o",
      `${folder}/x.tape`,
      "--",
      ...DENO.command(agent("hoards.mjs"), url, "40"),
    ]);
    const ran = await box.start(smallDisk(folder, "60m", saved, command)).done;
    assert.equal(ran.code, 0, told(ran));
    assert.equal(ran.out, "8000000 bytes\n");
  });
  assertExact(await box.replay(`${saved}/x.tape`));
}, MOUNTS);

async function startWaiting(box: Box, flags: readonly string[]) {
  const running = box.startCli(["run", ...flags, "--", ...DENO.command(agent("waits.mjs"))], { open: true });
  await running.until(/ready/);
  return running;
}

for (const force of [[], ["--force"]]) {
  const flags = ["run", ...force, "-o"];
  boxed(
    `"${flags.join(" ")}" on a tape that is being recorded is refused, and that recording is not disturbed`,
    async (box) => {
      const tape = box.path("used.tape");
      const running = await startWaiting(box, ["-o", tape]);
      assertFails(await box.tracefork([...flags, tape, "--", ...DRAWS]), 1, "TF_TAPE_IN_USE");
      running.write("go on\n");
      const ran = await running.done;
      assert.equal(ran.code, 0, told(ran));
      assertExact(await box.replay(tape));
    },
  );
}

boxed("a tape whose recorder was killed exists, but is not in use", async (box) => {
  const tape = box.path("killed.tape");
  const running = await startWaiting(box, ["-o", tape]);
  running.kill("SIGKILL");
  await running.done;
  await killForGood(Number(rowsOf(tape, "SELECT pid FROM lanes")[0]!.pid));
  assertFails(await box.tracefork(["run", "-o", tape, "--", ...DRAWS]), 1, "TF_TAPE_EXISTS");
});

boxed("a store whose making was cut off before its tables is made whole", async (box) => {
  alterTape(box.store, (db) => db.exec("PRAGMA journal_mode = WAL"));
  assert.ok(readFileSync(box.store).length > 0);
  const ran = await box.tracefork(["run", "--", ...DRAWS]);
  assert.equal(ran.code, 0, told(ran));
  assertExact(await box.replay("latest"));
});

boxed(
  "several recordings that make the same store at once are all in it, complete and exact",
  async (box) => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const ran = await withModel(({ env }) =>
      Promise.all(names.map((name, i) => {
        const command = runtimeNamed(i % 2 === 0 ? "deno" : "bun").command(agent("raw_fetch.mjs"));
        return box.tracefork(["run", "--name", name, "--", ...command], { env });
      }))
    );
    for (const each of ran) assert.equal(each.code, 0, told(each));
    assert.deepEqual(
      rowsOf(box.store, "SELECT state FROM runs").map(({ state }) => state),
      names.map(() => "complete"),
    );
    const verified = await box.tracefork(["verify", "--store", box.store]);
    assert.equal(verified.code, 0, told(verified));
    for (const name of names) assertExact(await box.replay(name));
  },
);
