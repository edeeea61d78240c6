/** Frozen tapes: every format that there was can be read, and one from the future is refused and left alone. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { TraceforkError } from "../../core/base/errors.ts";
import { openDatabase } from "../../core/store/database.ts";
import { listRuns } from "../../core/store/runs.ts";
import { tapeSource } from "../../core/store/tape_reader.ts";
import { type Verification, verifyRun } from "../../core/store/verify.ts";
import { decodeEvent } from "../../core/tape/events.ts";
import { FORMAT, MIN_READER } from "../../core/tape/format.ts";
import { createWasmCore } from "../../wasm/mod.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);

/** Lets `use` at a copy of a fixture; opening one for writing must not change the frozen file. */
function withCopy<T>(name: string, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "tracefork-fixtures-"));
  try {
    const path = join(folder, name);
    copyFileSync(new URL(name, FIXTURES), path);
    return use(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function verify(path: string): Verification {
  const db = openDatabase(path, "read");
  try {
    return verifyRun(db, createWasmCore(), listRuns(db)[0]!);
  } finally {
    db.close();
  }
}

test("there is a frozen tape of each format, and one of format 99", () => {
  const tapes = readdirSync(FIXTURES).filter((name) => /^format-\d+\.tape/.test(name)).toSorted();
  const formats = Array.from({ length: FORMAT }, (_, i) => `format-${i + 1}.tape`);
  assert.deepEqual(tapes, [...formats, "format-99.tape"].toSorted());
});

test("the frozen tape of format 1 verifies intact", () => {
  withCopy("format-1.tape", (path) => {
    const { intact, flaws, exchanges, draws, bodies } = verify(path);
    assert.deepEqual(flaws, []);
    assert.equal(intact, true);
    assert.equal(exchanges, 2);
    assert.ok(draws > 5 && bodies === 4, `${draws} draws, ${bodies} bodies`);
  });
});

test("the frozen tape of format 1 says what was asked and answered", () => {
  withCopy("format-1.tape", (path) => {
    const db = openDatabase(path, "read");
    const run = listRuns(db)[0]!;
    const source = tapeSource(db, createWasmCore(), run.key);
    const events = source.events().map(({ body }) => decodeEvent(body));
    const bodyOf = (event: typeof events[number]) => {
      assert.ok("body" in event && typeof event.body === "object");
      return new TextDecoder().decode(source.body(event.body.digest));
    };
    const requests = events.filter(({ type }) => type === "request").map((each) => JSON.parse(bodyOf(each)));
    assert.deepEqual(requests.map(({ messages }) => messages.length), [1, 3]);
    const answers = events.filter(({ type }) => type === "chunk").map((each) => JSON.parse(bodyOf(each)));
    assert.deepEqual(answers.map(({ stop_reason }) => stop_reason), ["tool_use", "end_turn"]);
    assert.equal(run.state, "complete");
    assert.deepEqual(run.about.command, ["node", "booking.ts"]);
    db.close();
  });
});

test("the frozen tape of format 2 verifies intact, and its bodies are put together of chunks", () => {
  withCopy("format-2.tape", (path) => {
    const { intact, flaws, exchanges, bodies } = verify(path);
    assert.deepEqual(flaws, []);
    assert.equal(intact, true);
    assert.ok(exchanges === 12 && bodies > 20, `${exchanges} exchanges, ${bodies} bodies`);
    const db = openDatabase(path, "read");
    const source = tapeSource(db, createWasmCore(), listRuns(db)[0]!.key);
    const requests = source.events().map(({ body }) => decodeEvent(body)).filter((each) =>
      each.type === "request"
    );
    const lengths = requests.map(({ body }) => {
      assert.ok(typeof body === "object");
      return JSON.parse(new TextDecoder().decode(source.body(body.digest))).messages.length as number;
    });
    assert.equal(Math.max(...lengths), 9);
    const { chunked } = db.prepare("SELECT count(*) AS chunked FROM bodies").get() as { chunked: number };
    assert.ok(chunked >= 4, `${chunked} bodies of chunks`);
    db.close();
  });
});

test("a file of format 1 that is opened to write becomes one of this format, and says the same", () => {
  withCopy("format-1.tape", (path) => {
    const before = verify(path);
    const db = openDatabase(path, "write");
    const { user_version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    assert.equal(user_version, FORMAT);
    const { value } = db.prepare("SELECT value FROM meta WHERE key = 'min_reader'").get() as {
      value: string;
    };
    assert.equal(value, String(MIN_READER));
    // SQLite adds a column's text as it was given: blanks may differ.
    const tablesOf = (each: typeof db) =>
      each.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all().map(({ name, sql }) => [
        name,
        (sql as string | null)?.replaceAll(/\s*([(),])\s*/g, "$1"),
      ]);
    const fresh = openDatabase(join(path, "../fresh.tape"), "create");
    assert.deepEqual(tablesOf(db), tablesOf(fresh));
    fresh.close();
    db.close();
    assert.deepEqual(verify(path), before);
  });
});

test("the frozen tape of format 1 with one altered event does not verify", () => {
  withCopy("format-1.tape", (path) => {
    const db = openDatabase(path, "write");
    db.exec("UPDATE events SET at = at + 1 WHERE seq = 3");
    db.close();
    assert.deepEqual(verify(path).flaws.map(({ what }) => what), ["seal"]);
  });
});

test("a tape of format 99 is refused by its versions, and left to the byte", () => {
  withCopy("format-99.tape", (path) => {
    const before = readFileSync(path);
    for (const mode of ["read", "write", "create"] as const) {
      assert.throws(() => openDatabase(path, mode), (error) => {
        assert.ok(error instanceof TraceforkError);
        assert.equal(error.code, "TF_TAPE_TOO_NEW");
        assert.match(error.message, /tape format 99, this tracefork knows formats up to \d+/);
        return true;
      });
    }
    assert.deepEqual(readFileSync(path), before);
    assert.deepEqual(readdirSync(join(path, "..")), ["format-99.tape"]);
  });
});
