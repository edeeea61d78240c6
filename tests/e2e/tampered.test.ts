/**
 * A tape that was edited is never replayed as if it were genuine: `replay` says so before it starts the agent, `verify`
 * names the place. Each edit is made with plain SQL, as anybody could. The control is the untouched copy.
 *
 * A forger who knows the format can recompute every link. What the replay itself sees can't be forged so: it
 * still is not exact.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { agent, answer, assertDiverged, assertExact, Box } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { bodyOf, edited, replaceBody, replaceEvent, retell, storeBody } from "../helpers/tape.ts";
import { chunk, EDITS, request } from "./edits.ts";

const box = new Box();
after(() => box.remove());
const marks = box.path("marks");
const genuine = await withModel(
  ({ env }) => box.record("genuine.tape", runtimeNamed("deno").command(agent("marks.mjs"), marks), { env }),
  {
    errorRate: 0,
    gzipRate: 0,
  },
);

interface VerifyAnswer {
  readonly intact: boolean;
  readonly flaws: readonly {
    what: string;
    lane: number;
    seq: number | null;
    step: number;
    message: string;
  }[];
}

function timesRun(): number {
  return existsSync(marks) ? readFileSync(marks, "utf8").split("\n").length - 1 : 0;
}

let copies = 0;

function copy(): string {
  const path = box.path(`copy-${copies++}.tape`);
  copyFileSync(genuine, path);
  return path;
}

async function verify(tape: string) {
  const ran = await box.tracefork(["verify", tape, "--json"]);
  return { ran, ...answer<VerifyAnswer>(ran) };
}

test("an untouched copy verifies and replays exact, and the agent runs", async () => {
  const path = copy();
  const { ran, intact, flaws } = await verify(path);
  assert.equal(ran.code, 0, told(ran));
  assert.ok(intact);
  assert.deepEqual(flaws, []);
  const before = timesRun();
  assertExact(await box.replay(path));
  assert.equal(timesRun(), before + 1);
});

for (const [name, edit, what, seqOf] of EDITS) {
  test(`edited: ${name}: verify names the place, and the agent is not started`, async () => {
    const seq = seqOf(genuine);
    const path = copy();
    edit(path);
    const { ran, intact, flaws } = await verify(path);
    assert.equal(ran.code, 4, told(ran));
    assert.equal(intact, false);
    const found = flaws.find((flaw) => flaw.what === what);
    assert.ok(found, told(ran));
    assert.equal(found.seq, seq, told(ran));
    const before = timesRun();
    const replayed = await box.replay(path);
    assertDiverged(replayed, "tape", "tampered_tape");
    assert.equal(timesRun(), before);
  });
}

test("verify's text names step and event of an edited response", async () => {
  const path = copy();
  const { digest } = chunk(path).event.body;
  replaceBody(path, digest, edited(bodyOf(path, digest), '"end_turn"', '"max_tokens"'));
  const ran = await box.tracefork(["verify", path]);
  assert.equal(ran.code, 4, told(ran));
  assert.match(ran.out, new RegExp(`step 0, lane 0 event ${chunk(genuine).seq}: .*digest`));
  assert.match(ran.out, /RESULT: DAMAGED/);
});

test("a forger who recomputes the chain after editing a request does not get an exact replay", async () => {
  const path = copy();
  const { event } = request(path);
  const bytes = edited(bodyOf(path, (event.body as { digest: Uint8Array }).digest), "order", "ORDER");
  replaceEvent(path, request(path), { ...event, body: storeBody(path, bytes) });
  retell(path);
  assert.equal((await verify(path)).intact, true, "the forgery is consistent in itself");
  assertDiverged(await box.replay(path), "request", "code_change");
});

test("a forger who recomputes the chain after editing a response does not get an exact replay", async () => {
  const path = copy();
  const { event } = chunk(path);
  const bytes = edited(bodyOf(path, event.body.digest), '"text":"', '"text":"FORGED ');
  replaceEvent(path, chunk(path), { ...event, body: storeBody(path, bytes) });
  retell(path);
  assert.equal((await verify(path)).intact, true, "the forgery is consistent in itself");
  assertDiverged(await box.replay(path), "output", "unrecorded_nondeterminism");
});

test("recomputing the chain of a tape that was not edited changes nothing", async () => {
  const path = copy();
  retell(path);
  assert.equal((await verify(path)).intact, true);
  assertExact(await box.replay(path));
});
