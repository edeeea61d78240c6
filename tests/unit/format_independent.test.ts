/**
 * `docs/format.md`, taken at its word: code that shares nothing with tracefork reads a tape, decodes every event and
 * recomputes chain, bodies, closing event and seal. tracefork itself only makes the tape.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { DatabaseSync } from "node:sqlite";
import { LaneLog } from "../../core/session/lane_log.ts";
import { closeRun } from "../../core/store/close.ts";
import { openDatabase } from "../../core/store/database.ts";
import { LaneWriter } from "../../core/store/lane_writer.ts";
import { OutputWriter } from "../../core/store/output_writer.ts";
import { createRun, joinLane, listRuns } from "../../core/store/runs.ts";
import { verifyRun } from "../../core/store/verify.ts";
import * as draws from "../../core/tape/draws.ts";
import type { TapeEvent } from "../../core/tape/events.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { hex, open, prove, type Row, sha256 } from "./independent_proof.ts";
import { OPEN } from "./memory_tape.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "tracefork-format-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

// --- a tape with everything in it, made by tracefork -------------------------------------------------------------

const core = createWasmCore();
/** Six chunks, of which the first three make a list. */
const long = new TextEncoder().encode(
  Array.from({ length: 330 }, (_, i) => `${Buffer.from(sha256(`28:${i}`)).toString("base64url")} `).join("")
    .slice(0, 14_000),
);
const short = Uint8Array.of(0, 255, 128, 7);
const error = (message: string | undefined, more: object = {}) => ({
  class: "TypeError",
  name: "TypeError",
  message,
  stack: undefined,
  fields: '{"own":[["code","ECONNRESET"]],"hidden":{},"inherited":{}}',
  cause: undefined,
  errors: [],
  ...more,
});
const UUID = "0f8b31d2-7c44-4a1e-9d0a-1b2c3d4e5f60";
const DRAWS: readonly [draws.DrawKind<unknown>, unknown][] = [
  [draws.CLOCK, 1_795_421_907_586],
  [draws.CLOCK, 1_795_421_907_581],
  [draws.PERFORMANCE, 0.1 + 0.2],
  [draws.MONOTONIC, 5_999_999_999n],
  [draws.MONOTONIC, 6_000_000_000n],
  [draws.INSTANT, 1_795_421_907_586_123_456n],
  [draws.RANDOM, Number.MIN_VALUE],
  [draws.BYTES, short],
  [draws.UUID, UUID],
  [draws.INTEGER, -(2 ** 47)],
  [draws.TEXT, "ä 🚄\n"],
] as [draws.DrawKind<unknown>, unknown][];

/** Every type of event, and bodies of every sort. Returns what was written. */
function everything(log: LaneLog): TapeEvent[] {
  const written: TapeEvent[] = [];
  const add = (event: TapeEvent) => {
    log.event(event);
    written.push(event);
  };
  const request = {
    type: "request",
    op: 0,
    method: "POST",
    url: "http://a.example/ü?x=1",
    options: "",
  } as const;
  const headers = [["accept", "*/*"], ["x-twice", "1"], ["x-twice", "ü"]] as const;
  add({ ...request, headers, body: log.requestBody(long, OPEN) });
  for (const [kind, value] of DRAWS) log.draw(kind, value);
  add({ ...request, op: 200, headers: [], body: "later", options: "redirect=manual" });
  add({ ...request, op: 201, method: "GET", headers: [], body: undefined });
  add({ type: "sent", op: 200, body: log.requestBody(short, OPEN) });
  const head = { type: "head", statusText: "OK", redirected: false, kind: "basic", hasBody: true } as const;
  add({ ...head, op: 0, status: 200, headers, url: undefined });
  add({
    ...head,
    op: 200,
    status: 204,
    headers: [],
    url: "http://b.example/",
    redirected: true,
    hasBody: false,
  });
  add({ type: "chunk", op: 0, body: log.answerBody(long.subarray(0, 600), OPEN) });
  add({ type: "end", op: 0 });
  const cause = error(undefined, { stack: "at x\n", errors: [error("a"), error("b")] });
  add({ type: "fail", op: 201, error: error("fetch failed", { cause }) });
  add({ type: "timer", op: 202, kind: "sleep", delay: 2.5 });
  log.draw(draws.CLOCK, 1_795_421_907_999);
  add({ type: "cancel", op: 202 });
  add({ type: "timer", op: 203, kind: "bytes", delay: 4 });
  add({ type: "fire", op: 203, value: short });
  add({ type: "boundary", surface: "network:socket", detail: "h:1" });
  return written;
}

function makeTape(path: string): { written: TapeEvent[]; fingerprint: string } {
  const db = openDatabase(path, "create");
  const about = {
    command: ["node", 'a "quoted" ü.mjs'],
    cwd: "/tmp",
    engine: "0",
    platform: "linux-x64",
    captured: ["stdout", "stderr"] as const,
    secrets: [],
    redact: "",
    files: {},
    ambient: { NO_COLOR: null },
    timezone: "UTC",
  };
  const created = 1_795_421_907_000_000;
  const key = createRun(db, { id: "0123456789ab", name: "all", created, about, writer: process.pid });
  let clock = 0;
  const now = () => clock += 700;
  let written: TapeEvent[] = [];
  for (const argv of [["node", "ü\u2028"], ["bun"], ["deno"]]) {
    const lane = joinLane(db, key, { pid: 4711, runtime: `${argv[0]} 1`, argv, started: created });
    const writer = new LaneWriter(db, core, path, key, lane, now);
    const log = new LaneLog(core, writer, lane);
    if (lane === 0) {
      written = everything(log);
      writer.variable("TOKEN", undefined, true);
      writer.variable("Ä", "ü=1", false);
      writer.variable("UNSET", undefined, false);
      writer.variable("EMPTY", "", false);
      // The last lane stays empty.
    } else if (lane === 1) log.event({ type: "timer", op: 0, kind: "immediate", delay: 0 });
    writer.ending = lane !== 1;
    writer.commit();
    writer.squeeze();
  }
  const scrub = { known: (bytes: Uint8Array) => bytes, longest: 0 };
  const keep = (stream: 1 | 2, ...parts: string[]) => {
    const writer = new OutputWriter(core, scrub, (bytes) => bytes, { db, run: key, stream, now });
    for (const part of parts) {
      writer.add(new TextEncoder().encode(part));
      writer.flush(false);
    }
    return writer.finish();
  };
  const ending = { code: 7, signal: undefined, ended: created + 900_000 };
  const stdout = keep(1, "one\n", "two\n");
  const fingerprint = closeRun(db, core, key, { ...ending, stdout, stderr: keep(2) });
  db.exec("PRAGMA journal_mode = DELETE");
  db.close();
  return { written, fingerprint: hex(fingerprint) };
}

const TAPE = join(FOLDER, "everything.tape");
const MADE = makeTape(TAPE);

// --- the tests ---------------------------------------------------------------------------------------------------

test("chain, bodies, closing event and seal come out as the document says", () => {
  assert.equal(open(TAPE, prove).fingerprint, MADE.fingerprint);
});

test("the frozen tape of format 1 comes out as the document says", () => {
  const path = join(FOLDER, "frozen.tape");
  copyFileSync(new URL("../fixtures/format-1.tape", import.meta.url), path);
  const { events } = open(path, prove);
  assert.equal(events.filter(([, type]) => type === "request").length, 2);
});

test("draws are read by the document as they were written", () => {
  const packs = open(TAPE, prove).events.filter(([, type]) => type === "draws").map(([, , pack]) => pack);
  const plain = DRAWS.map(([{ name }, value]) => [name, value instanceof Uint8Array ? hex(value) : value]);
  assert.deepEqual(packs, [plain, [["clock", 1_795_421_907_999]]]);
});

test("events are read by the document as they were written", () => {
  const body = (bytes: Uint8Array) => ({ digest: hex(sha256(bytes)), size: bytes.length });
  const fields = '{"own":[["code","ECONNRESET"]],"hidden":{},"inherited":{}}';
  const shape = (message: string | undefined, stack?: string, cause?: unknown, errors: unknown[] = []) => [
    ...["TypeError", "TypeError", message, stack, fields, cause, errors],
  ];
  const headers = [["accept", "*/*"], ["x-twice", "1"], ["x-twice", "ü"]];
  const cause = shape(undefined, "at x\n", undefined, [shape("a"), shape("b")]);
  const url = "http://a.example/ü?x=1";
  const read = open(TAPE, prove).events.filter(([, type]) => type !== "draws");
  assert.deepEqual(read, [
    [0, "request", 0, "POST", url, headers, body(long), ""],
    [0, "request", 200, "POST", url, [], "later", "redirect=manual"],
    [0, "request", 201, "GET", url, [], "none", ""],
    [0, "sent", 200, body(short)],
    [0, "head", 0, 200, "OK", headers, undefined, 0, "basic", 1],
    [0, "head", 200, 204, "OK", [], "http://b.example/", 1, "basic", 0],
    [0, "chunk", 0, body(long.subarray(0, 600))],
    [0, "end", 0],
    [0, "fail", 201, shape("fetch failed", undefined, cause)],
    [0, "timer", 202, 3, 2.5],
    [0, "cancel", 202],
    [0, "timer", 203, 6, 4],
    [0, "fire", 203, hex(short)],
    [0, "boundary", "network:socket", "h:1"],
    [
      ...[0, "exit", 7, undefined, undefined],
      ...[body(new TextEncoder().encode("one\ntwo\n")), body(new Uint8Array(0))],
      read.at(-2)!.at(-1),
    ],
    [1, "timer", 0, 2, 0],
  ]);
  assert.equal(read.length, MADE.written.length + 2);
});

/** A value that differs from `value` in one bit or by one. */
function altered(value: Row[string], where: number): Row[string] {
  if (typeof value === "number") return value + 1;
  if (value === null) return 1;
  const bytes = typeof value === "string" ? Buffer.from(value) : Buffer.from(value);
  if (bytes.length === 0) return typeof value === "string" ? "x" : Uint8Array.of(1);
  const at = where % bytes.length;
  bytes[at] = bytes[at]! ^ 1;
  return typeof value === "string" ? bytes.toString("latin1") : new Uint8Array(bytes);
}

/** What chain and seal cover, by table. */
const COVERED: Readonly<Record<string, readonly string[]>> = {
  runs: [
    "id",
    "state",
    "created",
    "ended",
    "about",
    "exit_code",
    "exit_signal",
    "fingerprint",
    "seal",
    "parent",
    "fork_step",
  ],
  lanes: ["run", "lane", "pid", "runtime", "argv", "ended"],
  events: ["run", "lane", "seq", "type", "at", "body", "link"],
  blobs: ["key", "digest", "size", "zstd", "data"],
  lists: ["key", "digest", "data"],
  bodies: ["digest", "size", "data"],
  environment: ["run", "name", "value", "secret"],
  output: ["run", "stream", "seq", "at", "data"],
};
const NOT_COVERED: Readonly<Record<string, readonly string[]>> = {
  runs: ["name", "note", "writer"],
  lanes: ["mark", "started"],
  bodies: ["key"],
  handover: ["run", "seq", "data"],
  meta: ["key", "value"],
};

/** Alters one value after another, and tells of which ones the proof took no notice. */
function unnoticed(columns: Readonly<Record<string, readonly string[]>>): string[] {
  const out: string[] = [];
  open(TAPE, (db) => {
    db.exec("PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0");
    for (const [table, names] of Object.entries(columns)) {
      const infos = db.prepare(`SELECT name FROM pragma_table_info('${table}') WHERE pk > 0`).all() as Row[];
      const keys = infos.length > 0 ? infos.map(({ name }) => name as string) : ["rowid"];
      const where = keys.map((each) => `${each} = ?`).join(" AND ");
      for (
        const [i, row]
          of (db.prepare(`SELECT ${keys.includes("rowid") ? "rowid, " : ""}* FROM ${table}`).all() as Row[])
            .entries()
      ) {
        for (const name of names) {
          db.exec("BEGIN");
          db.prepare(`UPDATE OR REPLACE ${table} SET ${name} = ? WHERE ${where}`)
            // A key of its own, that is: taking another row's would take that row away.
            .run(
              name === "key" ? 1000 + i : altered(row[name]!, i * 7),
              ...keys.map((each) => row[each]!),
            );
          try {
            prove(db);
            out.push(`${table}.${name} of row ${i}`);
          } catch {
            // Noticed.
          }
          db.exec("ROLLBACK");
        }
      }
    }
  });
  return out;
}

test("a change of any value that the sums cover is noticed", () => {
  // Six chunks come first; the last two blobs are bodies themselves, and nothing names them by their numbers.
  assert.deepEqual(unnoticed(COVERED), ["blobs.key of row 6", "blobs.key of row 7"]);
});

test("what the document says is not covered may change", () => {
  // A run, three lanes, a body of chunks, one row of meta, and nothing handed over.
  assert.equal(unnoticed(NOT_COVERED).length, 3 + 2 * 3 + 1 + 2);
});

test("every column of every table is on one of the two lists", () => {
  const columns = open(
    TAPE,
    (db) =>
      (db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all() as Row[]).map((
        { name: table },
      ) => [
        table,
        (db.prepare(`SELECT name FROM pragma_table_info('${table}')`).all() as Row[])
          .map(({ name }) => name as string).filter((name) => `${table}.${name}` !== "runs.key").toSorted(),
      ]),
  );
  const tables = [...new Set([...Object.keys(COVERED), ...Object.keys(NOT_COVERED)])].toSorted();
  const listed = tables.map((
    table,
  ) => [table, [...COVERED[table] ?? [], ...NOT_COVERED[table] ?? []].toSorted()]);
  assert.deepEqual(columns, listed);
});

/** Everything that the sums cover, as one text. */
function covered(db: DatabaseSync): string {
  return JSON.stringify(
    Object.entries(COVERED).map(([table, names]) => {
      const rows = db.prepare(`SELECT ${names.join(", ")} FROM ${table} ORDER BY 1, 2, 3`).all() as Row[];
      return rows.map((row) =>
        Object.values(row).map((value) => value instanceof Uint8Array ? hex(value) : value)
      );
    }),
  );
}

/** Who may notice a change: the document's own proof, and tracefork's. */
const PROOFS: readonly (readonly [who: string, proof: (path: string) => void])[] = [
  ["the document's proof", (path) => void open(path, prove)],
  ["verify", (path) => {
    const db = openDatabase(path, "read");
    try {
      assert.deepEqual(verifyRun(db, core, listRuns(db)[0]!).flaws, []);
    } finally {
      db.close();
    }
  }],
];

for (const [who, proof] of PROOFS) {
  test(`a flipped byte anywhere in the file is noticed by ${who}, or changes nothing that the sums cover`, () => {
    const bytes = readFileSync(TAPE);
    const before = open(TAPE, covered);
    const path = join(FOLDER, "flipped.tape");
    let noticed = 0;
    let tried = 0;
    for (let at = 0; at < bytes.length; at += 149) {
      const flipped = Buffer.from(bytes);
      flipped[at] = flipped[at]! ^ 0x55;
      writeFileSync(path, flipped);
      tried++;
      try {
        proof(path);
        assert.equal(open(path, covered), before, `byte ${at}`);
      } catch (failure) {
        assert.doesNotMatch((failure as Error).message, /^byte \d/, "the proof held for another content");
        noticed++;
      }
    }
    assert.ok(tried > 200 && noticed > 20, `${noticed} of ${tried} flips were noticed`);
  });
}
