/** `tracefork diff`: two runs compared, by the real command line, over recordings of real agents. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agent, answer, type Box, boxed, onEachRuntime, ROOT } from "../helpers/box.ts";
import { assertFails, assertNoStack } from "../helpers/errors.ts";
import { MODEL_KEY, withModel } from "../helpers/model.ts";
import { type Ran, told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { type Answer, withServer, writeAgent } from "../helpers/serve.ts";
import {
  alterTape,
  bodyOf,
  edited,
  eventsOfType,
  replaceBody,
  replaceEvent,
  retell,
  storeBody,
} from "../helpers/tape.ts";

interface Field {
  readonly path: string;
  readonly a?: unknown;
  readonly b?: unknown;
  readonly words?: readonly { readonly in: string; readonly text: string }[];
}

interface DiffAnswer {
  readonly schema: string;
  readonly a: { readonly tape: string; readonly exchanges: number };
  readonly b: { readonly tape: string; readonly exchanges: number };
  readonly equal: boolean;
  readonly intact: boolean;
  readonly relation: {
    readonly kind: string;
    readonly fork_step: number | null;
    readonly proven: boolean | null;
    readonly shared_events: number;
  };
  readonly first_difference: {
    readonly kind: string;
    readonly a_step: number | null;
    readonly b_step: number | null;
    readonly fields: readonly Field[];
  } | null;
  readonly steps: readonly {
    readonly status: string;
    readonly a_step: number | null;
    readonly b_step: number | null;
    readonly differs: readonly string[];
    readonly fields?: readonly Field[];
  }[];
  readonly draws: { readonly equal: boolean; readonly differing: number };
  readonly output: Readonly<Record<"stdin" | "stdout" | "stderr", { readonly equal: boolean | null }>>;
  readonly exit: { readonly a: number; readonly b: number; readonly equal: boolean };
}

async function compare(
  box: Box,
  a: string,
  b: string,
  ...flags: string[]
): Promise<DiffAnswer & { ran: Ran }> {
  const ran = await box.tracefork(["diff", a, b, "--json", ...flags]);
  const found = answer<DiffAnswer>(ran);
  assert.equal(found.schema, "tracefork/diff/1", told(ran));
  assert.equal(ran.code, found.equal ? 0 : 3, told(ran));
  return { ...found, ran };
}

/** Nothing in it depends on chance, but where it is told to. */
const AGENT = `
const has = (word) => args.includes(word);
const ask = async (content) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", messages: [{ role: "user", content }] }),
  });
  return (await response.json()).said;
};
if (has("drawing")) crypto.randomUUID();
console.log(await ask("where is the night train to Lisboa"));
if (has("detour")) await ask("one more thing: what is it for dinner, and where");
console.log(await ask(has("reworded") ? "how late is the evening train" : "how late is the night train"));
if (has("together")) await Promise.all(["left", "right"].map((side) => ask("a lane on the " + side)));
if (has("crossed")) await Promise.all(["right", "left"].map((side) => ask("a lane on the " + side)));
if (!has("hurried")) console.log(await ask("thank you, and good night"));
if (has("talking")) console.log("and that is all");
process.exitCode = has("failing") ? 7 : 0;
`;

/** Says the same to the same request. No date, or two recordings would differ in it. */
const say: Answer = (_request, response, body) => {
  response.sendDate = false;
  const { messages } = JSON.parse(body) as { messages: { content: string }[] };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ said: `you said: ${messages[0]!.content}`, usage: { output_tokens: 5 } }));
};

/** What an agent is told, what differs then, and at which steps of both runs. */
const VARIANTS:
  readonly (readonly [told: string, kind: string, a: number | null, b: number | null, steps: string])[] = [
    ["reworded", "request", 1, 1, "equal changed equal"],
    ["detour", "extra", null, 1, "equal only_b equal equal"],
    ["hurried", "missing", 2, null, "equal equal only_a"],
    ["drawing", "draw", null, null, "equal equal equal"],
    ["talking", "output", null, null, "equal equal equal"],
    ["failing", "exit", null, null, "equal equal equal"],
  ];

onEachRuntime("two recordings differ in what their agents did differently", async (box, runtime, t) => {
  const script = writeAgent(box, AGENT);
  await withServer(say, async (url) => {
    const record = (name: string, ...words: string[]) =>
      box.record(`${name}.tape`, runtime.command(script, ...words), {
        env: { SERVICE_URL: url },
        code: words.includes("failing") ? 7 : 0,
      });
    const base = await record("base");
    await t.test("the control: an agent that did the same again is equal", async () => {
      const found = await compare(box, base, await record("again"));
      assert.equal(found.equal, true, told(found.ran));
      assert.equal(found.first_difference, null);
      assert.deepEqual(found.steps.map(({ status }) => status), ["equal", "equal", "equal"]);
      assert.notEqual(found.a.tape, found.b.tape);
    });
    for (const [word, kind, a, b, steps] of VARIANTS) {
      await t.test(word, async () => {
        const found = await compare(box, base, await record(word, word));
        assert.equal(found.equal, false, told(found.ran));
        const { first_difference: first } = found;
        assert.deepEqual([first!.kind, first!.a_step, first!.b_step], [kind, a, b], told(found.ran));
        assert.equal(found.steps.map(({ status }) => status).join(" "), steps, told(found.ran));
        const back = (await compare(box, box.path(`${word}.tape`), base)).first_difference!;
        const turned: Record<string, string> = { extra: "missing", missing: "extra" };
        assert.deepEqual([back.kind, back.a_step, back.b_step], [turned[kind] ?? kind, b, a]);
      });
    }
    await t.test("requests at once, asked for in another order", async () => {
      const [one, other] = [await record("together", "together"), await record("crossed", "crossed")];
      const found = await compare(box, one, other);
      assert.equal(found.first_difference!.kind, "order", told(found.ran));
      assert.ok(found.steps.every(({ status }) => status === "equal"), told(found.ran));
      const crossed = found.steps.filter(({ a_step, b_step }) => a_step !== b_step);
      assert.deepEqual(crossed.map(({ a_step, b_step }) => [a_step, b_step]), [[2, 3], [3, 2]]);
      assert.equal((await compare(box, one, other, "--ignore", "order")).equal, true);
    });
  });
});

boxed("a difference is told in words, and the rest in lines", async (box) => {
  const script = writeAgent(box, AGENT);
  await withServer(say, async (url) => {
    const record = (name: string, ...words: string[]) =>
      box.record(name, runtimeNamed("node").command(script, ...words), { env: { SERVICE_URL: url } });
    const [a, b] = [await record("a.tape"), await record("b.tape", "reworded", "talking", "detour")];
    const ran = await box.tracefork(["diff", a, b]);
    assert.equal(ran.code, 3, told(ran));
    assert.match(ran.out, /^ {2}first difference: extra step, step 1 of b, which a lacks$/m, told(ran));
    assert.match(ran.out, /^ {4}0 +equal$/m, told(ran));
    assert.match(ran.out, /^ {2}> -\/1 +only in b +POST 127\.0\.0\.1:\d+\/$/m, told(ran));
    assert.match(
      ran.out,
      /^ {4}1\/2 +request, response +POST .*request\.body\.messages\[0\]\.content and 2 more fields$/m,
    );
    assert.match(ran.out, /^ {4}2\/3 +equal$/m, told(ran));
    assert.match(ran.out, /^ {2}stdout +differs$/m, told(ran));
    assert.match(ran.out, /^ {2}RESULT: DIFFERENT$/m, told(ran));
    assert.doesNotMatch(ran.out, /\[-/, "only the first difference is told in full");
    const full = await box.tracefork(["diff", a, b, "--full"]);
    assert.match(full.out, /^ {10}how late is the \[-night-\]\{\+evening\+\} train$/m, told(full));
    assert.match(full.out, /\{\+\n +and that is all\+\}/, told(full));
    const { steps } = await compare(box, a, b, "--full");
    const words = steps[2]!.fields![0]!.words!;
    assert.deepEqual(words.filter((part) => part.in !== "both").map(({ text }) => text), [
      "night",
      "evening",
    ]);
    const plain = await box.tracefork(["diff", a, b, "--full"], {
      env: { NO_COLOR: undefined, FORCE_COLOR: "1" },
    });
    // deno-lint-ignore no-control-regex -- colour is a control sequence
    assert.match(plain.out, /\u001b\[31m\[-night-\]\u001b\[39m/, told(plain));
    assert.ok(!full.out.includes("\u001b"), "no colour where the output is no terminal");
  });
});

const NEWER = join(ROOT, "tests", "fixtures", "format-99.tape");
const BOOKING = runtimeNamed("deno").command(agent("booking.ts"));

boxed(
  "two recordings of an agent whose world has changed differ, and are equal but for what is ignored",
  async (box) => {
    const [a, b] = await withModel(async ({ env }) => [
      await box.record("a.tape", BOOKING, { env }),
      await box.record("b.tape", BOOKING, { env: { ...env, ANTHROPIC_API_KEY: `${MODEL_KEY}2` } }),
    ], { errorRate: 0 });
    const found = await compare(box, a!, b!);
    assert.equal(found.equal, false);
    assert.equal(found.first_difference!.kind, "draw", told(found.ran));
    assert.deepEqual(found.steps.map(({ status }) => status), ["changed", "changed"]);
    assert.equal(found.relation.kind, "none");
    assert.ok(!found.ran.out.includes(MODEL_KEY), "secrets are as they were stored");
    const shown = await box.tracefork(["diff", a!, b!, "--full"]);
    assert.equal(shown.code, 3, told(shown));
    assert.match(shown.out, /request\.body\.messages\[0\]\.content/);
    assert.ok(!shown.out.includes(MODEL_KEY), "secrets are as they were stored");
    const rules = ["draws", "output.stdout", "request.body", "response.body", "response.headers"];
    const ignore = (each: readonly string[]) => each.flatMap((rule) => ["--ignore", rule]);
    const but = await compare(box, a!, b!, ...ignore(rules));
    assert.equal(but.equal, true, told(but.ran));
    // Each of the rules is needed.
    for (const rule of rules) {
      const less = await compare(box, a!, b!, ...ignore(rules.filter((each) => each !== rule)));
      assert.equal(less.equal, false, `without ${rule}`);
    }
    const itself = await compare(box, a!, a!);
    assert.deepEqual([itself.equal, itself.relation.kind], [true, "same"]);
  },
);

/** A tape of the booking agent, and copies of it with another answer to one of its steps. */
async function forger(box: Box) {
  const genuine = await withModel(({ env }) => box.record("genuine.tape", BOOKING, { env }), {
    errorRate: 0,
    gzipRate: 0,
  });
  const copy = (name: string) => {
    const path = box.path(name);
    copyFileSync(genuine, path);
    return path;
  };
  /** Edits the answer to a step, and gives the copy out as a branch when told so. */
  const tell = (name: string, step: number, branch?: number) => {
    const path = copy(name);
    const chunk = eventsOfType(path, "chunk")[step]!;
    const body = storeBody(path, edited(bodyOf(path, chunk.event.body.digest), '"msg_', '"msg_forged_'));
    replaceEvent(path, chunk, { ...chunk.event, body });
    if (branch !== undefined) {
      alterTape(path, (db) => {
        const { id } = db.prepare("SELECT id FROM runs").get() as { id: string };
        db.prepare("UPDATE runs SET id = 'bbbbbbbbbbbb', parent = ?, fork_step = ?").run(id, branch);
      });
    }
    retell(path);
    return path;
  };
  return { genuine, copy, tell };
}

boxed("a copy with another answer differs in that answer, an untouched copy in nothing", async (box) => {
  const { genuine, copy, tell } = await forger(box);
  const found = await compare(box, genuine, tell("edited.tape", 1));
  const { kind, a_step, fields } = found.first_difference!;
  assert.deepEqual([kind, a_step], ["response", 1], told(found.ran));
  assert.deepEqual(fields.map(({ path }) => path), ["response.body.id"]);
  assert.match(String(fields[0]!.b), /^msg_forged_/);
  assert.deepEqual(found.steps.map(({ status }) => status), ["equal", "changed"]);
  assert.equal(
    (await compare(box, genuine, box.path("edited.tape"), "--ignore", "response.body.id")).equal,
    true,
  );
  const shown = await box.tracefork(["diff", genuine, box.path("edited.tape")]);
  assert.match(shown.out, /a and b have one id, but are not the same/, told(shown));
  assert.equal((await compare(box, genuine, copy("untouched.tape"))).equal, true);
});

boxed("a run and its branch are said to be that, and proven by their links", async (box) => {
  const { genuine, tell } = await forger(box);
  const branch = tell("branch.tape", 1, 1);
  const found = await compare(box, genuine, branch);
  const { kind, fork_step, proven, shared_events } = found.relation;
  assert.deepEqual([kind, fork_step, proven], ["branch", 1, true], told(found.ran));
  assert.equal(shared_events, eventsOfType(branch, "chunk")[1]!.seq);
  assert.equal((await compare(box, branch, genuine)).relation.kind, "parent");
  const shown = await box.tracefork(["diff", genuine, branch]);
  assert.match(
    shown.out,
    /b is a branch of a, forked at step 1\n {2}proven: the chains are equal over \d+ events/,
    told(shown),
  );
  // The control: one that says so, but was told otherwise from its first answer on.
  const other = await compare(box, genuine, tell("other.tape", 0, 1));
  assert.deepEqual([other.relation.kind, other.relation.proven], ["branch", false], told(other.ran));
  assert.match((await box.tracefork(["diff", genuine, box.path("other.tape")])).out, /NOT PROVEN/);
});

boxed("a damaged tape is never called equal", async (box) => {
  const { genuine, copy } = await forger(box);
  const damaged = copy("damaged.tape");
  const { digest } = eventsOfType(damaged, "chunk")[0]!.event.body;
  replaceBody(damaged, digest, edited(bodyOf(damaged, digest), '"msg_', '"msg_forged_'));
  for (const [a, b, side] of [[genuine, damaged, "b"], [damaged, genuine, "a"]] as const) {
    const ran = await box.tracefork(["diff", a, b]);
    assert.equal(ran.code, 4, told(ran));
    assert.match(
      ran.err,
      new RegExp(`^tracefork: ${side} \\(.*is damaged at step 0.*TF_TAPE_DAMAGED`, "m"),
      told(ran),
    );
    assert.doesNotMatch(ran.out, /RESULT: EQUAL/, told(ran));
    const json = await box.tracefork(["diff", a, b, "--json"]);
    assert.equal(json.code, 4, told(json));
    const { equal, intact } = answer<DiffAnswer>(json);
    assert.deepEqual([equal, intact], [false, false]);
  }
});

boxed("recorded control characters don't reach the terminal", async (box) => {
  const evil = "\u001b]0;owned\u0007\u001b[2J\u202egnp.exe\r\u009b31m";
  let times = 0;
  const hostile: Answer = (_request, response) => {
    response.sendDate = false;
    const said = JSON.stringify({ [`key${evil}`]: `value ${evil} ${times++}` });
    // Raw in plain text, escaped by JSON.
    response.end(times % 2 === 0 ? said : said.replaceAll("\\u001b", "\u001b"));
  };
  const script = writeAgent(
    box,
    'for (const path of ["/one", "/two"]) console.log(await (await fetch(url + path)).text());',
  );
  await withServer(hostile, async (url) => {
    const command = runtimeNamed("node").command(script);
    const tapes = [];
    for (const name of ["a.tape", "b.tape"]) {
      tapes.push(await box.record(name, command, { env: { SERVICE_URL: url } }));
    }
    const ran = await box.tracefork(["diff", ...tapes, "--full"]);
    assert.equal(ran.code, 3, told(ran));
    // deno-lint-ignore no-control-regex -- this is what must not be there
    assert.doesNotMatch(ran.out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    assert.match(ran.out, /\\u001b/, told(ran));
    const json = await box.tracefork(["diff", ...tapes, "--full", "--json"]);
    assert.ok(!json.out.includes("\u001b"), "JSON escapes them");
    // The control: they were recorded.
    const raw = await box.tracefork(["show", `${tapes[0]}:0`, "--raw"]);
    assert.ok(raw.out.includes("\u001b]0;owned"), told(raw));
  });
});

boxed("tapes are named as everywhere, and left out they are the latest two", async (box) => {
  const draws = (count: number) => runtimeNamed("deno").command(agent("draws.mjs"), String(count));
  for (const [name, count] of [["first", 1], ["second", 2]] as const) {
    const ran = await box.tracefork(["run", "--name", name, "--", ...draws(count)]);
    assert.equal(ran.code, 0, told(ran));
  }
  const file = await box.record("third.tape", draws(3));
  const { runs } = answer<{ runs: { id: string }[] }>(await box.tracefork(["ls", "--json"]));
  const [second, first] = runs.map(({ id }) => id) as [string, string];
  const ids = async (...args: string[]) => {
    const found = answer<DiffAnswer>(await box.tracefork(["diff", ...args, "--json"]));
    return [found.a.tape, found.b.tape];
  };
  assert.deepEqual(await ids(), [first, second]);
  assert.deepEqual(await ids("first"), [first, second]);
  assert.deepEqual(await ids("latest", "latest~1"), [second, first]);
  assert.deepEqual(await ids(second.slice(0, 11), first), [second, first]);
  assert.equal((await ids(file, "second"))[1], second);
  const before = [readFileSync(file), readFileSync(box.store)];
  const apart = await compare(box, file, "second");
  assert.equal(apart.first_difference!.kind, "draw", told(apart.ran));
  assert.deepEqual([readFileSync(file), readFileSync(box.store)], before, "looking changes nothing");
});

boxed("what can't be compared is refused with a code and a hint", async (box) => {
  const tape = await box.record("a.tape", runtimeNamed("deno").command(agent("draws.mjs"), "1"));
  const step = assertFails(await box.tracefork(["diff", `${tape}:0`, tape]), 2, "TF_USAGE");
  assert.match(step, /whole runs are compared/);
  const rule = assertFails(await box.tracefork(["diff", tape, tape, "--ignore", "a..b"]), 2, "TF_USAGE");
  assert.match(rule, /paths look like usage, messages\[\*\]\.id/);
  assertFails(await box.tracefork(["diff", tape, tape, tape]), 2, "TF_USAGE");
  assertFails(await box.tracefork(["diff", tape, "./nowhere.tape"]), 4, "TF_TAPE_NOT_FOUND");
  assertFails(await box.tracefork(["diff", "nowhere", tape]), 4, "TF_TAPE_NOT_FOUND");
  const json = await box.tracefork(["diff", tape, "./nowhere.tape", "--json"]);
  assert.equal(json.code, 4, told(json));
  assert.equal(answer<{ error: { code: string } }>(json).error.code, "TF_TAPE_NOT_FOUND");
  assertNoStack(json);
  const [notes, broken] = [box.path("notes.tape"), box.path("broken.tape")];
  writeFileSync(notes, "just some text\n".repeat(500));
  copyFileSync(tape, broken);
  alterTape(broken, (db) => db.exec("DROP TABLE blobs"));
  const bad = [[notes, "TF_NOT_A_TAPE"], [broken, "TF_TAPE_DAMAGED"], [NEWER, "TF_TAPE_TOO_NEW"]] as const;
  for (const [path, code] of bad) {
    for (const args of [[path, tape], [tape, path]]) {
      assertFails(await box.tracefork(["diff", ...args]), 4, code);
    }
  }
});
