/**
 * `docs/format.md`, taken at its word: code that shares nothing with tracefork reads a tape, decodes every event and
 * recomputes chain, bodies, closing event and seal. tracefork itself only makes the tape.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DatabaseSync } from "node:sqlite";
import { zstdDecompressSync } from "node:zlib";
import { LaneLog } from "../../core/session/lane_log.ts";
import { closeRun } from "../../core/store/close.ts";
import { openDatabase } from "../../core/store/database.ts";
import { LaneWriter } from "../../core/store/lane_writer.ts";
import { OutputWriter } from "../../core/store/output_writer.ts";
import { createRun, joinLane } from "../../core/store/runs.ts";
import * as draws from "../../core/tape/draws.ts";
import type { TapeEvent } from "../../core/tape/events.ts";
import { createWasmCore } from "../../wasm/mod.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "tracefork-format-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

// --- docs/format.md in code -------------------------------------------------------------------------------------

type Row = Record<string, null | number | string | Uint8Array>;

function sha256(...parts: (Uint8Array | string)[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

const hex = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString("hex");

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...out, Number(rest)]);
}

function text(value: string): Uint8Array {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([varint(bytes.length), bytes]);
}

/** Last values of the clocks of one lane. */
interface Memo {
  clock: number;
  hrtime: number;
  temporal: number;
}

/** Fields of each event by its type byte: a field's kind, `?` for optional, `*` for a list. */
const EVENTS: Readonly<Record<number, string>> = {
  1: "draws draw*",
  2: "request varint text text header* asked text",
  3: "sent varint body",
  4: "head varint varint text header* text? u8 text u8",
  5: "chunk varint body",
  6: "end varint",
  7: "fail varint error",
  8: "cancel varint",
  9: "timer varint u8 f64",
  10: "fire varint bytes",
  11: "exit zigzag? text? body? body? body? digest*",
  12: "boundary text text",
};
/** Kinds of draws by their code. */
const DRAW_KINDS: Readonly<Record<number, string>> = {
  ...{ 1: "clock", 2: "performance f64", 3: "hrtime", 4: "temporal", 5: "random f64" },
  ...{ 6: "bytes bytes", 7: "uuid uuid", 8: "integer zigzag", 9: "text text" },
};

/** Reads what the tables say. */
class Bytes {
  at = 0;
  readonly bytes: Buffer;
  readonly memo: Memo;

  constructor(bytes: Uint8Array, memo: Memo) {
    this.bytes = Buffer.from(bytes);
    this.memo = memo;
  }

  raw(count: number): Buffer {
    assert.ok(this.at + count <= this.bytes.length, "an event ends too early");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  varint(): number {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = this.raw(1)[0]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  all(kinds: string): unknown[] {
    return kinds.split(" ").map((kind) => this.field(kind));
  }

  field(kind: string): unknown {
    const one = kind.slice(0, -1);
    if (kind.endsWith("?")) return this.raw(1)[0] === 0 ? undefined : this.field(one);
    if (kind.endsWith("*")) return Array.from({ length: this.varint() }, () => this.field(one));
    switch (kind) {
      case "varint":
        return this.varint();
      case "zigzag":
        return this.zigzag();
      case "u8":
        return this.raw(1)[0];
      case "f64":
        return this.raw(8).readDoubleLE();
      case "bytes":
        return hex(this.raw(this.varint()));
      case "text":
        return this.raw(this.varint()).toString("utf8");
      case "digest":
        return hex(this.raw(32));
      case "uuid":
        return hex(this.raw(16)).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
      case "body":
        return { digest: hex(this.raw(32)), size: this.varint() };
      case "header":
        return this.all("text text");
      case "asked":
        return [() => "none", () => this.field("body"), () => "later"][this.raw(1)[0]!]!();
      case "error":
        return this.all("text text text? text? text error? error*");
      case "draw":
        return this.draw();
    }
    return assert.fail(`${kind} is no kind of field`);
  }

  draw(): unknown[] {
    const [name, kind] = DRAW_KINDS[this.raw(1)[0]!]!.split(" ");
    if (kind !== undefined) return [name, this.field(kind)];
    const seconds = this.memo[name as keyof Memo] += this.zigzag();
    return [name, name === "clock" ? seconds : BigInt(seconds) * 1_000_000_000n + BigInt(this.varint())];
  }
}

function readEvent(bytes: Uint8Array, memo: Memo): unknown[] {
  const from = new Bytes(bytes, memo);
  const [name, ...kinds] = EVENTS[from.raw(1)[0]!]!.split(" ");
  const event = [name, ...from.all(kinds.join(" "))];
  assert.equal(from.at, bytes.length, "bytes are left over after an event");
  return event;
}

/** Every body that an event names, as digest and size. */
function bodiesIn(event: readonly unknown[]): { digest: string; size: number }[] {
  if (event[0] === "exit") return [];
  return event.filter((field): field is { digest: string; size: number } =>
    typeof field === "object" && field !== null && "digest" in field
  );
}

/** Reads and proves the one run of a tape. Throws at the first thing that is not as the document says. */
function prove(db: DatabaseSync): { events: unknown[][]; fingerprint: string } {
  const rows = (sql: string, ...values: (number | Uint8Array)[]) => db.prepare(sql).all(...values) as Row[];
  assert.equal(rows("PRAGMA application_id")[0]!.application_id, 0x5446524b);
  assert.equal(rows("PRAGMA user_version")[0]!.user_version, 1);
  const run = rows("SELECT * FROM runs")[0]!;
  const key = run.key as number;
  const links = new Map<number, Uint8Array>();
  const memos = new Map<number, Memo>();
  const times: Uint8Array[] = [];
  const events: unknown[][] = [];
  let closing: unknown[] | undefined;

  const start = (lane: number) => sha256(`tracefork tape 1 lane ${lane}\n`);
  const counts = new Map<number, number>();
  for (const row of rows("SELECT * FROM events WHERE run = ? ORDER BY lane, seq", key)) {
    const [lane, seq, at, body] = [row.lane, row.seq, row.at, row.body] as [
      number,
      number,
      number,
      Uint8Array,
    ];
    assert.equal(seq, counts.get(lane) ?? 0, "an event is missing");
    counts.set(lane, seq + 1);
    const link = sha256(links.get(lane) ?? start(lane), sha256(body));
    assert.equal(hex(row.link), hex(link), `link of event ${lane}:${seq}`);
    links.set(lane, link);
    assert.equal(body[0], row.type, "type column");
    times.push(varint(lane), varint(seq), varint(at));
    const memo = memos.get(lane) ?? { clock: 0, hrtime: 0, temporal: 0 };
    memos.set(lane, memo);
    const event = readEvent(body, memo);
    events.push([lane, ...event]);
    if (event[0] === "exit") closing = event;
    for (const { digest, size } of bodiesIn(event)) {
      const blob = rows("SELECT * FROM blobs WHERE digest = ?", Buffer.from(digest, "hex"))[0];
      assert.ok(blob !== undefined, "a body is missing");
      const data = blob.data as Uint8Array;
      const bytes = blob.zstd === 1 ? zstdDecompressSync(data) : data;
      assert.equal(hex(sha256(bytes)), digest, "a body's digest");
      assert.equal(bytes.length, size, "a body's length");
      assert.equal(blob.size, size, "a body's length in its row");
    }
  }

  const last = events.filter(([lane]) => lane === 0).at(-1);
  assert.equal(last?.[1], "exit", "the closing event is the last one of lane 0");
  const [, code, signal, stdin, stdout, stderr, others] = closing! as [
    string,
    number | undefined,
    string | undefined,
    ...({ digest: string; size: number } | undefined)[],
  ];
  assert.equal(code ?? null, run.exit_code);
  assert.equal(signal ?? null, run.exit_signal);
  for (const [stream, said] of [stdin, stdout, stderr].entries()) {
    if (said === undefined) continue;
    const kept = Buffer.concat(
      rows("SELECT data FROM output WHERE run = ? AND stream = ? ORDER BY seq", key, stream)
        .map(({ data }) => data as Uint8Array),
    );
    assert.deepEqual({ digest: hex(sha256(kept)), size: kept.length }, said, `stream ${stream}`);
  }
  const lanes = rows("SELECT * FROM lanes WHERE run = ? ORDER BY lane", key);
  const ends = lanes.filter(({ lane }) => lane !== 0).map(({ lane }) =>
    hex(links.get(lane as number) ?? start(lane as number))
  );
  assert.deepEqual(others as unknown, ends, "last links of the other lanes");
  const fingerprint = links.get(0)!;
  assert.equal(hex(run.fingerprint), hex(fingerprint), "fingerprint");

  for (const { stream, seq, at } of rows("SELECT * FROM output WHERE run = ? ORDER BY stream, seq", key)) {
    times.push(varint(stream as number), varint(seq as number), varint(at as number));
  }
  const variables = rows("SELECT * FROM environment WHERE run = ? ORDER BY name", key).flatMap((row) => [
    text(row.name as string),
    text(row.value === null ? "" : `=${row.value}`),
    Uint8Array.of(row.secret as number),
  ]);
  const status = [run.state, run.exit_code, run.exit_signal, run.parent, run.fork_step];
  const said = lanes.map(({ lane, pid, runtime, argv, ended }) => ({
    lane,
    pid,
    runtime,
    argv: JSON.parse(argv as string),
    ended: ended === 1,
  }));
  const seal = sha256(
    fingerprint,
    text(run.id as string),
    varint(run.created as number),
    varint((run.ended as number | null) ?? 0),
    text(run.about as string),
    text(JSON.stringify(status)),
    text(JSON.stringify(said)),
    sha256(...times),
    sha256(...variables),
  );
  assert.equal(hex(run.seal), hex(seal), "seal");
  return { events, fingerprint: hex(fingerprint) };
}

function open<T>(path: string, use: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path);
  try {
    return use(db);
  } finally {
    db.close();
  }
}

// --- a tape with everything in it, made by tracefork -------------------------------------------------------------

const core = createWasmCore();
const long = new TextEncoder().encode("a body that compresses well; ".repeat(200));
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
  add({ ...request, headers, body: log.body(long) });
  for (const [kind, value] of DRAWS) log.draw(kind, value);
  add({ ...request, op: 200, headers: [], body: "later", options: "redirect=manual" });
  add({ ...request, op: 201, method: "GET", headers: [], body: undefined });
  add({ type: "sent", op: 200, body: log.body(short) });
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
  add({ type: "chunk", op: 0, body: log.body(long.subarray(0, 600)) });
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
    const writer = new LaneWriter(db, path, key, lane, now);
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
  blobs: ["digest", "size", "zstd", "data"],
  environment: ["run", "name", "value", "secret"],
  output: ["run", "stream", "seq", "at", "data"],
};
const NOT_COVERED: Readonly<Record<string, readonly string[]>> = {
  runs: ["name", "writer"],
  lanes: ["mark", "started"],
  blobs: ["key"],
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
      const keys = infos.map(({ name }) => name as string);
      const where = keys.map((each) => `${each} = ?`).join(" AND ");
      for (const [i, row] of (db.prepare(`SELECT * FROM ${table}`).all() as Row[]).entries()) {
        for (const name of names) {
          db.exec("BEGIN");
          db.prepare(`UPDATE OR REPLACE ${table} SET ${name} = ? WHERE ${where}`)
            // A key of its own, that is: taking another row's would take that row away.
            .run(
              name === "key" && table === "blobs" ? 1000 + i : altered(row[name]!, i * 7),
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
  assert.deepEqual(unnoticed(COVERED), []);
});

test("what the document says is not covered may change", () => {
  // A run, three lanes, three bodies, one row of meta, and nothing handed over.
  assert.equal(unnoticed(NOT_COVERED).length, 2 + 2 * 3 + 3 + 2);
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

test("a flipped byte anywhere in the file is noticed, or changes nothing that the sums cover", () => {
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
      assert.equal(open(path, (db) => (prove(db), covered(db))), before, `byte ${at}`);
    } catch (failure) {
      assert.doesNotMatch((failure as Error).message, /^byte \d/, "the proof held for another content");
      noticed++;
    }
  }
  assert.ok(tried > 200 && noticed > 20, `${noticed} of ${tried} flips were noticed`);
});
