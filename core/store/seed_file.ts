/**
 * SQLite files of the Python original: reads its tapes in both layouts and its stores, and writes a tape in the
 * present one. Bodies are hashed when they are read; the original does not.
 */

import process from "node:process";
import type * as Zlib from "node:zlib";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { messageOf, TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { parseSeedJson, SEED_BOUNDARY, type SeedTape } from "../tape/seed.ts";
import type { Core } from "../../wasm/core.ts";
import { createForeign, type Database, openForeign, storeError } from "./database.ts";

/** A tape of a seed's file, and what a seed's store says of it besides. */
export interface StoredSeed {
  readonly tape: SeedTape;
  /** The store's `run_id` or `branch_id`. */
  readonly id?: string;
  /** ISO time; empty where it was not given. */
  readonly created?: string;
  /** For a branch: its tape begins with the changed exchange of this step of the parent. */
  readonly branch?: { readonly parent: string; readonly step: number; readonly description: string };
}

const { zstdCompressSync, zstdDecompressSync } =
  (process as unknown as { getBuiltinModule(name: string): typeof Zlib }).getBuiltinModule("node:zlib");

function damaged(path: string, what: string): TraceforkError {
  return new TraceforkError("TF_TAPE_DAMAGED", `Cannot import ${path}: ${what}`, {
    hint: "nothing was imported from it",
  });
}

function tablesOf(db: Database): Set<string> {
  const rows = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
  return new Set(rows.map(({ name }) => name));
}

/** Whole bytes or a zstd frame: the digest decides, so that both layouts are read alike. */
function bodyOf(core: Core, digest: string, data: Uint8Array): Uint8Array | undefined {
  const is = (bytes: Uint8Array) => toHex(core.sha256(bytes)) === digest;
  if (is(data)) return data.slice();
  try {
    const unpacked = new Uint8Array(zstdDecompressSync(data));
    return is(unpacked) ? unpacked : undefined;
  } catch {
    return undefined;
  }
}

function readTape(db: Database, core: Core, path: string, tables: ReadonlySet<string>): SeedTape {
  const find = db.prepare("SELECT data FROM blobs WHERE hash = ?");
  const known = new Map<string, Uint8Array>();
  const body = (digest: string) => {
    const row = known.has(digest) ? undefined : find.get(digest) as { data: Uint8Array } | undefined;
    const bytes = known.get(digest) ?? (row && bodyOf(core, digest, row.data));
    if (bytes === undefined) {
      throw damaged(
        path,
        `body ${digest.slice(0, 12)}… ${row === undefined ? "is missing" : "is not what its digest says"}`,
      );
    }
    known.set(digest, bytes);
    return bytes;
  };
  const draws: [string, string][] = [];
  const exchanges: [Uint8Array, Uint8Array][] = [];
  const rows = db.prepare("SELECT kind, a, b FROM events ORDER BY seq").all() as {
    kind: string;
    a: string;
    b: string;
  }[];
  for (const { kind, a, b } of rows) {
    if (kind === "draw") draws.push([a, b]);
    else if (kind === "exchange") exchanges.push([body(a), body(b)]);
  }
  const meta = new Map<string, string>();
  if (tables.has("meta")) {
    for (const row of db.prepare("SELECT key, value FROM meta").all() as { key: string; value: string }[]) {
      meta.set(row.key, row.value);
    }
  }
  return {
    draws,
    exchanges,
    boundary: meta.get("boundary") ?? SEED_BOUNDARY,
    agentName: meta.get("agent_name") ?? "",
  };
}

function readStore(db: Database, path: string, tables: ReadonlySet<string>): StoredSeed[] {
  const parse = (id: string, bytes: Uint8Array | string) => {
    try {
      return parseSeedJson(JSON.parse(typeof bytes === "string" ? bytes : fromUtf8(bytes)));
    } catch (error) {
      throw damaged(path, `run ${id} can't be read (${messageOf(error)})`);
    }
  };
  const runs = db.prepare("SELECT run_id, tape_bytes, created_at FROM tapes ORDER BY rowid").all() as {
    run_id: string;
    tape_bytes: Uint8Array;
    created_at: string;
  }[];
  const branches = (tables.has("branches")
    ? db.prepare(
      `SELECT branch_id, parent_run_id, divergence_step, delta_tape_bytes, mutation_desc, created_at
         FROM branches ORDER BY rowid`,
    ).all()
    : []) as {
      branch_id: string;
      parent_run_id: string;
      divergence_step: number;
      delta_tape_bytes: Uint8Array;
      mutation_desc: string;
      created_at: string;
    }[];
  return [
    ...runs.map((row) => ({
      tape: parse(row.run_id, row.tape_bytes),
      id: row.run_id,
      created: row.created_at,
    })),
    ...branches.map((row) => ({
      tape: parse(row.branch_id, row.delta_tape_bytes),
      id: row.branch_id,
      created: row.created_at,
      branch: { parent: row.parent_run_id, step: row.divergence_step, description: row.mutation_desc },
    })),
  ];
}

/**
 * Reads a seed's file: one tape, or a store's runs and then its branches. Undefined where it is another program's.
 * @throws TraceforkError TF_TAPE_DAMAGED.
 */
export function readSeedFile(path: string, core: Core): StoredSeed[] | undefined {
  const db = openForeign(path);
  try {
    const tables = tablesOf(db);
    if (tables.has("tapes")) return readStore(db, path, tables);
    if (tables.has("blobs") && tables.has("events")) return [{ tape: readTape(db, core, path, tables) }];
    return undefined;
  } catch (error) {
    throw storeError(path, error);
  } finally {
    db.close();
  }
}

/** Writes a tape as the seed's present layout has it, into a file that is not there yet. */
export function writeSeedFile(path: string, core: Core, tape: SeedTape): void {
  const db = createForeign(path);
  try {
    db.exec(`BEGIN;
      CREATE TABLE blobs (hash TEXT PRIMARY KEY, data BLOB NOT NULL);
      CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL);
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)`);
    const blob = db.prepare("INSERT OR IGNORE INTO blobs (hash, data) VALUES (?, ?)");
    const event = db.prepare("INSERT INTO events (kind, a, b) VALUES (?, ?, ?)");
    const meta = db.prepare("INSERT INTO meta (key, value) VALUES (?, ?)");
    const keep = (bytes: Uint8Array) => {
      const digest = toHex(core.sha256(bytes));
      blob.run(digest, new Uint8Array(zstdCompressSync(bytes)));
      return digest;
    };
    for (const [kind, value] of tape.draws) event.run("draw", kind, value);
    for (const [request, response] of tape.exchanges) event.run("exchange", keep(request), keep(response));
    meta.run("boundary", tape.boundary);
    meta.run("agent_name", tape.agentName);
    meta.run("schema_version", "1");
    db.exec("COMMIT");
  } catch (error) {
    throw storeError(path, error);
  } finally {
    db.close();
  }
}

/** The id under which a seed's tape is kept here: its own where it has our form, else one that follows from it. */
export function seedId(core: Core, { id, tape }: StoredSeed, fingerprint: string): string {
  if (id !== undefined && /^[0-9a-f]{12}$/.test(id)) return id;
  const said = JSON.stringify(["seed", id ?? "", tape.boundary, tape.agentName, fingerprint]);
  return toHex(core.sha256(utf8(said))).slice(0, 12);
}
