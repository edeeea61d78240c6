/** `tracefork ls`: the runs in the store. */

import { existsSync } from "node:fs";
import { EXIT } from "../base/errors.ts";
import { openDatabase } from "../store/database.ts";
import { locateStore } from "../store/locate.ts";
import { listRuns } from "../store/runs.ts";
import { summarise } from "../store/summary.ts";
import { formatTable } from "../report/table.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

async function run(call: Call, io: Io): Promise<number> {
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const { path } = locateStore(where, text(call, "store"));
  const db = existsSync(path) ? openDatabase(path, "read") : undefined;
  try {
    const runs = (db === undefined ? [] : listRuns(db)).map((each) => ({
      each,
      summary: summarise(db!, each),
    }));
    if (on(call, "json")) {
      io.out(document("ls", {
        runs: runs.map(({ each, summary }) => ({
          id: each.id,
          name: each.name ?? null,
          state: each.state,
          created: new Date(each.created / 1000).toISOString(),
          command: each.about.command,
          runtime: summary.runtime,
          exchanges: summary.exchanges,
          draws: summary.draws,
          bytes: summary.bytes,
          exit: each.exitSignal ?? each.exitCode ?? null,
          parent: each.parent ?? null,
          fork_step: each.forkStep ?? null,
        })),
      }));
      return EXIT.ok;
    }
    if (runs.length === 0) {
      io.note(`tracefork: no runs in ${path}; record one with \`tracefork run -- <command>\`\n`);
    }
    io.out(formatTable(
      ["id", "name", "state", "created", "exchanges", "draws", "exit", "runtime", "command"],
      runs.map(({ each, summary }) => [
        each.id,
        each.name ?? "",
        each.state,
        io.outIsTerminal
          ? new Date(each.created / 1000).toLocaleString("sv")
          : new Date(each.created / 1000).toISOString(),
        String(summary.exchanges),
        String(summary.draws),
        String(each.exitSignal ?? each.exitCode ?? ""),
        summary.runtime,
        each.about.command.join(" "),
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
  usage: "[--json]",
  args: [],
  about: "Lists every run with its state. Piped, it prints tab-separated rows without a header.",
  flags: [STORE_FLAG, JSON_FLAG],
  examples: [["tracefork ls", "all runs"], ["tracefork ls --json | jq -r '.runs[0].id'", "the latest id"]],
  run,
};
