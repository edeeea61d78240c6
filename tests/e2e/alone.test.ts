/**
 * The preload without its launcher: one flag of the runtime, and the run is in the store. Also without a
 * launcher: replaying with the preload alone.
 */
import assert from "node:assert/strict";
import { agent, answer, assertExact, type Box, boxed } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { type Runtime, runtimeNamed } from "../helpers/runtimes.ts";
import { rowsOf } from "../helpers/tape.ts";

/** How a runtime is told to load a file first. */
const WAYS: readonly (readonly [runtime: Runtime, flags: (preload: string) => string[]])[] = [
  [runtimeNamed("deno"), (preload) => ["run", "-A", "--preload", preload]],
  [runtimeNamed("bun"), (preload) => ["--preload", preload]],
  [runtimeNamed("node"), (preload) => ["--import", preload]],
  [runtimeNamed("node"), (preload) => ["--require", preload]],
];

interface Listed {
  readonly runs: readonly {
    id: string;
    name: string | null;
    state: string;
    runtime: string;
    exchanges: number;
    exit: number | null;
  }[];
}

async function preloadOf(box: Box): Promise<string> {
  return answer<{ preload: string }>(await box.tracefork(["where", "--json"])).preload;
}

const SCRIPT = agent("booking.ts");

for (const [runtime, flags] of WAYS) {
  const shown = `${runtime.name} ${flags("PRELOAD").join(" ")}`;

  boxed(`${shown} records with no launcher, into the store, under a name`, async (box) => {
    const command = [runtime.path!, ...flags(await preloadOf(box)), SCRIPT];
    const native = [runtime.path!, ...(runtime.name === "deno" ? ["run", "-A"] : []), SCRIPT];
    const said = await withModel(async ({ env }) => {
      const ran = await box.start(command, { env: { ...env, TRACEFORK_NAME: "alone" } }).done;
      assert.equal(ran.code, 0, told(ran));
      assert.equal(ran.err, "", told(ran));
      return ran.out;
    }, { errorRate: 0 });
    const { runs } = answer<Listed>(await box.tracefork(["ls", "--json"]));
    assert.equal(runs.length, 1);
    const { name, state, exchanges, exit } = runs[0]!;
    assert.deepEqual({ name, state, exchanges, exit }, {
      name: "alone",
      state: "complete",
      exchanges: 2,
      exit: 0,
    });
    assert.ok(runs[0]!.runtime.startsWith(`${runtime.name} `), runs[0]!.runtime);
    const verified = await box.tracefork(["verify", "alone", "--json"]);
    assert.equal(verified.code, 0, told(verified));
    assert.equal(answer<{ intact: boolean }>(verified).intact, true);
    const replayed = await box.replay("alone", ["--output", "--", ...native]);
    assert.equal(replayed.divergence, null, told(replayed.ran));
    assert.equal(replayed.exact, true, told(replayed.ran));
    assert.equal(replayed.output.identical, null, "output is not captured without a launcher");
    assert.equal(replayed.ran.err, said);
  }, [runtime]);

  boxed(
    `${shown} with TRACEFORK_TAPE writes a tape of its own, which replays with the preload alone too`,
    async (box) => {
      const command = [runtime.path!, ...flags(await preloadOf(box)), SCRIPT];
      const tape = box.path("own.tape");
      const recorded = await withModel(({ env }) =>
        box.start(command, { env: { ...env, TRACEFORK_TAPE: tape, TRACEFORK_STORE: undefined } }).done
      );
      assert.equal(recorded.code, 0, told(recorded));
      assert.deepEqual(rowsOf(tape, "SELECT state FROM runs").map(({ state }) => state), ["complete"]);
      const replay = { TRACEFORK_MODE: "replay", TRACEFORK_TAPE: tape };
      const replayed = await box.start(command, { env: replay }).done;
      assert.equal(replayed.code, 0, told(replayed));
      assert.equal(replayed.out, recorded.out);
      assert.match(replayed.err, /replay of [0-9a-f]{12} matched/);
      const other = [...command.slice(0, -1), agent("draws.mjs"), "3"];
      const diverged = await box.start(other, { env: replay }).done;
      assert.equal(diverged.code, 3, told(diverged));
      assert.match(diverged.err, /diverged at step 0/);
    },
    [runtime],
  );

  boxed(`${shown} with TRACEFORK_MODE=off leaves the agent alone`, async (box) => {
    const command = [runtime.path!, ...flags(await preloadOf(box)), agent("draws.mjs"), "3"];
    const ran = await box.start(command, { env: { TRACEFORK_MODE: "off" } }).done;
    assert.equal(ran.code, 0, told(ran));
    assert.equal(ran.out, "done\n");
    assert.deepEqual(answer<Listed>(await box.tracefork(["ls", "--json"])).runs, []);
  }, [runtime]);

  boxed(`${shown} in a mode that does not exist says so and does not run the agent`, async (box) => {
    const command = [runtime.path!, ...flags(await preloadOf(box)), agent("draws.mjs"), "3"];
    const ran = await box.start(command, { env: { TRACEFORK_MODE: "rewind" } }).done;
    assert.notEqual(ran.code, 0, told(ran));
    assert.equal(ran.out, "");
    assert.match(ran.err, /TRACEFORK_MODE is "rewind", expected record, replay or off/);
    assert.doesNotMatch(ran.err, /^\s+at /m);
  }, [runtime]);
}

boxed(
  "two processes recorded into one store at once, both with the preload alone, are two runs",
  async (box) => {
    const preload = await preloadOf(box);
    const [deno] = [runtimeNamed("deno").path!];
    const ran = await withModel(({ env }) =>
      Promise.all(["a", "b", "c"].map((name) =>
        box.start([deno, "run", "-A", "--preload", preload, SCRIPT], {
          env: { ...env, TRACEFORK_NAME: name },
        }).done
      ))
    );
    for (const each of ran) {
      assert.equal(each.code, 0, told(each));
    }
    const { runs } = answer<Listed>(await box.tracefork(["ls", "--json"]));
    assert.deepEqual(runs.map(({ name, state }) => `${name} ${state}`).sort(), [
      "a complete",
      "b complete",
      "c complete",
    ]);
    const native = runtimeNamed("deno").command(SCRIPT);
    for (const name of ["a", "b", "c"]) {
      const replayed = assertExactButOutput(await box.replay(name, ["--", ...native]));
      assert.ok(replayed.exchanges.recorded >= 2);
    }
  },
);

/** Without a launcher no output is captured, so none is compared. */
function assertExactButOutput(replayed: Awaited<ReturnType<Box["replay"]>>): typeof replayed {
  assertExact({ ...replayed, output: { identical: replayed.output.identical === null ? true : null } });
  return replayed;
}
