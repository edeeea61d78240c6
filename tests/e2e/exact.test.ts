/**
 * The main promise: an agent recorded once replays exact, as often as one likes, with the server gone, at another time, in
 * another home. The agents are written without regard to tracefork; the model behind them is random.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agent, assertExact, boxed, onEachRuntime, ROOT } from "../helpers/box.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const REPLAYS = 2;

const AGENTS: readonly (readonly [name: string, script: string, leastExchanges: number])[] = [
  ["four streaming sub-agents with retries, races and an abort", agent("lanes.mjs"), 12],
  ["a booking with a tool", agent("booking.ts"), 2],
  ["plain fetch with chunks as they came", agent("raw_fetch.mjs"), 9],
  ["32 requests in flight against timers", agent("many.mjs"), 33],
  ["two conversations that grow far beyond the size at which bodies are cut", agent("growing.mjs"), 26],
  ["the demo's agent", join(ROOT, "core", "commands", "demo", "agent.ts"), 8],
];

for (const [name, script, least] of AGENTS) {
  onEachRuntime(`${name}: recorded once, replayed exact with the server gone`, async (box, runtime) => {
    const { tape, said } = await withModel(async (model) => {
      const path = box.path("agent.tape");
      const ran = await box.tracefork(["run", "-o", path, "--", ...runtime.command(script)], {
        env: model.env,
      });
      assert.equal(ran.code, 0, told(ran));
      assert.ok(model.requests() >= least, `${model.requests()} requests: ${told(ran)}`);
      return { tape: path, said: ran.out };
    });
    assert.notEqual(said, "");
    for (let i = 0; i < REPLAYS; i++) {
      const home = box.path(`home-${i}`);
      mkdirSync(home);
      const replayed = await box.replay(tape, ["--output"], { env: { HOME: home } });
      assertExact(replayed);
      assert.ok(replayed.exchanges.recorded >= least, told(replayed.ran));
      // `--output` shows on stderr what the agent wrote: the very same.
      assert.equal(replayed.ran.err, said);
    }
  });
}

onEachRuntime(
  "the same agent recorded twice has two fingerprints: nothing about it is fixed",
  async (box, runtime) => {
    const script = agent("booking.ts");
    const fingerprints = await withModel(async ({ env }) => {
      const tapes = [
        await box.record("a.tape", runtime.command(script), { env }),
        await box.record("b.tape", runtime.command(script), { env }),
      ];
      return await Promise.all(tapes.map(async (tape) => (await box.replay(tape)).fingerprint.replayed));
    });
    assert.notEqual(fingerprints[0], fingerprints[1]);
  },
);

onEachRuntime(
  "an agent that ends with 7 replays exact: 7 = 7, and the replay's own code is 0",
  async (box, runtime) => {
    const command = runtime.command(agent("swallow.mjs"), "EXIT_CODE=7");
    const tape = await withModel(({ env }) => box.record("seven.tape", command, { env, code: 7 }));
    const replayed = await box.replay(tape);
    assertExact(replayed);
    assert.deepEqual(replayed.exit, { recorded: 7, replayed: 7 });
  },
);

onEachRuntime("a variable that the agent read is on replay what it was", async (box, runtime) => {
  const command = runtime.command(agent("swallow.mjs"));
  const tape = await withModel(({ env }) =>
    box.record("said.tape", command, { env: { ...env, SAY: "as it was" } })
  );
  assertExact(await box.replay(tape, [], { env: { SAY: "something else", EXIT_CODE: "9" } }));
});

onEachRuntime(
  "a runtime's warning, which names the process id, does not spoil the replay",
  async (box, runtime) => {
    const script = box.path("agent.mjs");
    writeFileSync(
      script,
      'import process from "node:process";\nMath.random();\nprocess.emitWarning("careful");\n',
    );
    assertExact(await box.replay(await box.record("warning.tape", runtime.command(script))));
  },
);

onEachRuntime("an agent that lists the names in its environment replays exact", async (box, runtime) => {
  const script = box.path("agent.mjs");
  const text = "Math.random();\nconsole.log(Object.keys(process.env).sort().join(' '));\n";
  writeFileSync(script, `import process from "node:process";\n${text}`);
  assertExact(await box.replay(await box.record("names.tape", runtime.command(script))));
});

onEachRuntime(
  "what a server of the platform draws for its own use is not on the tape",
  async (box, runtime) => {
    const script = writeAgent(
      box,
      `import { createServer } from "node:http";
    const server = createServer({ connectionsCheckingInterval: 2 }, () => {}).listen(0, "127.0.0.1");
    for (let i = 0; i < 3; i++) console.log(await (await fetch(url)).text(), Math.random());
    server.close();`,
    );
    // Each answer takes so long that the platform's own interval has fired several times.
    const tape = await withServer((_, response) => {
      const asked = performance.now();
      const wait = () => performance.now() - asked > 20 ? response.end("fine") : setImmediate(wait);
      wait();
    }, (url) => box.record("server.tape", runtime.command(script), { env: { SERVICE_URL: url } }));
    const replayed = await box.replay(tape);
    assertExact(replayed);
    assert.equal(replayed.draws.recorded, 3, told(replayed.ran));
  },
);

boxed("the receipt says EXACT with the counts, and that nothing was sent", async (box) => {
  const command = runtimeNamed("deno").command(agent("booking.ts"));
  const tape = await withModel(({ env }) => box.record("booking.tape", command, { env }), { errorRate: 0 });
  const ran = await box.tracefork(["replay", tape]);
  assert.equal(ran.code, 0, told(ran));
  assert.match(ran.out, /exchanges matched \.+ 2\/2 /);
  assert.match(ran.out, /network calls \/ spend \.+ 0 \/ \$0\.00/);
  for (
    const claim of [
      "every request byte-identical",
      "every draw served in order",
      "nothing left over",
      "output byte-identical",
      "exit code 0 = 0",
      "chain recomputed and equal",
    ]
  ) assert.ok(ran.out.includes(`[x] ${claim}`), told(ran));
  assert.match(ran.out, /RESULT: EXACT\n$/);
  const marks = ran.out.match(/\[ \]/g);
  assert.equal(marks, null, told(ran));
});
