/**
 * A run of 32 steps in four concurrent, streaming conversations, forked at each of them on each runtime: what comes
 * before is replayed exactly, nothing goes live that the tape answers, and the branch replays.
 */
import assert from "node:assert/strict";
import { agent, onEachRuntime } from "../helpers/box.ts";
import { differenceOnReplay, forkHere, headSeq, sharedPrefix } from "../helpers/fork.ts";
import { type Model, withModel } from "../helpers/model.ts";
import { readExchanges } from "../../core/analyse/exchanges.ts";
import { findRun } from "../../core/store/find.ts";
import { tapeSource } from "../../core/store/tape_reader.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import type { Box } from "../helpers/box.ts";
import type { Runtime } from "../helpers/runtimes.ts";
import { told } from "../helpers/process.ts";

const STEPS = 8;

async function record(box: Box, runtime: Runtime, model: Model): Promise<string> {
  const command = runtime.command(agent("four.mjs"), String(STEPS));
  const ran = await box.tracefork(["run", "--name", "parent", "--", ...command], { env: model.env });
  assert.equal(ran.code, 0, told(ran));
  return findRun("parent", { cwd: box.work, env: (name) => box.env[name] }).run.id;
}

/** For each step, which conversation it is of. */
function conversations(box: Box, id: string): string[] {
  const { db, run } = findRun(id, { cwd: box.work, env: (name) => box.env[name] });
  const { exchanges } = readExchanges(tapeSource(db, createWasmCore(), run.key));
  const names = exchanges.map((each) =>
    JSON.parse(new TextDecoder().decode(each.requestBody()!)).messages[0].content as string
  );
  db.close();
  return names;
}

onEachRuntime(
  "a fork at every step: prefix exact, nothing live that the tape answers, branch exact",
  async (box, runtime) => {
    await withModel(async (model) => {
      const parent = await record(box, runtime, model);
      const talks = conversations(box, parent);
      assert.equal(talks.length, 4 * STEPS);
      const before = model.requests();
      let wanted = 0;
      const forkAt = async (step: number) => {
        const forked = await forkHere(box, parent, { step, text: `another answer at ${step} 🌍` }, model.env);
        const place = `step ${step}: ${JSON.stringify(forked.divergence ?? forked.outline.changes)}`;
        assert.ok(forked.recorded, place);
        assert.equal(forked.recorded.end.code, 0, place);
        const { id } = forked.recorded.run;
        // All that is new is the rest of this one conversation.
        const rest = talks.slice(step + 1).filter((other) => other === talks[step]).length;
        wanted += rest;
        assert.equal(forked.requests.filter(({ outcome }) => outcome === "live").length, rest, place);
        // The head of the changed answer may be the recorded one: it is the text that differs.
        const shared = sharedPrefix([box.store, parent], [box.store, id]);
        assert.ok(shared >= headSeq(box.store, parent, step), `${shared} events shared, ${place}`);
        assert.equal(await differenceOnReplay(box, id), undefined, place);
      };
      const queue = talks.map((_, step) => step);
      const worker = async () => {
        for (let step = queue.shift(); step !== undefined; step = queue.shift()) await forkAt(step);
      };
      await Promise.all([worker(), worker()]);
      assert.equal(model.requests() - before, wanted, "what the server saw of it");
    }, { errorRate: 0 });
  },
);

onEachRuntime(
  "control: with --tail live the same fork sends what the tape could have answered",
  async (box, runtime) => {
    await withModel(async (model) => {
      const parent = await record(box, runtime, model);
      const talks = conversations(box, parent);
      const before = model.requests();
      const forked = await forkHere(box, parent, { step: 3, text: "another answer" }, model.env, {
        tail: "live",
      });
      const rest = talks.slice(4).filter((other) => other === talks[3]).length;
      assert.ok(model.requests() - before > rest, JSON.stringify(forked.requests));
      assert.equal(await differenceOnReplay(box, forked.recorded!.run.id), undefined);
    }, { errorRate: 0 });
  },
);
