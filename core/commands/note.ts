/** `tracefork note`: what the user says about a run. */

import { EXIT, TraceforkError } from "../base/errors.ts";
import { printable } from "../report/table.ts";
import { openDatabase } from "../store/database.ts";
import { findRun, isFilePath } from "../store/find.ts";
import { setNote } from "../store/runs.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

function checkName(name: string, cwd: string): void {
  if (name === "" || !(/^latest(?:~\d+)?$/.test(name) || /:\d+$/.test(name) || isFilePath(name, cwd))) return;
  throw new TraceforkError(
    "TF_USAGE",
    `Cannot call a run ${JSON.stringify(name)}: that means something else`,
    {
      hint: "a name is neither `latest` nor a file's path, and does not end with a step",
    },
  );
}

async function run(call: Call, io: Io): Promise<number> {
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const found = findRun(call.args[0] ?? "latest", where, text(call, "store"));
  found.db.close();
  const { path, run: { id } } = found;
  const [note, name] = [call.args[1], text(call, "name")];
  if (name !== undefined) checkName(name, io.cwd);
  let { run } = found;
  if (note !== undefined || name !== undefined) {
    const db = openDatabase(path, "write");
    try {
      run = setNote(db, id, {
        note: note === undefined ? run.note : note || undefined,
        name: name === undefined ? run.name : name || undefined,
      });
    } finally {
      db.close();
    }
  }
  if (on(call, "json")) {
    io.out(document("note", { tape: id, name: run.name ?? null, note: run.note ?? null }));
  } else if (note === undefined && name === undefined) {
    if (run.note === undefined) io.note(`tracefork: run ${id} has no note\n`);
    else io.out(`${run.note.split("\n").map(printable).join("\n")}\n`);
  } else io.note(`tracefork: noted on ${id}${run.name === undefined ? "" : ` (${printable(run.name)})`}\n`);
  return await Promise.resolve(EXIT.ok);
}

export const noteVerb: Verb = {
  name: "note",
  group: "store",
  summary: "show or set a note on a run, or rename it",
  usage: "[tape] [TEXT] [--name NAME]",
  args: ["[tape]", "[text]"],
  about:
    "Without a text it prints the run's note. An empty text or name takes it away. Notes and names are no part of what\n" +
    "was recorded: fingerprint and seal stay.",
  flags: [STORE_FLAG, { flags: "--name <name>", help: "what the run is to be called" }, JSON_FLAG],
  examples: [
    ['tracefork note latest "asks twice for the same seat"', "say what is worth knowing"],
    ["tracefork note latest", "read it"],
    ["tracefork note 3f2a --name double-booking", "rename"],
  ],
  run,
};
