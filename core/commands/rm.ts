/** `tracefork rm`: remove runs. */

import { TraceforkError } from "../base/errors.ts";
import { findRun, isFilePath } from "../store/find.ts";
import { locateStore } from "../store/locate.ts";
import type { Run } from "../store/runs.ts";
import { REMOVAL_FLAGS, remove } from "./removal/remove.ts";
import { type Call, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

/** Ids of the named runs, found before anything is removed: `latest` means the latest one of now. */
function idsOf(call: Call, io: Io): Set<string> {
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const ids = new Set<string>();
  for (const name of call.args) {
    if (isFilePath(name, io.cwd)) {
      throw new TraceforkError(
        "TF_USAGE",
        `Cannot remove ${name}: it is a file, and rm removes runs of a store`,
        {
          hint: "remove it as any other file; for one of several runs in it: rm --store FILE ID",
        },
      );
    }
    const { db, run } = findRun(name, where, text(call, "store"));
    db.close();
    ids.add(run.id);
  }
  return ids;
}

function withBranches(runs: readonly Run[], ids: ReadonlySet<string>): Set<string> {
  const all = new Set(ids);
  // Sets give what is added on the way, too.
  for (const id of all) for (const { id: branch, parent } of runs) if (parent === id) all.add(branch);
  return all;
}

async function run(call: Call, io: Io): Promise<number> {
  if (on(call, "withBranches") && on(call, "keepBranches")) {
    throw new TraceforkError("TF_USAGE", "Cannot both remove and keep the branches", {
      hint: "give one of --with-branches and --keep-branches",
    });
  }
  const ids = idsOf(call, io);
  const { path } = locateStore({ cwd: io.cwd, env: (name) => io.env[name] }, text(call, "store"));
  let left: string[] = [];
  return await remove(
    "rm",
    path,
    (runs) => {
      const all = withBranches(runs, ids);
      left = [...all].filter((id) => !ids.has(id));
      if (left.length > 0 && !on(call, "withBranches") && !on(call, "keepBranches")) {
        throw new TraceforkError(
          "TF_HAS_BRANCHES",
          `Cannot remove ${[...ids].join(", ")}: branches came of it\n  ${left.join("\n  ")}`,
          {
            hint: "--with-branches removes them too; with --keep-branches they stay, and work as before",
          },
        );
      }
      const gone = on(call, "withBranches") ? all : ids;
      left = left.filter((id) => !gone.has(id));
      return { runs: runs.filter(({ id }) => gone.has(id)) };
    },
    call,
    io,
    () => ({ branches_left: left }),
  );
}

export const rmVerb: Verb = {
  name: "rm",
  group: "store",
  summary: "remove runs, and the bodies that only they needed",
  usage: "<tape…> [--with-branches | --keep-branches] [--dry-run] [--yes]",
  args: ["<tapes...>"],
  about:
    "Asks on a terminal, and needs --yes elsewhere. A run with branches is refused, unless --with-branches or\n" +
    "--keep-branches says what is to become of them: a branch is a whole run and works without its parent, but what it\n" +
    "was forked from can't be looked at any more. While something is being recorded into the store, bodies stay until\n" +
    "the next `tracefork prune`. What was removed is overwritten in the file.",
  flags: [
    STORE_FLAG,
    { flags: "--with-branches", help: "remove the branches too, and theirs" },
    { flags: "--keep-branches", help: "leave the branches where they are" },
    ...REMOVAL_FLAGS,
    JSON_FLAG,
  ],
  examples: [
    ["tracefork rm latest", "the run that went wrong"],
    ["tracefork rm 3f2a nightly --yes", "several, in a script"],
    ["tracefork rm 3f2a --with-branches --dry-run", "what would go"],
  ],
  run,
};
