/** Files of the Python original as it writes them, made with nothing but SQLite, zstd and a SHA-256. */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync } from "node:zlib";

export interface Seed {
  readonly draws: readonly (readonly [string, string])[];
  readonly exchanges: readonly (readonly [string, string])[];
}

const hex = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");

/** The golden tape. */
export const GOLDEN: Seed = {
  draws: [["clock", "2026-01-01T00:00:00+00:00"], ["uuid", "abc123"]],
  exchanges: [["request-1", "response-1"], ["request-2", "response-2"]],
};
/** What the Python original says of it. */
export const GOLDEN_DIGEST = "27143460d22755d01b75e7012e6599e683a5761a3ba3ac65aeafd72c1d31b698";
export const EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** The seed's digest, anew. */
export function digestOf({ draws, exchanges }: Seed): string {
  return hex([
    ...draws.map(([kind, value]) => `D:${kind}:${value}\n`),
    ...exchanges.map(([request, response]) => `X:${hex(request)}:${hex(response)}\n`),
  ].join(""));
}

/** A `.tape.sqlite`: `present` with zstd and meta, `spike` with neither. */
export function writeSeedSqlite(path: string, { draws, exchanges }: Seed, layout: "present" | "spike"): void {
  const db = new DatabaseSync(path);
  db.exec("CREATE TABLE blobs (hash TEXT PRIMARY KEY, data BLOB NOT NULL)");
  db.exec(
    "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL)",
  );
  const keep = (text: string) => {
    const data = layout === "present" ? zstdCompressSync(Buffer.from(text)) : Buffer.from(text);
    db.prepare("INSERT OR IGNORE INTO blobs VALUES (?, ?)").run(hex(text), new Uint8Array(data));
    return hex(text);
  };
  const add = (kind: string, a: string, b: string) =>
    db.prepare("INSERT INTO events (kind, a, b) VALUES (?, ?, ?)").run(kind, a, b);
  for (const [kind, value] of draws) add("draw", kind, value);
  for (const [request, response] of exchanges) add("exchange", keep(request), keep(response));
  add("tool", "a kind", "that readers pass over");
  if (layout === "present") {
    db.exec("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)");
    db.exec("INSERT INTO meta VALUES ('boundary', 'b-1'), ('agent_name', 'booker'), ('schema_version', '1')");
  }
  db.close();
}

/** The JSON form, as Python's `json.dumps` spells it. */
export function seedJson({ draws, exchanges }: Seed): string {
  const b64 = (text: string) => JSON.stringify(Buffer.from(text).toString("base64"));
  const pairs = (of: readonly (readonly [string, string])[], spell: (text: string) => string) =>
    `[${of.map(([a, b]) => `[${spell(a)}, ${spell(b)}]`).join(", ")}]`;
  return `{"exchanges": ${pairs(exchanges, b64)}, "draws": ${
    pairs(draws, JSON.stringify)
  }, "boundary": "b-1", "agent_name": "booker"}`;
}

export interface SeedBranch {
  readonly id: string;
  readonly parent: string;
  readonly step: number;
  readonly description: string;
  readonly delta: Seed;
}

/** A `store.db`. `created` is empty unless given, as the original's command line leaves it. */
export function writeSeedStore(
  path: string,
  runs: readonly { readonly id: string; readonly tape: Seed; readonly created?: string }[],
  branches: readonly SeedBranch[] = [],
): void {
  const db = new DatabaseSync(path);
  // As the original has it.
  db.exec("PRAGMA foreign_keys = 0");
  db.exec(`CREATE TABLE tapes (run_id TEXT PRIMARY KEY, agent_name TEXT NOT NULL, tape_bytes BLOB NOT NULL,
      created_at TEXT NOT NULL);
    CREATE TABLE branches (branch_id TEXT PRIMARY KEY, parent_run_id TEXT NOT NULL, divergence_step INTEGER NOT NULL,
      delta_tape_bytes BLOB NOT NULL, mutation_desc TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL,
      FOREIGN KEY(parent_run_id) REFERENCES tapes(run_id))`);
  for (const { id, tape, created } of runs) {
    db.prepare("INSERT INTO tapes VALUES (?, 'booker', ?, ?)").run(
      id,
      Buffer.from(seedJson(tape)),
      created ?? "",
    );
  }
  for (const { id, parent, step, description, delta } of branches) {
    db.prepare("INSERT INTO branches VALUES (?, ?, ?, ?, ?, '')")
      .run(id, parent, step, Buffer.from(seedJson(delta)), description);
  }
  db.close();
}
