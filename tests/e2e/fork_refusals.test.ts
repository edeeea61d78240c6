/** What a fork refuses, and that it leaves nothing behind then. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { agent, answer, assertExact, type Box, boxed, onEachRuntime } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { assertForked, fork } from "../helpers/fork.ts";
import { type Model, withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { type Runtime, runtimeNamed } from "../helpers/runtimes.ts";
import { alterTape, edited, rowsOf } from "../helpers/tape.ts";

async function asked(box: Box, runtime: Runtime, { env }: Model, ...how: string[]): Promise<void> {
  const ran = await box.tracefork(
    ["run", "--name", "a", "--", ...runtime.command(agent("asks.mjs"), ...how)],
    { env },
  );
  assert.equal(ran.code, 0, told(ran));
}

const runs = (box: Box) => rowsOf(box.store, "SELECT id FROM runs").length;

function refusing(name: string, body: (box: Box, model: Model) => Promise<void>): void {
  boxed(name, async (box) => {
    await withModel(async (model) => {
      await asked(box, runtimeNamed("node"), model);
      const before = model.requests();
      await body(box, model);
      assert.equal(model.requests(), before, "something was sent");
      assert.equal(runs(box), 1, "a branch was left behind");
    }, { errorRate: 0 });
  });
}

refusing("a step out of range, with the range", async (box) => {
  const told = assertFails(await box.tracefork(["fork", "a:3"]), 2, "TF_STEP_OUT_OF_RANGE");
  assert.match(told, /its steps are 0 to 2/);
  assertFails(await box.tracefork(["fork", "a:1", "--at", "9", "--text", "x"]), 2, "TF_STEP_OUT_OF_RANGE");
});

refusing("flags that say nothing, or contradict each other", async (box) => {
  const wrong: string[][] = [
    ["a"],
    ["a", "--text", "x"],
    ["a:1", "--edit", "no equals sign"],
    ["a:1", "--edit", "content[0].text=unquoted"],
    ["a:1", "--status", "1000"],
    ["a:1", "--header", "none"],
    ["a:1", "--error", "fire"],
    ["a:1", "--error", "reset", "--text", "x"],
    ["a:1", "--tail", "none"],
    ["a:1", "--at", "two"],
    ["a:1", "--response", "nowhere.json"],
  ];
  for (const args of wrong) assertFails(await box.tracefork(["fork", ...args]), 2, "TF_USAGE");
});

refusing("an answer that its provider could not have given, with the reason", async (box) => {
  const file = box.path("answer.json");
  const bad = (text: string) => (writeFileSync(file, text), ["fork", "a:1", "--response", file]);
  assert.match(
    assertFails(await box.tracefork(bad('{"id":"x"}')), 2, "TF_RESPONSE_INVALID"),
    /its type is not "message"/,
  );
  assert.match(assertFails(await box.tracefork(bad("hello")), 2, "TF_RESPONSE_INVALID"), /it is no JSON/);
  const edits = [['content[0].type="tool_use"', /content\[0\]\.id is missing/], [
    "stop_reason=3",
    /stop_reason is 3/,
  ], [
    "nothing.there=1",
    /no nothing in the answer/,
  ]] as const;
  for (const [edit, why] of edits) {
    const ran = await box.tracefork(["fork", "a:1", "--edit", edit]);
    assert.match(assertFails(ran, 2, "TF_RESPONSE_INVALID"), why);
  }
});

boxed("control: --force serves it anyway", async (box) => {
  await withModel(async (model) => {
    await asked(box, runtimeNamed("node"), model);
    const file = box.path("answer.json");
    writeFileSync(file, '{"id":"x"}');
    const forked = await fork(box, ["a:1", "--response", file, "--force", "--json"], model.env);
    assertExact(await box.replay(assertForked(forked)));
    assert.match(forked.ran.err, /^TypeError/m);
  }, { errorRate: 0 });
});

refusing("a parent that was changed since, with the place", async (box) => {
  alterTape(
    box.store,
    (db) =>
      db.exec(
        "UPDATE events SET link = zeroblob(32) WHERE seq = (SELECT max(seq) FROM events WHERE type = 4)",
      ),
  );
  const told = assertFails(await box.tracefork(["fork", "a:0", "--text", "x"]), 4, "TF_TAPE_DAMAGED");
  assert.match(told, /step 2, lane 0 event \d+/);
});

onEachRuntime(
  "code that does something else before the step: diverged, with the place, and no branch",
  async (box, runtime) => {
    await withModel(async (model) => {
      const command = runtime.command(agent("four.mjs"), "2");
      const recorded = await box.tracefork(["run", "--name", "a", "--", ...command], { env: model.env });
      assert.equal(recorded.code, 0, told(recorded));
      const script = box.path("changed.mjs");
      writeFileSync(
        script,
        edited(readFileSync(agent("four.mjs")), "`${name} ${step}`", "`${name} ${step}!`"),
      );
      const before = model.requests();
      const ran = await box.tracefork(["fork", "a:6", "--json", "--", ...runtime.command(script, "2")], {
        env: model.env,
      });
      assert.equal(ran.code, 3, told(ran));
      const { branch, divergence } = answer<
        { branch: null; divergence: { step: number; kind: string; cause: string } }
      >(ran);
      assert.equal(branch, null);
      assert.equal(
        `${divergence.step} ${divergence.kind} ${divergence.cause}`,
        "4 request code_change",
        told(ran),
      );
      assert.equal(model.requests(), before);
      assert.equal(runs(box), 1);
      // Control: forked before that place, the same code makes a branch.
      const forked = await fork(
        box,
        ["a:0", "--text", "x", "--json", "--", ...runtime.command(script, "2")],
        model.env,
      );
      assertForked(forked);
    }, { errorRate: 0 });
  },
);

onEachRuntime("an agent that ends before the step: diverged, and no branch", async (box, runtime) => {
  await withModel(async (model) => {
    await asked(box, runtime, model);
    const script = box.path("short.mjs");
    writeFileSync(script, "Math.random();\n");
    const ran = await box.tracefork(["fork", "a:2", "--", ...runtime.command(script)], { env: model.env });
    assert.equal(ran.code, 3, told(ran));
    assert.match(ran.err, /diverged before step 2: there is no branch/);
    assert.equal(runs(box), 1);
  }, { errorRate: 0 });
});

refusing("--dry-run runs nothing and says what would be reused", async (box) => {
  const ran = await box.tracefork(["fork", "a:1", "--text", "x", "--dry-run"]);
  assert.equal(ran.code, 0, told(ran));
  assert.match(ran.out, /changed at step 1 \.+ text "x"/);
  assert.match(ran.out, /replayed for \$0 \.+ 0\n/);
  assert.match(ran.out, /recorded after the fork +2: /);
  const json = answer<{ later: number[]; later_tokens: { output: number } }>(
    await box.tracefork(["fork", "a:1", "--text", "x", "--dry-run", "--json"]),
  );
  assert.deepEqual(json.later, [2]);
  assert.ok(json.later_tokens.output > 0);
});

onEachRuntime(
  "an agent that swallows the error of its wrong request gets no branch for it",
  async (box, runtime) => {
    await withModel(async (model) => {
      const command = runtime.command(agent("swallow.mjs"));
      const recorded = await box.tracefork(["run", "--name", "s", "--", ...command], { env: model.env });
      assert.equal(recorded.code, 0, told(recorded));
      const before = model.requests();
      const args = [
        "fork",
        "s:2",
        "--text",
        "x",
        "--",
        ...runtime.command(agent("swallow.mjs"), "WRONG_FIRST=1"),
      ];
      const ran = await box.tracefork(args, { env: model.env });
      assert.equal(ran.code, 3, told(ran));
      assert.equal(model.requests(), before);
      assert.equal(runs(box), 1);
    }, { errorRate: 0 });
  },
);
