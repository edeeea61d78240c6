/** What follows a fork: timers that were pending, the clock, random values, what is sent and where to, what is refused. */
import assert from "node:assert/strict";
import { agent, assertExact, boxed, onEachRuntime } from "../helpers/box.ts";
import { assertForked, fork } from "../helpers/fork.ts";
import { MODEL_KEY, withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { rowsOf } from "../helpers/tape.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const QUIET = { errorRate: 0 };

onEachRuntime("timers that waited at the fork fire, and the branch replays", async (box, runtime) => {
  await withModel(async ({ env }) => {
    const command = runtime.command(agent("pending.mjs"));
    const ran = await box.tracefork(["run", "--name", "p", "--", ...command], { env });
    assert.equal(ran.code, 0, told(ran));
    const forked = await fork(box, ["p:0", "--text", "changed", "--json"], env);
    const branch = assertForked(forked);
    assert.match(
      forked.ran.err,
      /^changed\ntimeout sleep signal odd immediate interval 3\ntrue true \d{4}\ndrawn /m,
    );
    assertExact(await box.replay(branch));
  }, QUIET);
});

onEachRuntime(
  "the same fork draws the same values again, another seed draws others",
  async (box, runtime) => {
    await withModel(async ({ env }) => {
      const ran = await box.tracefork(
        ["run", "--name", "p", "--", ...runtime.command(agent("pending.mjs"))],
        { env },
      );
      const drawnOf = ({ err, out }: { err: string; out: string }) => /^drawn .*$/m.exec(out + err)![0];
      const recorded = drawnOf(ran);
      const forks = [];
      for (const more of [[], [], ["--seed", "another"]]) {
        forks.push(await fork(box, ["p:0", "--text", "changed", "--json", ...more], env));
      }
      const [first, second, other] = forks.map(({ ran }) => drawnOf(ran));
      assert.equal(first, second);
      assert.notEqual(first, other);
      assert.notEqual(first, recorded);
      const [about] = rowsOf(box.store, "SELECT about FROM runs WHERE id = ?", forks[0]!.branch!);
      assert.equal(JSON.parse(about!.about as string).fork.seed, forks[0]!.seed);
    }, QUIET);
  },
);

onEachRuntime("the clock goes on from the recorded time, not from today", async (box, runtime) => {
  await withServer((_, response) => response.end("fine"), async (url) => {
    const script = writeAgent(
      box,
      `const ask = async () => void await (await fetch(url, { method: "POST", body: "x" })).text();
      const before = [Date.now(), performance.now(), process.hrtime.bigint()];
      await ask();
      const after = [Date.now(), performance.now(), process.hrtime.bigint()];
      console.log(JSON.stringify([...before, ...after].map(Number)));`,
    );
    const env = { SERVICE_URL: url };
    await box.tracefork(["run", "--name", "c", "--", ...runtime.command(script)], { env });
    const ran = await box.tracefork(["fork", "c:0"], { env });
    assert.equal(ran.code, 0, told(ran));
    const [clock, perf, mono, clock2, perf2, mono2] = JSON.parse(ran.out) as number[];
    const recorded = await box.replay("c", ["--output"]);
    const before = JSON.parse(recorded.ran.err) as number[];
    // What was replayed is what was recorded, and what follows is later by less than a run takes.
    assert.deepEqual([clock, perf, mono], before.slice(0, 3));
    assert.ok(clock2! >= clock! && clock2! - clock! < 3000, ran.out);
    assert.ok(perf2! >= perf! && perf2! - perf! < 3000, ran.out);
    assert.ok(mono2! >= mono! && mono2! - mono! < 3e9, ran.out);
  });
});

onEachRuntime("--tail offline sends nothing, and names what it refused", async (box, runtime) => {
  await withModel(async ({ env, requests }) => {
    const command = runtime.command(agent("asks.mjs"));
    await box.tracefork(["run", "--name", "a", "--", ...command], { env });
    const before = requests();
    const forked = await fork(box, ["a:1", "--text", "other", "--tail", "offline", "--json"], env);
    const branch = assertForked(forked);
    assert.equal(requests(), before);
    assert.deepEqual(forked.refused, [{ method: "POST", url: `${env.ANTHROPIC_BASE_URL}/v1/messages` }]);
    assert.match(forked.ran.err, /^APIConnectionError/m);
    assert.match(forked.ran.err, /not on the tape: POST http/);
    assertExact(await box.replay(branch));
    // Control: what the tape answers is no new request.
    const same = await fork(box, ["a:1", "--tail", "offline", "--json"], env);
    assertForked(same);
    assert.deepEqual([same.refused.length, same.served_from_tape], [0, 2], told(same.ran));
  }, QUIET);
});

onEachRuntime(
  "live requests go to the base URL of now, with the key of now; the prefix is matched as it was recorded",
  async (box, runtime) => {
    const command = runtime.command(agent("asks.mjs"));
    const recordedAt = await withModel(async ({ env, url }) => {
      const ran = await box.tracefork(["run", "--name", "a", "--", ...command], { env });
      assert.equal(ran.code, 0, told(ran));
      return url;
    }, QUIET);
    const seen: string[] = [];
    await withServer((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization}`);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({
        id: "msg_2",
        type: "message",
        role: "assistant",
        model: "claude-haiku-4-5-20251001",
        content: [{ type: "text", text: "from the other server" }],
        stop_reason: "end_turn",
        stop_sequence: null,
        usage: { input_tokens: 1, output_tokens: 1 },
      }));
    }, async (url) => {
      const key = "sk-ant-another-key-0123456789";
      const env = { ANTHROPIC_BASE_URL: `${url}/gateway`, ANTHROPIC_API_KEY: key };
      const forked = await fork(box, ["a:1", "--text", "other", "--json"], env);
      const branch = assertForked(forked);
      assert.match(forked.ran.err, /from the other server \(end_turn\)/);
      assert.deepEqual(seen, [`/gateway/v1/messages Bearer ${key}`]);
      // The branch keeps the URL that the program asked for, and no key.
      assert.deepEqual(forked.live, [{ method: "POST", url: `${recordedAt}/v1/messages` }]);
      assertExact(await box.replay(branch));
      const text = JSON.stringify(
        rowsOf(box.store, "SELECT * FROM blobs").map(({ data }) =>
          Buffer.from(data as Uint8Array).toString("latin1")
        ),
      );
      assert.ok(!text.includes(key) && !text.includes(MODEL_KEY));
    });
  },
);

boxed("several changes at once: each is served when its step is asked for", async (box) => {
  await withModel(async ({ env, requests }) => {
    const command = runtimeNamed("node").command(agent("four.mjs"), "1");
    await box.tracefork(["run", "--name", "f", "--", ...command], { env });
    const before = requests();
    const args = ["f:0", "--text", "A", "--at", "1", "--text", "B", "--at", "2", "--text", "C", "--at", "3"];
    const forked = await fork(box, [...args, "--text", "D", "--json"], env);
    const branch = assertForked(forked);
    assert.match(forked.ran.err, /^0: A\n1: B\n2: C\n3: D\n/);
    assert.deepEqual(forked.changes.map(({ served }) => served), [true, true, true, true]);
    assert.equal(requests(), before);
    assertExact(await box.replay(branch));
  }, QUIET);
});

onEachRuntime(
  "forms and other bodies that have to be read first are answered by the tape too",
  async (box, runtime) => {
    let asked = 0;
    await withServer((_, response) => response.end(`answer ${++asked}`), async (url) => {
      const script = writeAgent(
        box,
        `const post = async (body) => (await fetch(url, { method: "POST", body })).text();
      const form = (text) => { const made = new FormData(); made.set("field", text); return made; };
      console.log(await post("first"));
      console.log(await post(new Blob(["a blob"])), await post(form("a form")), await post(new Blob(["another"])));`,
      );
      const env = { SERVICE_URL: url };
      const ran = await box.tracefork(["run", "--name", "b", "--", ...runtime.command(script)], { env });
      assert.equal(ran.code, 0, told(ran));
      const forked = await fork(box, ["b:0", "--header", "x-changed=1", "--json"], env);
      // A form's boundary is drawn anew, so the form is another request; the blobs are not.
      assert.equal(forked.served_from_tape, 2, told(forked.ran));
      assert.equal(asked, 5);
      assertExact(await box.replay(assertForked(forked)));
    });
  },
);

// Node's own proxies tunnel, which this server does not.
for (const runtime of [runtimeNamed("deno"), runtimeNamed("bun")]) {
  boxed(
    `live requests go through the proxy of now, though none was set when it was recorded (${runtime.name})`,
    async (box) => {
      const recordedAt = await withModel(async ({ env, url }) => {
        const command = runtime.command(agent("asks.mjs"));
        const ran = await box.tracefork(["run", "--name", "a", "--", ...command], { env });
        assert.equal(ran.code, 0, told(ran));
        return url;
      }, QUIET);
      const seen: (string | undefined)[] = [];
      await withServer((request, response) => {
        seen.push(request.url);
        response.writeHead(429, { "content-type": "application/json" }).end(
          '{"type":"error","error":{"type":"rate_limit_error"}}',
        );
      }, async (proxy) => {
        const env = {
          HTTP_PROXY: proxy,
          http_proxy: proxy,
          NODE_USE_ENV_PROXY: "1",
          ANTHROPIC_API_KEY: MODEL_KEY,
        };
        const forked = await fork(box, ["a:1", "--text", "other", "--json"], env);
        const branch = assertForked(forked);
        assert.match(forked.ran.err, /^RateLimitError 429/m);
        // A proxy is given the whole URL.
        assert.deepEqual(seen, [`${recordedAt}/v1/messages`]);
        assertExact(await box.replay(branch));
      });
    },
    [runtime],
  );
}
