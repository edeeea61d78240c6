/** Stores with runs in them, made by the recorder's own writers without a process for each; and what to ask of them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LaneLog } from "../../core/session/lane_log.ts";
import { parseRedactRules, Redactor } from "../../core/session/redact.ts";
import { closeRun } from "../../core/store/close.ts";
import { type Database, openDatabase } from "../../core/store/database.ts";
import { LaneWriter } from "../../core/store/lane_writer.ts";
import { createRun, joinLane, listRuns, type Run, runById, sealOf } from "../../core/store/runs.ts";
import { verifyRun } from "../../core/store/verify.ts";
import { createWasmCore } from "../../wasm/mod.ts";

export const core = createWasmCore();
export const OPEN = new Redactor(parseRedactRules("off"), []);
/** Nobody's process. */
export const GONE = JSON.stringify({ host: "", pid: 0 });

/** Runs `use` in a folder of its own, and takes that away. */
export async function inFolder(use: (path: (name: string) => string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tracefork-stores-"));
  try {
    await use((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Text that no two seeds have in common. */
export function prose(length: number, seed: string): string {
  let text = "";
  for (let i = 0; text.length < length; i++) {
    text += `${createHash("sha256").update(`${seed}:${i}`).digest("base64url")} `;
  }
  return text.slice(0, length);
}

/** Request bodies of a conversation that grows; those of one topic begin alike. */
export function conversation(topic: string, steps: number, each = 2_500): string[] {
  const messages: unknown[] = [];
  return Array.from({ length: steps }, (_, i) => {
    messages.push({ role: i % 2 === 0 ? "user" : "assistant", content: prose(each, `${topic} ${i}`) });
    return JSON.stringify({ model: "m", max_tokens: 100, messages });
  });
}

/** A run that is being written, by this process. */
export interface OpenRun {
  readonly key: number;
  readonly id: string;
  ask(question: string, answer: string): void;
  commit(): void;
  /** Closes it; its process counts as gone from then on. */
  close(): Run;
}

export interface RunOptions {
  readonly created?: number;
  readonly parent?: string;
  readonly forkStep?: number;
  readonly name?: string;
}

/** 2026-01-01, in microseconds. */
export const NEW_YEAR = Date.UTC(2026, 0, 1) * 1000;

export function openRun(db: Database, path: string, id: string, options: RunOptions = {}): OpenRun {
  const created = options.created ?? NEW_YEAR;
  const about = {
    command: ["node", "agent.mjs"],
    cwd: "/tmp",
    engine: "0",
    platform: "linux-x64",
    captured: [],
    secrets: [],
    redact: "",
    files: {},
    ambient: {},
    timezone: "UTC",
  };
  const key = createRun(db, { id, name: options.name, created, about, writer: process.pid });
  db.prepare("UPDATE runs SET parent = ?, fork_step = ? WHERE key = ?")
    .run(options.parent ?? null, options.forkStep ?? null, key);
  const lane = joinLane(db, key, { pid: process.pid, runtime: "node 24", argv: ["node"], started: created });
  let now = 0;
  const writer = new LaneWriter(db, core, path, key, lane, () => now += 1000);
  const log = new LaneLog(core, writer, lane);
  let op = 0;
  return {
    key,
    id,
    ask(question, answer) {
      const body = log.requestBody(question, OPEN);
      const url = "http://model.example/v1/messages";
      log.event({ type: "request", op, method: "POST", url, headers: [["x-n", `${op}`]], body, options: "" });
      log.event({
        type: "head",
        op,
        status: op % 2 === 0 ? 200 : 429,
        statusText: "Said",
        headers: [["content-type", "application/json"]],
        url: undefined,
        redirected: false,
        kind: "basic",
        hasBody: true,
      });
      log.event({ type: "chunk", op, body: log.answerBody(new TextEncoder().encode(answer), OPEN) });
      log.event({ type: "end", op });
      op++;
    },
    commit: () => {
      writer.commit();
      assert.equal(writer.failure, undefined);
    },
    close() {
      writer.ending = true;
      writer.commit();
      assert.equal(writer.failure, undefined);
      closeRun(db, core, key, { code: 0, signal: undefined, ended: created + now });
      db.prepare("UPDATE lanes SET mark = ? WHERE run = ?").run(GONE, key);
      return runById(db, id)!;
    },
  };
}

/** Makes a closed run that asks these questions. */
export function makeRun(
  db: Database,
  path: string,
  id: string,
  questions: readonly string[],
  options: RunOptions = {},
): Run {
  const run = openRun(db, path, id, options);
  for (const [i, question] of questions.entries()) {
    run.ask(question, `answer ${i} of ${id} ${prose(700, id + i)}`);
  }
  return run.close();
}

/** Says that a run was forked from another one, as a fork does when it is recorded. */
export function adopt(db: Database, child: string, parent: string, step: number): void {
  db.prepare("UPDATE runs SET parent = ?, fork_step = ? WHERE id = ?").run(parent, step, child);
  reseal(db, child);
}

/** Computes a run's seal again. */
export function reseal(db: Database, id: string): void {
  const run = runById(db, id)!;
  db.prepare("UPDATE runs SET seal = ? WHERE key = ?").run(
    sealOf(db, core, run.key, run.fingerprint!),
    run.key,
  );
}

/** Every run in the file is what was recorded. */
export function assertIntact(db: Database): void {
  for (const run of listRuns(db)) assert.deepEqual(verifyRun(db, core, run).flaws, [], run.id);
}

/** Opens a file for as long as `use` takes. */
export function opened<T>(
  path: string,
  use: (db: Database) => T,
  mode: "read" | "write" | "create" = "write",
): T {
  const db = openDatabase(path, mode);
  try {
    return use(db);
  } finally {
    db.close();
  }
}

/** Signed numbers, each the difference from the one before: what `docs/format.md` says of keys, read anew here. */
function keysIn(data: Uint8Array): number[] {
  const numbers: bigint[] = [];
  let [value, shift] = [0n, 0n];
  for (const byte of data) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      numbers.push(value);
      [value, shift] = [0n, 0n];
    }
  }
  return numbers.map((each) => Number(each % 2n === 0n ? each / 2n : -(each + 1n) / 2n));
}

function sums(deltas: readonly number[]): number[] {
  let last = 0;
  return deltas.map((delta) => last += delta);
}

/** Rows of the shared tables that nothing in the file needs, such as `blobs 7`, by code that shares nothing with the store's. */
export function unreferenced(db: Database): string[] {
  const rows = (sql: string) =>
    db.prepare(sql).all() as { key: number; data: Uint8Array; digest: Uint8Array }[];
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  // A digest is 32 bytes: it is looked for in the events' bytes as they stand.
  const events = rows("SELECT body AS data FROM events").map(({ data }) => hex(data)).join(" ");
  const bodies = rows("SELECT key, digest, data FROM bodies");
  const lists = rows("SELECT key, digest, data FROM lists");
  const [usedLists, usedBlobs] = [new Set<number>(), new Set<number>()];
  const whole = new Set<string>();
  for (const { digest, data } of bodies) {
    if (!events.includes(hex(digest))) continue;
    whole.add(hex(digest));
    // Fewer than 128 lists in these tests: their count is one byte.
    const count = data[0]!;
    const deltas = keysIn(data.subarray(1));
    for (const key of sums(deltas.slice(0, count))) usedLists.add(key);
    for (const key of sums(deltas.slice(count))) usedBlobs.add(key);
  }
  for (const { key, data } of lists) {
    if (usedLists.has(key)) { for (const chunk of sums(keysIn(data))) usedBlobs.add(chunk); }
  }
  return [
    ...bodies.filter(({ digest }) => !whole.has(hex(digest))).map(({ key }) => `bodies ${key}`),
    ...lists.filter(({ key }) => !usedLists.has(key)).map(({ key }) => `lists ${key}`),
    ...rows("SELECT key, digest FROM blobs")
      .filter(({ key, digest }) =>
        !usedBlobs.has(key) && (whole.has(hex(digest)) || !events.includes(hex(digest)))
      ).map(({ key }) => `blobs ${key}`),
  ];
}

/** How many rows each shared table has. */
export function counted(db: Database): Record<"blobs" | "lists" | "bodies", number> {
  const row = db.prepare(
    `SELECT (SELECT count(*) FROM blobs) AS blobs, (SELECT count(*) FROM lists) AS lists,
       (SELECT count(*) FROM bodies) AS bodies`,
  ).get();
  return { ...row as Record<"blobs" | "lists" | "bodies", number> };
}
