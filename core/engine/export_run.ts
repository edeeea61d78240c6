/** `export`: writes runs of a store into a file of their own, and proves them first. */

import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { TraceforkError } from "../base/errors.ts";
import { RunCopier } from "../store/copy_runs.ts";
import { type Database, isSqliteFile, isTraceforkFile, openDatabase, storeError } from "../store/database.ts";
import { listRuns, type Run } from "../store/runs.ts";
import { verifyRun } from "../store/verify.ts";
import type { Core } from "../../wasm/core.ts";

/** A run with its branches, theirs, and so on: parents come first. */
export function treeOf(db: Database, run: Run): Run[] {
  const all = listRuns(db);
  const tree = [run];
  const known = new Set([run.id]);
  for (const each of tree) {
    const branches = all.filter(({ id, parent }) => parent === each.id && !known.has(id));
    branches.sort((a, b) =>
      (a.forkStep ?? 0) - (b.forkStep ?? 0) || a.created - b.created || (a.id < b.id ? -1 : 1)
    );
    for (const branch of branches) known.add(branch.id);
    tree.push(...branches);
  }
  return tree;
}

/** @throws TraceforkError where a run is being recorded or is not what was recorded. */
export function proveRuns(
  db: Database,
  core: Core,
  runs: readonly Run[],
  onRun: (run: Run) => void = () => {},
): void {
  for (const run of runs) {
    onRun(run);
    if (run.state === "recording") {
      throw new TraceforkError("TF_TAPE_IN_USE", `Cannot export ${run.id}: it is being recorded`, {
        hint: "wait until it has ended",
      });
    }
    const flaw = verifyRun(db, core, run).flaws[0];
    if (flaw === undefined) continue;
    throw new TraceforkError("TF_TAPE_DAMAGED", `Cannot export ${run.id}: it is damaged: ${flaw.message}`, {
      hint: "`tracefork verify` names every place",
    });
  }
}

/** Throws where `path` must not be replaced: with `force` only what holds other runs must not. */
function refuseExisting(path: string, runs: readonly Run[], source: string, force: boolean): void {
  if (!existsSync(path)) return;
  if (statSync(path).isDirectory()) {
    throw new TraceforkError("TF_NOT_A_TAPE", `Cannot export to ${path}: it is a folder`, {
      hint: "name a file in it",
    });
  }
  const exists = (what: string, hint: string) =>
    new TraceforkError("TF_TAPE_EXISTS", `Cannot export to ${path}: ${what}`, { hint });
  if (!force) throw exists("the file is there", "name another file, or replace it with --force");
  if (realpathSync(path) === realpathSync(source)) {
    throw exists("the run is read from it", "name another file");
  }
  if (!isSqliteFile(path) || !isTraceforkFile(path)) return;
  const db = openDatabase(path, "read");
  try {
    const ids = new Set(runs.map(({ id }) => id));
    if (listRuns(db).some(({ id }) => !ids.has(id))) throw exists("it holds other runs", "name another file");
  } finally {
    db.close();
  }
}

/**
 * Writes a file as a whole or not at all: `write` is given a path beside it.
 * @throws TraceforkError TF_TAPE_EXISTS, TF_NOT_WRITABLE, TF_DISK_FULL.
 */
export function writeWhole(
  path: string,
  from: { readonly runs: readonly Run[]; readonly source: string; readonly force: boolean },
  write: (path: string) => void,
): void {
  refuseExisting(path, from.runs, from.source, from.force);
  const beside = `${path}.${process.pid}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    write(beside);
    // A log that a killed process left beside the old file would be read into the new one.
    for (const suffix of ["-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
    renameSync(beside, path);
  } catch (error) {
    throw storeError(path, error);
  } finally {
    for (const suffix of ["", "-journal"]) rmSync(beside + suffix, { force: true });
  }
}

/** Writes text for its owner only. */
export function writeText(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
}

/** Writes a tape file with these runs. The same runs make the same bytes. */
export function writeTape(path: string, from: Database, runs: readonly Run[]): void {
  const to = openDatabase(path, "create", { wal: false });
  try {
    const copier = new RunCopier(from, to);
    to.exec("BEGIN IMMEDIATE");
    for (const run of runs) copier.copy(run);
    to.exec("COMMIT");
  } finally {
    to.close();
  }
}
