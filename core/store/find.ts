/**
 * From what a person types to a run: `latest`, `latest~2`, an id's beginning, a name, a tape file's path; and
 * `:step` behind it.
 */

import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { TraceforkError } from "../base/errors.ts";
import { type Database, holdStill, openDatabase } from "./database.ts";
import { locateStore, type Surroundings } from "./locate.ts";
import { listRuns, type Run } from "./runs.ts";

/** A run in an open file. Close `db` when done. */
export interface FoundRun {
  readonly db: Database;
  readonly path: string;
  readonly run: Run;
}

/** A tape's name with an optional step. */
export interface TapeRef {
  readonly tape: string;
  readonly step: number | undefined;
}

/** Splits `tape:step`. A path that exists and ends in `:3` is a path. */
export function parseTapeRef(text: string, cwd: string): TapeRef {
  const match = /^(.+):(\d+)$/.exec(text);
  if (match === null || existsSync(resolve(cwd, text))) return { tape: text, step: undefined };
  return { tape: match[1]!, step: Number(match[2]) };
}

/** True where a tape's name means a file and not a run of the store. */
export function isFilePath(name: string, cwd: string): boolean {
  const path = resolve(cwd, name);
  if (existsSync(path) && !statSync(path).isDirectory()) return true;
  return /[\\/]/.test(name) || /\.(tape|db|sqlite)$/.test(name);
}

function candidates(runs: readonly Run[]): string {
  return runs.slice(0, 10).map((run) => `  ${run.id}${run.name === undefined ? "" : `  ${run.name}`}`).join(
    "\n",
  );
}

function choose(runs: readonly Run[], name: string, path: string): Run {
  const notFound = (why: string) =>
    new TraceforkError("TF_TAPE_NOT_FOUND", `Cannot find tape ${JSON.stringify(name)}: ${why}`, {
      hint: "`tracefork ls` lists the runs; record one with `tracefork run -- <command>`",
    });
  const latest = /^latest(?:~(\d+))?$/.exec(name);
  if (latest !== null) {
    const run = runs[Number(latest[1] ?? 0)];
    if (run === undefined) throw notFound(`${path} holds ${runs.length} runs`);
    return run;
  }
  const exact = runs.find((run) => run.id === name);
  if (exact !== undefined) return exact;
  const named = runs.filter((run) => run.name === name);
  const found = named.length > 0 ? named.slice(0, 1) : runs.filter((run) => run.id.startsWith(name));
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw notFound(`no run in ${path} has this name, nor an id that begins so`);
  throw new TraceforkError(
    "TF_TAPE_AMBIGUOUS",
    `Cannot tell which tape ${JSON.stringify(name)} means: ${found.length} ids begin so\n${
      candidates(found)
    }`,
    { hint: "type more of the id" },
  );
}

/** Of a file with several runs the newest one that is no branch of another one in it. */
function ofFile(runs: readonly Run[]): Run {
  const ids = new Set(runs.map(({ id }) => id));
  return runs.find(({ parent }) => parent === undefined || !ids.has(parent)) ?? runs[0]!;
}

/**
 * Finds a run. Looks for a file of that name first, then in the store. With `still` the file is read as it is now
 * until it is closed, whatever is written or removed meanwhile.
 * @throws TraceforkError TF_TAPE_NOT_FOUND, TF_TAPE_AMBIGUOUS and what opening a file throws.
 */
export function findRun(name: string, where: Surroundings, storeFlag?: string, still = false): FoundRun {
  const isFile = name !== "" && isFilePath(name, where.cwd);
  const path = isFile ? resolve(where.cwd, name) : locateStore(where, storeFlag).path;
  if (!isFile && !existsSync(path)) {
    throw new TraceforkError(
      "TF_TAPE_NOT_FOUND",
      `Cannot find tape ${JSON.stringify(name)}: nothing is recorded yet`,
      {
        hint: `the store would be ${path}; record with \`tracefork run -- <command>\``,
      },
    );
  }
  const db = openDatabase(path, "read");
  try {
    if (still) holdStill(db);
    const runs = listRuns(db);
    if (isFile && runs.length === 0) {
      throw new TraceforkError("TF_TAPE_NOT_FOUND", `Cannot open ${path}: it holds no run`, {
        hint: "the recording ended before its first event; record again",
      });
    }
    return { db, path, run: isFile ? ofFile(runs) : choose(runs, name, path) };
  } catch (error) {
    db.close();
    throw error;
  }
}
