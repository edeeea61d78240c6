/**
 * `import`: brings runs of a file into a store. What another program recorded is made a tape first; then all go the
 * same way: proven, then copied in one transaction, all of a file or none.
 */

import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fromUtf8 } from "../base/bytes.ts";
import { messageOf, TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { looksLikeHar, parseHar } from "../analyse/har.ts";
import { contentOf, RunCopier } from "../store/copy_runs.ts";
import {
  type Database,
  holdStill,
  isSqliteFile,
  isTraceforkFile,
  openDatabase,
  storeError,
} from "../store/database.ts";
import { listRuns, type Run, runById } from "../store/runs.ts";
import { readSeedFile, seedId, type StoredSeed } from "../store/seed_file.ts";
import { verifyRun } from "../store/verify.ts";
import { looksLikeSeed, parseSeedJson, seedFingerprint, type SeedTape } from "../tape/seed.ts";
import type { Core } from "../../wasm/core.ts";
import { writeHarRun, writeSeedRun } from "./foreign_tape.ts";

/** What became of one run of a file. */
export interface ImportedRun {
  readonly run: Run;
  /** `there`: the store had it already. */
  readonly outcome: "imported" | "there";
}

/** What to import. */
export interface ImportPlan {
  readonly path: string;
  /** The store's file; made where it is missing. */
  readonly store: string;
  /** Rules for what a HAR file holds, as for `run --redact`. */
  readonly redact: string;
  /** Told of each run before it is proven. */
  readonly onRun?: (done: number, of: number) => void;
}

function refuse(code: "TF_NOT_A_TAPE" | "TF_TAPE_NOT_FOUND", path: string, what: string): TraceforkError {
  return new TraceforkError(code, `Cannot import ${path}: ${what}`, {
    hint: "what can be imported: tape files and stores of tracefork, files of the Python original, HAR files",
  });
}

function microseconds(iso: string | undefined): number {
  const ms = Date.parse(iso ?? "");
  return Number.isNaN(ms) || ms < 0 ? 0 : Math.round(ms * 1000);
}

/** A seed's runs, then its branches, as runs that are whole by themselves: a branch begins with its parent's steps. */
function writeSeeds(db: Database, core: Core, seeds: readonly StoredSeed[], file: string): void {
  const byId = new Map(seeds.map((seed) => [seed.id, seed]));
  const parentOf = ({ branch }: StoredSeed) => branch && byId.get(branch.parent);
  /** The exchanges of the parents that a branch begins with. A file may claim a circle: then it begins with none. */
  const prefixOf = (seed: StoredSeed, within: readonly StoredSeed[] = []): SeedTape["exchanges"] => {
    const parent = parentOf(seed);
    if (parent === undefined || within.includes(parent)) return [];
    return [...prefixOf(parent, [...within, seed]), ...parent.tape.exchanges].slice(0, seed.branch!.step);
  };
  for (const seed of seeds) {
    const { tape, id, created, branch } = seed;
    const fingerprint = seedFingerprint(core, tape);
    const parent = parentOf(seed);
    const prefix = prefixOf(seed);
    const ownId = seedId(core, seed, fingerprint);
    writeSeedRun(
      db,
      core,
      {
        id: ownId,
        name: (id !== undefined && id !== ownId ? id : tape.agentName) || undefined,
        note: branch?.description || undefined,
        created: microseconds(created),
        parent: parent && seedId(core, parent, seedFingerprint(core, parent.tape)),
        forkStep: parent && prefix.length,
      },
      tape,
      { file, fingerprint, prefix },
    );
  }
}

/** Writes what `path` holds into a tape at `to`. */
function convert(plan: ImportPlan, core: Core, to: string): void {
  const { path } = plan;
  const file = basename(path);
  const db = openDatabase(to, "create", { wal: false });
  try {
    if (isSqliteFile(path)) {
      const seeds = readSeedFile(path, core);
      if (seeds === undefined) throw refuse("TF_NOT_A_TAPE", path, "it is another program's SQLite file");
      writeSeeds(db, core, seeds, file);
      return;
    }
    const bytes = new Uint8Array(readFileSync(path));
    let document: unknown;
    try {
      document = JSON.parse(fromUtf8(bytes));
    } catch {
      throw refuse("TF_NOT_A_TAPE", path, "it is neither an SQLite file nor JSON");
    }
    try {
      if (looksLikeHar(document)) {
        const exchanges = parseHar(document);
        const id = toHex(core.sha256(bytes)).slice(0, 12);
        const run = { id, name: undefined, note: undefined, parent: undefined, forkStep: undefined };
        writeHarRun(db, core, run, exchanges, { file, redact: plan.redact });
      } else if (looksLikeSeed(document)) {
        writeSeeds(db, core, [{ tape: parseSeedJson(document) }], file);
      } else throw refuse("TF_NOT_A_TAPE", path, "it is JSON, but no HAR file and no tape");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new TraceforkError("TF_TAPE_DAMAGED", `Cannot import ${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  } finally {
    db.close();
  }
}

function prove(db: Database, core: Core, run: Run, path: string): void {
  if (run.state === "recording") {
    throw new TraceforkError("TF_TAPE_IN_USE", `Cannot import ${path}: run ${run.id} is being recorded`, {
      hint: "wait until it has ended",
    });
  }
  const flaw = verifyRun(db, core, run).flaws[0];
  if (flaw === undefined) return;
  throw new TraceforkError(
    "TF_TAPE_DAMAGED",
    `Cannot import ${path}: run ${run.id} is damaged: ${flaw.message}`,
    {
      hint: "nothing was imported from it; `tracefork verify` names every place",
    },
  );
}

function copyAll(from: Database, to: Database, plan: ImportPlan, runs: readonly Run[]): ImportedRun[] {
  const copier = new RunCopier(from, to);
  to.exec("BEGIN IMMEDIATE");
  try {
    const outcomes = runs.map((run): ImportedRun => {
      const there = runById(to, run.id);
      if (there === undefined) {
        copier.copy(run);
        return { run, outcome: "imported" };
      }
      if (contentOf(to, there) === contentOf(from, run)) return { run, outcome: "there" };
      throw new TraceforkError(
        "TF_TAPE_EXISTS",
        `Cannot import ${plan.path}: ${plan.store} has another run ${run.id}`,
        { hint: "nothing was imported from it; give another --store, or remove that run first" },
      );
    });
    to.exec("COMMIT");
    return outcomes;
  } catch (error) {
    to.exec("ROLLBACK");
    throw storeError(plan.store, error);
  }
}

function importTape(plan: ImportPlan, core: Core, path: string): ImportedRun[] {
  const from = openDatabase(path, "read");
  try {
    holdStill(from);
    // Oldest first, so that rows come in the order in which they were recorded.
    const runs = listRuns(from).reverse();
    for (const [i, run] of runs.entries()) {
      plan.onRun?.(i, runs.length);
      prove(from, core, run, plan.path);
    }
    const to = openDatabase(plan.store, "create");
    try {
      return copyAll(from, to, plan, runs);
    } finally {
      to.close();
    }
  } finally {
    from.close();
  }
}

/**
 * See the head of this file. Returns the runs of the file.
 * @throws TraceforkError TF_TAPE_NOT_FOUND, TF_NOT_A_TAPE, TF_TAPE_DAMAGED, TF_TAPE_IN_USE, TF_TAPE_EXISTS, TF_USAGE
 *   and what opening the store throws; then nothing was imported.
 */
export function importRuns(plan: ImportPlan, core: Core): ImportedRun[] {
  const { path, store } = plan;
  if (!existsSync(path)) throw refuse("TF_TAPE_NOT_FOUND", path, "there is no such file");
  if (!statSync(path).isFile()) throw refuse("TF_NOT_A_TAPE", path, "it is no file");
  if (existsSync(store) && realpathSync(store) === realpathSync(path)) {
    throw new TraceforkError("TF_USAGE", `Cannot import ${path}: it is the store itself`);
  }
  if (isSqliteFile(path) && isTraceforkFile(path)) return importTape(plan, core, path);
  const folder = mkdtempSync(join(tmpdir(), "tracefork-import-"));
  try {
    const tape = join(folder, "imported.tape");
    convert(plan, core, tape);
    return importTape(plan, core, tape);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
