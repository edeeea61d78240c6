/** `tracefork prune`: remove old runs by rule, and what no run needs. */

import { existsSync } from "node:fs";
import { TraceforkError } from "../base/errors.ts";
import { parseAge, parseBytes } from "../report/units.ts";
import type { Choice } from "../store/collect.ts";
import { locateStore } from "../store/locate.ts";
import type { Run } from "../store/runs.ts";
import { REMOVAL_FLAGS, remove } from "./removal/remove.ts";
import { type Call, type Io, JSON_FLAG, STORE_FLAG, text, type Verb } from "./verb.ts";

function usage(flag: string, value: string, wanted: string): TraceforkError {
  return new TraceforkError("TF_USAGE", `Cannot prune by ${flag} ${JSON.stringify(value)}`, { hint: wanted });
}

/** Runs that a rule may take, newest first: a run of which the time is unknown is never taken for old. */
function aged(runs: readonly Run[]): Run[] {
  return runs.filter(({ created, state }) => created > 0 && state !== "recording");
}

function ruleOf(call: Call): Choice {
  const [age, keep, size] = [text(call, "olderThan"), text(call, "keep"), text(call, "maxSize")];
  if ([age, keep, size].filter((each) => each !== undefined).length > 1) {
    throw new TraceforkError("TF_USAGE", "Cannot prune by several rules at once", {
      hint: "give one of them",
    });
  }
  if (age !== undefined) {
    const microseconds = parseAge(age);
    if (microseconds === undefined) throw usage("--older-than", age, "such as 30d, 12h, 45m or 2w");
    const before = Date.now() * 1000 - microseconds;
    return (runs) => ({ runs: aged(runs).filter(({ created }) => created < before) });
  }
  if (keep !== undefined) {
    if (!/^\d+$/.test(keep)) throw usage("--keep", keep, "how many of the newest runs stay, such as 20");
    return (runs) => ({ runs: aged(runs).slice(Number(keep)) });
  }
  if (size !== undefined) {
    const atMost = parseBytes(size);
    if (atMost === undefined) throw usage("--max-size", size, "such as 500MB or 1.5GB");
    return (runs) => ({ runs: aged(runs).reverse(), atMost });
  }
  return () => ({ runs: [] });
}

async function run(call: Call, io: Io): Promise<number> {
  const choose = ruleOf(call);
  const { path } = locateStore({ cwd: io.cwd, env: (name) => io.env[name] }, text(call, "store"));
  if (!existsSync(path)) {
    throw new TraceforkError("TF_TAPE_NOT_FOUND", `Cannot prune ${path}: nothing is recorded yet`, {
      hint: "`tracefork where` says which store is used, and why",
    });
  }
  return await remove("prune", path, choose, call, io);
}

export const pruneVerb: Verb = {
  name: "prune",
  group: "store",
  summary: "remove old runs by a rule, and bodies that no run needs",
  usage: "[--older-than AGE | --keep N | --max-size SIZE] [--dry-run] [--yes]",
  args: [],
  about:
    "Removes runs older than an age, or all but the newest, or the oldest ones until the store's file is small enough.\n" +
    "Without a rule no run goes, only bodies that no run needs. A run that is being recorded is never removed, nor one\n" +
    "of which nobody knows when it was made (imported ones). A branch stays when its parent goes. While something is\n" +
    "being recorded, bodies stay until the next prune, and --max-size is refused.",
  flags: [
    STORE_FLAG,
    { flags: "--older-than <age>", help: "runs that began longer ago: 30d, 12h, 45m, 2w" },
    { flags: "--keep <n>", help: "all but the n newest runs" },
    { flags: "--max-size <size>", help: "the oldest runs, until the file has at most 500MB, 1.5GB, …" },
    ...REMOVAL_FLAGS,
    JSON_FLAG,
  ],
  examples: [
    ["tracefork prune --older-than 30d --dry-run", "what would go"],
    ["tracefork prune --keep 100 --yes", "for a nightly job"],
    ["tracefork prune", "only what no run needs"],
  ],
  run,
};
