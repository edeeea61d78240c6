/**
 * `docs/format.md` in code: reads a tape and proves it, by nothing but the document, SQLite, zstd and a SHA-256. It
 * shares no line with tracefork.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** A row as SQLite gives it. */
export type Row = Record<string, null | number | string | Uint8Array>;

/** SHA-256 of all parts, one after the other. */
export function sha256(...parts: (Uint8Array | string)[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Lower-case hex. */
export const hex = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString("hex");

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

/** Where nothing is read that goes on from an earlier value. */
const NO_MEMO: Memo = { clock: 0, hrtime: 0, temporal: 0 };

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

type Query = (sql: string, ...values: (number | Uint8Array)[]) => Row[];

/** The content of one frame. Bun takes one that is cut off, unless another one follows. */
function unzstd(frame: Uint8Array): Uint8Array {
  const two = zstdDecompressSync(Buffer.concat([frame, zstdCompressSync(Uint8Array.of(1))]));
  const one = zstdDecompressSync(frame);
  assert.ok(two.length === one.length || two.length === one.length + 1, "a frame is cut off");
  return one;
}

/** A blob by its key: its bytes, whose digest and size must be those of the row. */
function readBlob(blob: Row | undefined): Uint8Array {
  assert.ok(blob !== undefined, "a blob is missing");
  const data = blob.data as Uint8Array;
  const bytes = blob.zstd === 1 ? unzstd(data) : data;
  assert.equal(blob.size, bytes.length, "a blob's length");
  assert.equal(hex(sha256(bytes)), hex(blob.digest), "a blob's digest");
  return bytes;
}

/** Keys of rows, each `zigzag` of its difference to the one before; at most `most`. */
function readKeys(from: Bytes, most = Infinity): number[] {
  const keys: number[] = [];
  while (from.at < from.bytes.length && keys.length < most) keys.push((keys.at(-1) ?? 0) + from.zigzag());
  return keys;
}

function readList(rows: Query, key: number): number[] {
  const list = rows("SELECT * FROM lists WHERE key = ?", key)[0];
  assert.ok(list !== undefined, "a list is missing");
  const keys = readKeys(new Bytes(list.data as Uint8Array, NO_MEMO));
  const digests = keys.map((each) =>
    rows("SELECT digest FROM blobs WHERE key = ?", each)[0]!.digest as Uint8Array
  );
  assert.equal(hex(sha256(...digests)), hex(list.digest), "a list's digest");
  const ends = digests.map((digest) => digest[0]! < 8);
  assert.ok(
    !ends.slice(0, -1).includes(true) && (ends.at(-1) === true || keys.length === 128),
    "a list's end",
  );
  return keys;
}

/** A body by its digest: put together of chunks, or a blob. */
function readBody(rows: Query, digest: Uint8Array): Uint8Array {
  const chunked = rows("SELECT 1 FROM sqlite_schema WHERE name = 'bodies'").length > 0;
  const body = chunked ? rows("SELECT * FROM bodies WHERE digest = ?", digest)[0] : undefined;
  if (body === undefined) {
    // By its number, so that the row itself is read, not the index over it.
    const found = rows("SELECT key FROM blobs WHERE digest = ?", digest)[0];
    assert.ok(found !== undefined, "a body is missing");
    const [blob] = rows("SELECT * FROM blobs WHERE key = ?", found.key as number);
    assert.equal(hex(blob?.digest), hex(digest), "the digest in a body's row");
    return readBlob(blob);
  }
  const from = new Bytes(body.data as Uint8Array, NO_MEMO);
  const lists = readKeys(from, from.varint());
  const keys = [...lists.flatMap((key) => readList(rows, key)), ...readKeys(from)];
  const whole = Buffer.concat(keys.map((key) => readBlob(rows("SELECT * FROM blobs WHERE key = ?", key)[0])));
  assert.equal(body.size, whole.length, "a body's length in its row");
  return whole;
}

/** Reads and proves the one run of a tape. Throws at the first thing that is not as the document says. */
export function prove(db: DatabaseSync): { events: unknown[][]; fingerprint: string } {
  const rows: Query = (sql, ...values) => db.prepare(sql).all(...values) as Row[];
  assert.equal(rows("PRAGMA application_id")[0]!.application_id, 0x5446524b);
  const format = rows("PRAGMA user_version")[0]!.user_version as number;
  assert.ok(format === 1 || format === 2, `format ${format}`);
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
      const bytes = readBody(rows, Buffer.from(digest, "hex"));
      assert.equal(hex(sha256(bytes)), digest, "a body's digest");
      assert.equal(bytes.length, size, "a body's length");
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

/** Opens a file for as long as `use` takes. */
export function open<T>(path: string, use: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path);
  try {
    return use(db);
  } finally {
    db.close();
  }
}
