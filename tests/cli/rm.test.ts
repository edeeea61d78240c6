/** `rm`: runs go when somebody has agreed, and only they. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { main } from "../../core/commands/main.ts";
import { answer, assertExact, Box, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { recordedStore } from "../helpers/recorded_store.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { adopt, opened, unreferenced } from "../helpers/stores.ts";

const STORE = await recordedStore("long", "other", "small");
const { long, other, small } = STORE.ids as Record<"long" | "other" | "small", string>;

interface RmAnswer {
  readonly schema: string;
  readonly dry_run: boolean;
  readonly removed: readonly string[];
  readonly freed_bytes: number;
  readonly collected: { blobs: number } | null;
  readonly recording: string | null;
  readonly branches_left: readonly string[];
}

function stored(name: string, body: (box: Box) => Promise<void>): void {
  boxed(name, async (box) => {
    STORE.into(box);
    await body(box);
  }, [runtimeNamed("node")]);
}

async function ids(box: Box): Promise<string[]> {
  const { runs } = answer<{ runs: { id: string }[] }>(await box.tracefork(["ls", "--json"]));
  return runs.map(({ id }) => id);
}

async function rm(box: Box, ...args: string[]): Promise<RmAnswer> {
  const ran = await box.tracefork(["rm", "--json", ...args]);
  assert.equal(ran.code, 0, told(ran));
  return answer(ran);
}

stored("a run goes with what only it needed, and the others replay exact", async (box) => {
  const { schema, removed, freed_bytes, collected, recording } = await rm(box, "long", "--yes");
  assert.deepEqual({ schema, removed, recording }, {
    schema: "tracefork/rm/1",
    removed: [long],
    recording: null,
  });
  assert.ok(freed_bytes > 10_000 && collected!.blobs > 10);
  assert.deepEqual((await ids(box)).toSorted(), [other, small].toSorted());
  assert.deepEqual(opened(box.store, unreferenced), []);
  assert.equal((await box.tracefork(["verify", "--store"])).code, 0);
  assertExact(await box.replay("other"));
  assertExact(await box.replay("small"));
  assertFails(await box.tracefork(["show", long]), 4, "TF_TAPE_NOT_FOUND");
});

stored("several go at once, named in any way; latest is the latest of now", async (box) => {
  const ran = await box.tracefork(["rm", "latest", "latest~1", "--yes"]);
  assert.equal(ran.code, 0, told(ran));
  assert.match(ran.out, /^removed 2 runs and \d+ shared rows, freed [\d.]+ [KM]?B/);
  assert.deepEqual(await ids(box), [long]);
});

stored("without a terminal it wants --yes, and --dry-run says what would go", async (box) => {
  const before = readFileSync(box.store);
  const err = assertFails(await box.tracefork(["rm", "long"]), 2, "TF_USAGE");
  assert.match(err, /--yes/);
  const dry = await rm(box, "long", "--dry-run");
  assert.deepEqual([dry.dry_run, dry.removed], [true, [long]]);
  assert.deepEqual(readFileSync(box.store), before);
  assert.equal((await ids(box)).length, 3);
  assert.equal((await rm(box, "long", "--yes")).freed_bytes, dry.freed_bytes);
});

stored("a run with branches is refused, until it is said what is to become of them", async (box) => {
  opened(box.store, (db) => {
    adopt(db, other, long, 2);
    adopt(db, small, other, 0);
  });
  const err = assertFails(await box.tracefork(["rm", "long", "--yes"]), 1, "TF_HAS_BRANCHES");
  assert.ok(err.includes(other) && err.includes(small), err);
  assert.match(err, /--with-branches.*--keep-branches/);
  assertFails(
    await box.tracefork(["rm", "long", "--yes", "--with-branches", "--keep-branches"]),
    2,
    "TF_USAGE",
  );
  assert.equal((await ids(box)).length, 3);
  const kept = await rm(box, "long", "--keep-branches", "--yes");
  assert.deepEqual([kept.removed, kept.branches_left.toSorted()], [[long], [other, small].toSorted()]);
  const tree = await box.tracefork(["ls", "--tree"]);
  assert.match(tree.out, new RegExp(`^${other}\t${long}:2\t.*\n└─ ${small}\t${other}:0\t`), told(tree));
  assertExact(await box.replay("other"));
  assertExact(await box.replay("small"));
  const all = await rm(box, "other", "--with-branches", "--yes");
  assert.deepEqual(all.removed.toSorted(), [other, small].toSorted());
  assert.deepEqual(await ids(box), []);
});

stored("what is not there and what is a file are refused, and nothing goes", async (box) => {
  assertFails(await box.tracefork(["rm", "small", "nowhere", "--yes"]), 4, "TF_TAPE_NOT_FOUND");
  assertFails(await box.tracefork(["rm", box.store, "--yes"]), 2, "TF_USAGE");
  assertFails(await box.tracefork(["rm"]), 2, "TF_USAGE");
  assert.equal((await ids(box)).length, 3);
});

/** Calls `rm` as on a terminal at which somebody answers so. */
async function asked(box: Box, reply: string, ...args: string[]) {
  const [out, notes, questions]: [string[], string[], string[]] = [[], [], []];
  const code = await main(["rm", ...args], {
    cwd: box.work,
    env: box.env,
    out: (text) => void out.push(text),
    note: (text) => void notes.push(text),
    ask: (question) => {
      questions.push(question);
      return Promise.resolve(reply);
    },
    outIsTerminal: true,
    noteIsTerminal: true,
    colour: false,
  });
  return { code, out: out.join(""), notes: notes.join(""), questions };
}

test("on a terminal it shows what goes and asks; only yes is yes", async () => {
  const box = new Box();
  STORE.into(box);
  for (const reply of ["", "n", "yesterday", "no\n"]) {
    const { code, notes, questions } = await asked(box, reply, "small");
    assert.equal(code, 1);
    assert.match(questions.join(), /^Remove 1 run, [\d.]+ (bytes|KB)\? \[y\/N\] $/);
    assert.ok(notes.includes(small) && notes.includes("nothing was removed"), notes);
    assert.equal((await ids(box)).length, 3);
  }
  const { code, out } = await asked(box, "Y", "small");
  assert.equal(code, 0);
  assert.match(out, /^removed 1 run/);
  assert.equal((await ids(box)).length, 2);
  assert.equal((await asked(box, "n", "long", "--yes")).questions.length, 0);
  box.remove();
});
