/**
 * Opening the SQLite file that is a store or a tape (they are the same thing). The only import of
 * `node:sqlite` stands here. Says what is wrong with a file in the user's words, never SQLite's.
 */

import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { DatabaseSync } from "node:sqlite";
import { messageOf, systemCode, TraceforkError } from "../base/errors.ts";
import { APPLICATION_ID, FORMAT } from "../tape/format.ts";
import { SCHEMA, UPGRADES } from "./schema.ts";

export type Database = DatabaseSync;

/**
 * The database's class. Not a static import: on a Node without it the preload has to be able to say so.
 * @throws TraceforkError TF_RUNTIME.
 */
function sqlite(): typeof DatabaseSync {
  const { getBuiltinModule, version } = process as unknown as {
    getBuiltinModule?: (name: string) => { DatabaseSync: typeof DatabaseSync } | undefined;
    version: string;
  };
  const found = getBuiltinModule?.("node:sqlite");
  if (found !== undefined) return found.DatabaseSync;
  throw new TraceforkError(
    "TF_RUNTIME",
    `Cannot record or replay on Node ${version}: it has no node:sqlite`,
    {
      hint: "Node 22.15 or newer has it; Deno 2.9 and Bun 1.4 do too",
    },
  );
}

/** How a file is opened: `create` makes it when it is missing; `write` and `read` want it there. */
export type OpenMode = "create" | "write" | "read";

const MAGIC = "SQLite format 3\0";
/** How long a writer waits for another one, in milliseconds. */
const BUSY_MS = 10_000;

/**
 * Small pages: a commit writes every page that it touches, mostly for a few hundred bytes (a quarter less time than
 * with 4 KB). What becomes free can be given back without writing the whole file again.
 */
const LAYOUT = "PRAGMA page_size = 2048; PRAGMA auto_vacuum = INCREMENTAL";

function damaged(path: string, error: unknown): TraceforkError {
  return new TraceforkError(
    "TF_TAPE_DAMAGED",
    `Cannot read ${path}: the file is damaged (${messageOf(error)})`,
    {
      hint: "restore it from a copy; what SQLite can still read comes out with `sqlite3 FILE .recover`",
      cause: error,
    },
  );
}

/** True for what SQLite throws, on each of the runtimes. */
export function isSqliteError(error: unknown): boolean {
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  return typeof errcode === "number" || code === "ERR_SQLITE_ERROR" || /^SQLITE_/.test(String(code)) ||
    /sqlite/i.test((error as Error | undefined)?.name ?? "");
}

/** Turns what SQLite or the file system threw into an error for people. */
export function storeError(path: string, error: unknown): TraceforkError {
  if (error instanceof TraceforkError) return error;
  const message = messageOf(error);
  const code = systemCode(error) ?? "";
  const result = (error as { errcode?: number }).errcode ?? 0;
  const primary = result & 0xff;
  if (primary === 13 || code === "ENOSPC" || /database or disk is full/.test(message)) {
    return new TraceforkError("TF_DISK_FULL", `Cannot write ${path}: the disk is full`, {
      hint: "free some space, or record elsewhere with -o TAPE or --store FILE",
      cause: error,
    });
  }
  if (primary === 5 || primary === 6 || /database is locked/.test(message)) {
    return new TraceforkError("TF_TAPE_IN_USE", `Cannot write ${path}: another process holds it`, {
      hint: "wait until it has ended, or name another file with -o TAPE",
      cause: error,
    });
  }
  if (/NotCapable|Requires \w+ access/.test(`${(error as Error).name} ${message}`)) {
    return new TraceforkError("TF_PERMISSION", `Cannot open ${path}: this Deno may not (${message})`, {
      hint:
        `give it --allow-read=${path} --allow-write=${path} and --allow-env, or start it with tracefork run directly`,
      cause: error,
    });
  }
  const denied = primary === 8 || primary === 14 ||
    ["EACCES", "EROFS", "EPERM", "ENOTDIR", "EEXIST"].includes(code) ||
    /readonly database|unable to open database|NotCapable|Requires (read|write) access/.test(message);
  if (denied) {
    return new TraceforkError("TF_NOT_WRITABLE", `Cannot open ${path} for writing: ${message}`, {
      hint: "name a folder that you may write to with -o TAPE, --store FILE or TRACEFORK_STORE",
      cause: error,
    });
  }
  return damaged(path, error);
}

/** What stands at the start of a file, read without SQLite, so that nothing is created or changed. */
function sniff(path: string): "missing" | "empty" | "sqlite" | "other" {
  if (!existsSync(path)) return "missing";
  if (statSync(path).isDirectory()) return "other";
  const file = openSync(path, "r");
  try {
    const head = new Uint8Array(16);
    const count = readSync(file, head, 0, 16, 0);
    if (count === 0) return "empty";
    return new TextDecoder().decode(head) === MAGIC ? "sqlite" : "other";
  } finally {
    closeSync(file);
  }
}

function notATape(path: string, what: string): TraceforkError {
  return new TraceforkError("TF_NOT_A_TAPE", `Cannot open ${path}: it is ${what}, not a tracefork tape`, {
    hint: "`tracefork ls` lists the runs in the store; a tape file is made with `tracefork run -o FILE -- …`",
  });
}

function number(db: Database, pragma: string): number {
  const row = db.prepare(`PRAGMA ${pragma}`).get() as Record<string, number> | undefined;
  return Number(Object.values(row ?? {})[0] ?? 0);
}

/** The format that a reader must know at least; undefined where the file does not say. */
function leastReader(db: Database): number | undefined {
  try {
    const row = db.prepare("SELECT value FROM meta WHERE key = 'min_reader'").get() as
      | { value: string }
      | undefined;
    return row && Number(row.value);
  } catch {
    // A future format may keep it elsewhere.
    return undefined;
  }
}

function checkFormat(db: Database, path: string, mode: OpenMode): void {
  if (number(db, "application_id") !== APPLICATION_ID) throw notATape(path, "another program's SQLite file");
  const format = number(db, "user_version");
  const least = leastReader(db) ?? format;
  if (least > FORMAT || (format > FORMAT && mode !== "read")) {
    throw new TraceforkError(
      "TF_TAPE_TOO_NEW",
      `Cannot open ${path}: it has tape format ${
        Math.max(format, least)
      }, this tracefork knows formats up to ${FORMAT}`,
      { hint: "open it with a newer tracefork; the file was left as it is" },
    );
  }
  if (format < FORMAT && mode !== "read") upgrade(db);
}

/** Takes an older file to this format, whole or not at all. */
function upgrade(db: Database): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    // Several processes may be here at once: the first one does it.
    for (let from = number(db, "user_version"); from < FORMAT; from++) db.exec(UPGRADES[from] ?? "");
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** True for a file that has no table yet: one that another process is just making, or that was left so. */
function isBlank(db: Database): boolean {
  const { count } = db.prepare("SELECT count(*) AS count FROM sqlite_schema").get() as { count: number };
  return count === 0 && number(db, "application_id") === 0 && number(db, "user_version") === 0;
}

function create(db: Database): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    // Several processes may be here at once: the first one makes it.
    if (isBlank(db)) db.exec(SCHEMA);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/**
 * Opens a file to read. Where its folder can't be written, the files beside it that SQLite wants can't be made:
 * then it is read as one that nobody changes.
 */
function openToRead(path: string): Database {
  const Sqlite = sqlite();
  const db = new Sqlite(path);
  try {
    db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    number(db, "user_version");
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    return db;
  } catch (error) {
    db.close();
    const primary = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
    const unwritable = primary === 8 || primary === 14 ||
      /unable to open database|readonly database/.test(messageOf(error));
    if (!unwritable || existsSync(`${path}-wal`)) throw error;
    return new Sqlite(new URL(`${pathToFileURL(path).href}?immutable=1`), { readOnly: true });
  }
}

/**
 * Opens a store or tape file. A new one gets mode 0600, write-ahead logging and the schema.
 * @throws TraceforkError with TF_TAPE_NOT_FOUND, TF_NOT_A_TAPE, TF_TAPE_TOO_NEW, TF_TAPE_DAMAGED,
 *   TF_NOT_WRITABLE, TF_DISK_FULL or TF_TAPE_IN_USE.
 */
export function openDatabase(path: string, mode: OpenMode, options: { wal?: boolean } = {}): Database {
  let db: Database | undefined;
  try {
    const kind = sniff(path);
    if (kind === "other") {
      throw notATape(path, statSync(path).isDirectory() ? "a folder" : "another kind of file");
    }
    if (kind === "missing" && mode !== "create") {
      throw new TraceforkError("TF_TAPE_NOT_FOUND", `Cannot open ${path}: there is no such file`, {
        hint: "`tracefork ls` lists the runs in the store",
      });
    }
    if (kind === "empty" && mode !== "create") throw notATape(path, "an empty file");
    const fresh = kind === "missing" || kind === "empty";
    if (fresh) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      closeSync(openSync(path, "a", 0o600));
      if (kind === "empty") chmodSync(path, 0o600);
    }
    db = mode === "read" ? openToRead(path) : new (sqlite())(path);
    db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    if (mode !== "read") db.exec("PRAGMA synchronous = NORMAL");
    if (mode === "create" && (fresh || isBlank(db))) {
      db.exec(LAYOUT);
      if (options.wal !== false) db.exec("PRAGMA journal_mode = WAL");
      create(db);
    }
    checkFormat(db, path, mode);
    return db;
  } catch (error) {
    db?.close();
    throw storeError(path, error);
  }
}

/** True for a file that begins as SQLite's do. */
export function isSqliteFile(path: string): boolean {
  return sniff(path) === "sqlite";
}

/**
 * Opens another program's SQLite file to read, and changes nothing in it or beside it. Where a write-ahead log lies
 * beside it, what that holds belongs to it, and SQLite needs its index.
 */
export function openForeign(path: string): Database {
  try {
    if (existsSync(`${path}-wal`)) return new (sqlite())(path, { readOnly: true });
    return new (sqlite())(new URL(`${pathToFileURL(path).href}?immutable=1`), { readOnly: true });
  } catch (error) {
    throw storeError(path, error);
  }
}

/** Makes an empty SQLite file for another program, for its owner only. */
export function createForeign(path: string): Database {
  try {
    closeSync(openSync(path, "wx", 0o600));
    return new (sqlite())(path);
  } catch (error) {
    throw storeError(path, error);
  }
}

/** True for a file of tracefork's, of whatever format. */
export function isTraceforkFile(path: string): boolean {
  const db = openForeign(path);
  try {
    return number(db, "application_id") === APPLICATION_ID;
  } catch (error) {
    throw storeError(path, error);
  } finally {
    db.close();
  }
}

/**
 * From here on the file is read as it is now, whatever others write or remove meanwhile. For looks that take a
 * moment: a file that is no store keeps its writers out for so long.
 */
export function holdStill(db: Database): void {
  db.exec("BEGIN");
}

/**
 * Closes the file. The last one out folds the write-ahead log in, so that a tape is one file that can be
 * copied.
 */
export function closeDatabase(db: Database): void {
  db.close();
}

/** Makes what was written survive a power cut: `synchronous = NORMAL` leaves that to a checkpoint. */
export function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
