/** `tracefork ls`: the runs in the store. */

import { existsSync } from "node:fs";
import { EXIT } from "../base/errors.ts";
import { holdStill, openDatabase } from "../store/database.ts";
import { locateStore } from "../store/locate.ts";
import { listRuns, type Run } from "../store/runs.ts";
import { summarise } from "../store/summary.ts";
import { formatTable } from "../report/table.ts";
import { treeOrder } from "../report/tree.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

async function run(call: Call, io: Io): Promise<number> {
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const { path } = locateStore(where, text(call, "store"));
  const db = existsSync(path) ? openDatabase(path, "read") : undefined;
  try {
    if (db !== undefined) holdStill(db);
    const tree = on(call, "tree");
    const listed = db === undefined ? [] : listRuns(db);
    const placed = tree ? treeOrder(listed) : listed.map((run) => ({ run, prefix: "" }));
    const runs = placed.map(({ run, prefix }) => ({ each: run, prefix, summary: summarise(db!, run) }));
    const created = ({ created }: Run) => created === 0 ? undefined : new Date(created / 1000);
    if (on(call, "json")) {
      io.out(document("ls", {
        runs: runs.map(({ each, summary }) => ({
          id: each.id,
          name: each.name ?? null,
          state: each.state,
          created: created(each)?.toISOString() ?? null,
          command: each.about.command,
          runtime: summary.runtime,
          exchanges: summary.exchanges,
          draws: summary.draws,
          bytes: summary.bytes,
          exit: each.exitSignal ?? each.exitCode ?? null,
          parent: each.parent ?? null,
          fork_step: each.forkStep ?? null,
          note: each.note ?? null,
          imported: each.about.imported?.format ?? null,
        })),
      }));
      return EXIT.ok;
    }
    if (runs.length === 0) {
      io.note(`tracefork: no runs in ${path}; record one with \`tracefork run -- <command>\`\n`);
    }
    io.out(formatTable(
      [
        "id",
        ...(tree ? ["forked from"] : []),
        "name",
        "state",
        "created",
        "exchanges",
        "draws",
        "exit",
        "runtime",
        "command",
      ],
      runs.map(({ each, prefix, summary }) => [
        prefix + each.id,
        ...(tree ? [each.parent === undefined ? "" : `${each.parent}:${each.forkStep ?? 0}`] : []),
        each.name ?? "",
        each.state,
        (io.outIsTerminal ? created(each)?.toLocaleString("sv") : created(each)?.toISOString()) ?? "unknown",
        String(summary.exchanges),
        String(summary.draws),
        String(each.exitSignal ?? each.exitCode ?? ""),
        summary.runtime,
        each.about.imported === undefined
          ? each.about.command.join(" ")
          : `(imported from ${each.about.imported.file})`,
      ]),
      io,
    ));
    return await Promise.resolve(EXIT.ok);
  } finally {
    db?.close();
  }
}

export const lsVerb: Verb = {
  name: "ls",
  group: "look",
  summary: "list the runs in the store, newest first",
  usage: "[--tree] [--json]",
  args: [],
  about:
    "Lists every run with its state. With --tree a branch stands below the run that it was forked from, and says at\n" +
    "which step. Piped, it prints tab-separated rows without a header.",
  flags: [STORE_FLAG, { flags: "--tree", help: "branches below their parents" }, JSON_FLAG],
  examples: [["tracefork ls", "all runs"], ["tracefork ls --tree", "what was tried on which run"], [
    "tracefork ls --json | jq -r '.runs[0].id'",
    "the latest id",
  ]],
  run,
};
