/** The documents of `--json`: their keys and types are public. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { agent, answer, assertExact, type Box, boxed } from "../helpers/box.ts";
import { assertNoStack } from "../helpers/errors.ts";
import { withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";

type Json = Record<string, unknown>;

/**
 * A value's shape: types in place of values, a list by its different shapes. Keys that the contract does not
 * name are left out.
 */
function shapeLike(value: unknown, model: unknown): unknown {
  if (Array.isArray(model) && Array.isArray(value)) {
    const shapes = value.map((each) => JSON.stringify(shapeLike(each, model[0])));
    return [...new Set(shapes)].map((text) => JSON.parse(text));
  }
  if (typeof model === "object" && model !== null && typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.keys(model).map((key) => [
        key,
        key in value ? shapeLike((value as Json)[key], (model as Json)[key]) : "missing",
      ]),
    );
  }
  return value === null ? "null" : typeof value;
}

function assertShape(value: unknown, model: unknown): void {
  assert.deepEqual(shapeLike(value, model), shapeLike(model, model));
}

const DRAWS = runtimeNamed("deno").command(agent("draws.mjs"), "2");
const BOOKING = runtimeNamed("deno").command(agent("booking.ts"));

const HEX = "00";
const REPLAY = {
  schema: "tracefork/replay/1",
  tape: "3f2a91c0d4e7",
  exact: true,
  exchanges: { recorded: 9, matched: 9 },
  draws: { recorded: 83, served: 83 },
  deliveries: { recorded: 65, released: 65 },
  output: { identical: true },
  exit: { recorded: 0, replayed: 0 },
  fingerprint: { recorded: HEX, replayed: HEX },
  network_calls: 0,
  cost_usd: 0,
  recorded_ms: 2460,
  replayed_ms: 130,
  divergence: null,
};
const DIVERGENCE = { step: 0, kind: "", cause: "", expected: "", got: "", where: "", hint: "" };

boxed("replay --json is the document of the contract, exact and diverged", async (box) => {
  const tape = await withModel(({ env }) => box.record("x.tape", BOOKING, { env }));
  const exact = await box.replay(tape);
  assertExact(exact);
  assertShape(exact, REPLAY);
  assert.equal(exact.schema, REPLAY.schema);
  assert.match(exact.tape, /^[0-9a-f]{12}$/);
  assert.match(exact.fingerprint.replayed, /^[0-9a-f]{64}$/);
  assert.ok(Number.isInteger(exact.recorded_ms) && Number.isInteger(exact.replayed_ms));
  assert.equal(exact.ran.err, "");
  const diverged = await box.replay(tape, ["--", ...DRAWS]);
  assert.equal(diverged.ran.code, 3);
  assertShape(diverged, { ...REPLAY, divergence: DIVERGENCE });
  assert.equal(diverged.exchanges.matched, 0);
});

const RUN = {
  id: "3f2a91c0d4e7",
  name: "nightly",
  state: "complete",
  created: "2026-11-23T00:00:00.000Z",
  command: ["deno"],
  runtime: "deno 2.9.6",
  exchanges: 1,
  draws: 1,
  bytes: 1,
  exit: 0,
  parent: null,
  fork_step: null,
};

async function listed(box: Box): Promise<{ schema: string; runs: (typeof RUN)[] }> {
  const ran = await box.tracefork(["ls", "--json"]);
  assert.equal(ran.code, 0, told(ran));
  assert.equal(ran.err, "");
  return answer(ran);
}

boxed("ls --json is the document of the contract, newest first", async (box) => {
  assert.deepEqual(await listed(box), { schema: "tracefork/ls/1", runs: [] });
  assert.equal(existsSync(box.store), false, "looking makes no store");
  for (const name of ["one", "two"]) await box.tracefork(["run", "--name", name, "--", ...DRAWS]);
  const { schema, runs } = await listed(box);
  assert.equal(schema, "tracefork/ls/1");
  assertShape(runs, [RUN]);
  assert.deepEqual(runs.map(({ name }) => name), ["two", "one"]);
  const [{ id, state, created, command, runtime, exchanges, draws, exit }] = runs as [typeof RUN];
  assert.match(id, /^[0-9a-f]{12}$/);
  assert.equal(new Date(created).toISOString(), created);
  assert.match(runtime, /^deno \d+\.\d+\.\d+$/);
  assert.ok(draws >= 2);
  assert.deepEqual({ state, command, exchanges, exit }, {
    state: "complete",
    command: DRAWS,
    exchanges: 0,
    exit: 0,
  });
});

boxed("ls piped is one line a run with tabs and ISO times, without header or colour", async (box) => {
  await box.tracefork(["run", "--name", "one", "--", ...DRAWS], { env: { FORCE_COLOR: undefined } });
  const ran = await box.tracefork(["ls"], { env: { NO_COLOR: undefined, TERM: "xterm-256color" } });
  const [{ id, created }] = (await listed(box)).runs as [typeof RUN];
  const lines = ran.out.split("\n");
  assert.equal(lines.length, 2, told(ran));
  const cells = lines[0]!.split("\t");
  assert.deepEqual(cells.slice(0, 4), [id, "one", "complete", created]);
  assert.equal(cells.at(-1), DRAWS.join(" "));
});

boxed("where --json is the document of the contract, and says why that store", async (box) => {
  const where = async (cwd: string, env: Record<string, string | undefined>, ...flags: string[]) => {
    const ran = await box.tracefork(["where", "--json", ...flags], { cwd, env });
    assert.equal(ran.code, 0, told(ran));
    return answer<Record<"schema" | "store" | "store_source" | "preload" | "version" | "engine", string>>(
      ran,
    );
  };
  const unset = { TRACEFORK_STORE: undefined };
  const deep = box.path("work", "a", "b");
  mkdirSync(deep, { recursive: true });
  const data = await where(deep, unset);
  assertShape(data, {
    schema: "",
    store: "",
    store_source: "",
    preload: "",
    version: "",
    engine: "",
    format: 1,
  });
  assert.equal(data.schema, "tracefork/where/1");
  assert.equal(data.store, box.path("home", ".local", "share", "tracefork", "store.db"));
  const xdg = await where(deep, { ...unset, XDG_DATA_HOME: box.path("data") });
  assert.equal(xdg.store, box.path("data", "tracefork", "store.db"));
  mkdirSync(box.path("work", ".tracefork"));
  const folder = await where(deep, unset);
  assert.equal(folder.store, box.path("work", ".tracefork", "store.db"));
  const named = await where(deep, { TRACEFORK_STORE: "named.db" });
  assert.equal(named.store, box.path("work", "a", "b", "named.db"));
  const flag = await where(deep, { TRACEFORK_STORE: "named.db" }, "--store", "flag.db");
  assert.equal(flag.store, box.path("work", "a", "b", "flag.db"));
  const sources = [data, xdg, folder, named, flag].map((each) => each.store_source);
  assert.equal(new Set(sources).size, 4, sources.join());
  assert.match(readFileSync(data.preload, "utf8"), /tracefork/);
  assert.deepEqual(readdirSync(box.path("work", ".tracefork")), [], "asking makes no store");
});

boxed("a preload that somebody has changed is not used: it is written anew", async (box) => {
  const { preload } = answer<{ preload: string }>(await box.tracefork(["where", "--json"]));
  const genuine = readFileSync(preload, "utf8");
  writeFileSync(preload, "console.log('not tracefork');\n");
  const tape = await box.record("x.tape", DRAWS);
  assert.equal(readFileSync(preload, "utf8"), genuine);
  assertExact(await box.replay(tape));
});

boxed("verify --json says intact for one and for several, with their fingerprints", async (box) => {
  const tapes = [await box.record("a.tape", DRAWS), await box.record("b.tape", DRAWS)];
  const one = await box.tracefork(["verify", tapes[0]!, "--json"]);
  const both = await box.tracefork(["verify", ...tapes, "--json"]);
  assert.deepEqual([one.code, both.code], [0, 0]);
  const model = { schema: "", intact: true, tapes: [{ tape: "", state: "", intact: true, fingerprint: "" }] };
  assertShape(answer(one), { ...model, tape: "", fingerprint: "", flaws: [] });
  const document = answer<{ schema: string; tapes: { fingerprint: string }[] }>(both);
  assertShape(document, model);
  assert.equal(document.tapes.length, 2);
  assert.equal(document.schema, "tracefork/verify/1");
  const replayed = await box.replay(tapes[1]!);
  assert.equal(document.tapes[1]!.fingerprint, replayed.fingerprint.replayed);
});

boxed("run --json=FILE leaves stdout to the command and writes the summary into the file", async (box) => {
  const file = box.path("summary.json");
  const ran = await box.tracefork(["run", `--json=${file}`, "--name", "n", "--", ...DRAWS]);
  assert.equal(ran.out, "done\n", told(ran));
  const summary = JSON.parse(readFileSync(file, "utf8")) as Json;
  const [run] = (await listed(box)).runs as [typeof RUN];
  const { schema, id, name, state, draws, error } = summary;
  const expected = {
    schema: "tracefork/run/1",
    id: run.id,
    name: "n",
    state: "complete",
    draws: run.draws,
    error: null,
  };
  assert.deepEqual({ schema, id, name, state, draws, error }, expected);
});

const FAILURES: readonly (readonly [args: string[], exit: number, code: string])[] = [
  [["replay", "nowhere"], 4, "TF_TAPE_NOT_FOUND"],
  [["replay", "./nowhere.tape"], 4, "TF_TAPE_NOT_FOUND"],
  [["verify", "latest"], 4, "TF_TAPE_NOT_FOUND"],
  [["show", "latest:3"], 4, "TF_TAPE_NOT_FOUND"],
  [["ls", "--nonsense"], 2, "TF_USAGE"],
];

for (const [args, exit, code] of FAILURES) {
  boxed(`${args.join(" ")} --json fails with a document on stdout`, async (box) => {
    const ran = await box.tracefork([...args, "--json"]);
    assert.equal(ran.code, exit, told(ran));
    const { error } = answer<{ error: { code: string; message: string; hint?: string } }>(ran);
    assert.equal(error.code, code);
    assert.notEqual(error.message, "");
    if (exit === 4) assert.ok(error.hint);
    assertNoStack(ran);
    assert.deepEqual(readdirSync(box.work), [], "nothing was made");
    assert.equal(existsSync(box.store), false, "nothing was made");
  });
}
