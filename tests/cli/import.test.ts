/** `import`: runs of files come into the store; what can't be replayed says so. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { answer, assertExact, type Box, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { recordedStore } from "../helpers/recorded_store.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { GOLDEN, GOLDEN_DIGEST, seedJson, writeSeedSqlite, writeSeedStore } from "../helpers/seed.ts";
import { makeRun, opened } from "../helpers/stores.ts";
import { alterTape } from "../helpers/tape.ts";

const STORE = await recordedStore("long", "small");
const NODE = [runtimeNamed("node")];

interface ImportAnswer {
  readonly schema: string;
  readonly store: string;
  readonly files: readonly {
    readonly file: string;
    readonly error: { code: string } | null;
    readonly runs: readonly {
      id: string;
      name: string | null;
      outcome: string;
      fingerprint: string;
      seed_fingerprint: string | null;
      replayable: boolean;
      why_not_replayable: string | null;
    }[];
  }[];
}

async function imported(box: Box, ...args: string[]): Promise<ImportAnswer> {
  const ran = await box.tracefork(["import", "--json", ...args]);
  assert.equal(ran.code, 0, told(ran));
  return answer(ran);
}

async function list(box: Box): Promise<Record<string, unknown>[]> {
  return answer<{ runs: Record<string, unknown>[] }>(await box.tracefork(["ls", "--json"])).runs;
}

boxed(
  "a store's runs are imported under their ids, replay exact, and a second time are there already",
  async (box) => {
    const first = await imported(box, STORE.path);
    assert.equal(first.schema, "tracefork/import/1");
    assert.equal(first.store, box.store);
    assert.deepEqual(first.files[0]!.runs.map(({ outcome }) => outcome), ["imported", "imported"]);
    assert.deepEqual((await list(box)).map(({ id }) => id).toSorted(), Object.values(STORE.ids).toSorted());
    assertExact(await box.replay("long"));
    assertExact(await box.replay("small"));
    const again = await box.tracefork(["import", STORE.path]);
    assert.equal(again.code, 0, told(again));
    assert.equal(again.out.match(/^ {2}there +[0-9a-f]{12}/gm)?.length, 2, told(again));
  },
  NODE,
);

boxed("another run under the same id is refused, and what is there stays", async (box) => {
  opened(box.store, (db) => makeRun(db, box.store, STORE.ids.small!, ["another"]), "create");
  const err = assertFails(await box.tracefork(["import", STORE.path]), 1, "TF_TAPE_EXISTS");
  assert.match(err, /has another run/);
  assert.equal((await list(box)).length, 1);
}, NODE);

boxed("of several files one that can't be imported hides none of the others", async (box) => {
  writeFileSync(box.path("notes.txt"), "hello");
  writeFileSync(box.path("golden.json"), seedJson(GOLDEN));
  const ran = await box.tracefork([
    "import",
    box.path("notes.txt"),
    box.path("golden.json"),
    box.path("nowhere.tape"),
    "--json",
  ]);
  assert.equal(ran.code, 4, told(ran));
  const { files } = answer<ImportAnswer>(ran);
  assert.deepEqual(files.map(({ error }) => error?.code), ["TF_NOT_A_TAPE", undefined, "TF_TAPE_NOT_FOUND"]);
  assert.equal((await list(box)).length, 1);
});

boxed("files that are none are refused by name, and make no store", async (box) => {
  writeFileSync(box.path("notes.txt"), "hello");
  alterTape(box.path("contacts.db"), (db) => db.exec("CREATE TABLE people (name TEXT)"));
  for (
    const [name, code] of [["notes.txt", "TF_NOT_A_TAPE"], ["contacts.db", "TF_NOT_A_TAPE"], [
      "work",
      "TF_NOT_A_TAPE",
    ]]
  ) {
    const err = assertFails(await box.tracefork(["import", box.path(name!)]), 4, code!);
    assert.match(err, /what can be imported/);
  }
  assertFails(await box.tracefork(["import", box.path("nowhere.tape")]), 4, "TF_TAPE_NOT_FOUND");
  assertFails(await box.tracefork(["import"]), 2, "TF_USAGE");
  assert.equal(existsSync(box.store), false);
});

const SEEDS: readonly (readonly [name: string, write: (path: string) => void])[] = [
  ["present.tape.sqlite", (path) => writeSeedSqlite(path, GOLDEN, "present")],
  ["spike.tape.sqlite", (path) => writeSeedSqlite(path, GOLDEN, "spike")],
  ["tape.json", (path) => writeFileSync(path, seedJson(GOLDEN))],
  ["seed-store.db", (path) => writeSeedStore(path, [{ id: "r1", tape: GOLDEN }])],
];

for (const [name, write] of SEEDS) {
  boxed(
    `${name} of the Python original can be looked at, says its fingerprint, and that it can't be replayed`,
    async (box) => {
      write(box.path(name));
      const [file] = (await imported(box, box.path(name))).files as [ImportAnswer["files"][0]];
      const [run] = file.runs as [ImportAnswer["files"][0]["runs"][0]];
      assert.equal(run.seed_fingerprint, GOLDEN_DIGEST);
      assert.equal(run.replayable, false);
      assert.match(run.why_not_replayable!, /Python original.*method, URL/);

      const [listed] = await list(box);
      assert.equal(listed!.created, null, "nobody knows when it was made");
      assert.equal(listed!.exchanges, 2);
      assert.equal(listed!.draws, 2);
      const shown = await box.tracefork(["show", run.id]);
      assert.equal(shown.code, 0, told(shown));
      assert.match(shown.out, new RegExp(`of the seed +${GOLDEN_DIGEST}`));
      assert.match(shown.out, /replayable +no: it was imported from a tape of the Python original/);
      assert.match(shown.out, /created +unknown/);
      const step = await box.tracefork(["show", `${run.id}:1`, "--raw"]);
      assert.equal(step.out, "response-2", told(step));
      const verified = await box.tracefork(["verify", run.id]);
      assert.equal(verified.code, 0, told(verified));

      const err = assertFails(await box.tracefork(["replay", run.id]), 3, "TF_NOT_REPLAYABLE");
      assert.match(err, /does not keep: method, URL/);
      assertFails(await box.tracefork(["replay", run.id, "--", "node", "agent.mjs"]), 3, "TF_NOT_REPLAYABLE");

      const back = box.path("back.tape.sqlite");
      const out = await box.tracefork(["export", run.id, "--format", "seed", "-o", back, "--json"]);
      assert.equal(answer<{ seed_fingerprint: string }>(out).seed_fingerprint, GOLDEN_DIGEST);
    },
  );
}

boxed(
  "the Python original's fingerprint is of what the store holds, not of what it once said",
  async (box) => {
    writeFileSync(box.path("golden.json"), seedJson(GOLDEN));
    await imported(box, box.path("golden.json"));
    alterTape(
      box.store,
      (db) =>
        db.exec("UPDATE events SET body = CAST(replace(body, 'abc123', 'abc124') AS BLOB) WHERE type = 1"),
    );
    const shown = answer<{ seed_fingerprint: string }>(await box.tracefork(["show", "--json"]));
    assert.match(shown.seed_fingerprint, /^[0-9a-f]{64}$/);
    assert.notEqual(shown.seed_fingerprint, GOLDEN_DIGEST);
    assert.equal((await box.tracefork(["verify"])).code, 4);
  },
);

boxed("a HAR file of a run is imported with its times, and says why it is no tape", async (box) => {
  STORE.into(box);
  const har = box.path("run.har");
  assert.equal((await box.tracefork(["export", "long", "--format", "har", "-o", har])).code, 0);
  const store = ["--store", box.path("har.db")];
  const [{ runs: [run] }] = (await imported(box, har, ...store)).files as [ImportAnswer["files"][0]];
  assert.equal(run!.replayable, false);
  assert.match(run!.why_not_replayable!, /HAR file.*values drawn/);
  const shown = async (...args: string[]) =>
    answer<{ exchanges: Record<string, unknown>[] }>(await box.tracefork(["show", ...args, "--json"]))
      .exchanges;
  const facts = (exchanges: Record<string, unknown>[]) =>
    exchanges.map(({ method, url, status, request_bytes, response_bytes, preview }) =>
      JSON.stringify({ method, url, status, request_bytes, response_bytes, preview })
    ).toSorted();
  assert.deepEqual(facts(await shown(run!.id, ...store)), facts(await shown("long")));
}, NODE);

boxed("the store is not imported into itself", async (box) => {
  STORE.into(box);
  assertFails(await box.tracefork(["import", box.store]), 2, "TF_USAGE");
}, NODE);

boxed("rules that are none are usage errors", async (box) => {
  assertFails(await box.tracefork(["import", "x.har", "--redact", "nonsense:x"]), 2, "TF_USAGE");
});
