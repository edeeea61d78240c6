/** What `rm` and `prune` have in common: showing what goes, asking, removing, telling what was freed. */

import { EXIT, TraceforkError } from "../../base/errors.ts";
import { bytesText } from "../../report/units.ts";
import { printable } from "../../report/table.ts";
import { type Choice, type Removal, removeRuns } from "../../store/collect.ts";
import { type Database, openDatabase } from "../../store/database.ts";
import type { Run } from "../../store/runs.ts";
import { Progress } from "../progress.ts";
import { type Call, document, type Flag, type Io, on } from "../verb.ts";

/** Flags of whatever removes runs. */
export const REMOVAL_FLAGS: readonly Flag[] = [
  { flags: "--dry-run", help: "say what would go, and remove nothing" },
  { flags: "-y, --yes", help: "don't ask" },
];

function described(run: Run): string {
  const created = run.created === 0 ? "time unknown" : new Date(run.created / 1000).toISOString();
  const said = [run.id, run.name, created, run.about.command.join(" ")].filter((each) => each);
  return `  ${printable(said.join("  "))}\n`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Asks on a terminal. @throws TraceforkError TF_USAGE elsewhere. */
async function agreed(removal: Removal, io: Io): Promise<boolean> {
  if (removal.runs.length === 0) return true;
  const what = plural(removal.runs.length, "run");
  if (io.ask === undefined) {
    throw new TraceforkError(
      "TF_USAGE",
      `Cannot remove ${what} without --yes: there is no terminal to ask on`,
      {
        hint: "--dry-run says what would go; --yes removes it",
      },
    );
  }
  for (const run of removal.runs) io.note(described(run));
  const reply = await io.ask(`Remove ${what}, ${bytesText(removal.freed)}? [y/N] `);
  return /^\s*y(?:es)?\s*$/i.test(reply);
}

function tell(removal: Removal, dryRun: boolean, io: Io): void {
  const { runs, freed, collected, recording } = removal;
  for (const run of dryRun ? runs : []) io.out(described(run));
  const shared = collected === undefined ? 0 : collected.blobs + collected.lists + collected.bodies;
  io.out(
    `${dryRun ? "would remove" : "removed"} ${plural(runs.length, "run")} and ${
      plural(shared, "shared row")
    }, ` +
      `${dryRun ? "would free" : "freed"} ${bytesText(freed)}\n`,
  );
  if (recording === undefined) return;
  io.note(
    `tracefork: run ${recording} is being recorded: bodies that nobody needs stay until \`tracefork prune\`\n`,
  );
}

/**
 * Removes what `choose` picks, after asking. Returns the exit code. `fields` go into the `--json` document besides.
 */
export async function remove(
  schema: "rm" | "prune",
  path: string,
  choose: Choice,
  call: Call,
  io: Io,
  fields: (removal: Removal) => object = () => ({}),
): Promise<number> {
  const db: Database = openDatabase(path, "write");
  const progress = new Progress(io);
  const onEvents = (count: number) => progress.tell(`looking at what the runs need: ${count} events`);
  try {
    const dryRun = on(call, "dryRun");
    let chosen = choose;
    if (!dryRun && !on(call, "yes")) {
      const planned = removeRuns(db, choose, true, onEvents);
      progress.done();
      if (!await agreed(planned, io)) {
        io.note("tracefork: nothing was removed\n");
        return EXIT.checkFailed;
      }
      // What was shown goes, and nothing that has come since.
      const shown = new Set(planned.runs.map(({ id }) => id));
      chosen = (runs) => ({ runs: runs.filter(({ id }) => shown.has(id)) });
    }
    const removal = removeRuns(db, chosen, dryRun, onEvents);
    progress.done();
    if (!on(call, "json")) tell(removal, dryRun, io);
    else {
      const { runs, freed, collected, recording } = removal;
      io.out(document(schema, {
        dry_run: dryRun,
        removed: runs.map(({ id }) => id),
        freed_bytes: freed,
        collected: collected ?? null,
        recording: recording ?? null,
        ...fields(removal),
      }));
    }
    return EXIT.ok;
  } finally {
    progress.done();
    db.close();
  }
}
