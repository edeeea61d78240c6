/** `tracefork run`: record a command. */

import { resolve } from "node:path";
import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { EXIT, TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { recordRun } from "../engine/record_run.ts";
import { parseRedactRules } from "../session/redact.ts";
import { openDatabase } from "../store/database.ts";
import { locateStore } from "../store/locate.ts";
import { summarise } from "../store/summary.ts";
import { type Call, document, type Io, on, STORE_FLAG, text, type Verb } from "./verb.ts";

function checkRules(redact: string): void {
  try {
    parseRedactRules(redact);
  } catch (error) {
    throw new TraceforkError("TF_USAGE", (error as Error).message, {
      hint: "rules are header:NAME, field:NAME and env:NAME with commas between them, or off",
    });
  }
}

async function run(call: Call, io: Io): Promise<number> {
  const command = call.rest ?? [];
  if (command.length === 0 || command[0] === "") {
    throw new TraceforkError("TF_USAGE", "Cannot record: no command was given after --", {
      hint: "for example: tracefork run -- node agent.mjs",
    });
  }
  const own = text(call, "output");
  const redact = text(call, "redact") ?? "";
  checkRules(redact);
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const path = own === undefined ? locateStore(where, text(call, "store")).path : resolve(io.cwd, own);
  const recorded = await recordRun({
    command,
    cwd: io.cwd,
    env: io.env,
    path,
    ownFile: own !== undefined,
    overwrite: on(call, "force"),
    name: text(call, "name") ?? io.env.TRACEFORK_NAME,
    redact,
    capture: on(call, "capture"),
    onStart: (added) => {
      if (on(call, "verbose")) { for (const each of added) io.note(`tracefork: added ${each}\n`); }
    },
  });
  const { run: made, end, loaded, failure } = recorded;
  const db = openDatabase(path, "read");
  const summary = summarise(db, made);
  db.close();
  const jsonFile = text(call, "json");
  if (jsonFile !== undefined) {
    writeFileSync(
      resolve(io.cwd, jsonFile),
      document("run", {
        id: made.id,
        name: made.name ?? null,
        file: path,
        state: made.state,
        exchanges: summary.exchanges,
        draws: summary.draws,
        bytes: summary.bytes,
        exit: { code: end.code ?? null, signal: end.signal ?? null },
        fingerprint: made.fingerprint === undefined ? null : toHex(made.fingerprint),
        error: failure === undefined ? null : { code: failure.code, message: failure.message },
      }),
    );
  }
  if (!on(call, "quiet")) {
    const how = made.state === "complete" ? "recorded" : `recorded (${made.state})`;
    io.note(
      `tracefork: ${how} ${made.id}: ${summary.exchanges} exchanges, ${summary.draws} draws in ${path}\n`,
    );
    if (!loaded) io.note("tracefork: nothing was recorded: the command started no Deno, Bun or Node\n");
    for (const { surface, count } of summary.notHeld) {
      io.note(`tracefork: not held: ${surface} (${count} ×); a replay will refuse it\n`);
    }
  }
  if (failure !== undefined) {
    io.note(`tracefork: ${failure.message} (${failure.code})\n`);
    if (end.code === 0) return EXIT.checkFailed;
  }
  if (end.signal !== undefined) {
    const number = (constants.signals as Record<string, number>)[end.signal] ?? 0;
    return 128 + number;
  }
  return end.code ?? EXIT.checkFailed;
}

export const runVerb: Verb = {
  name: "run",
  aliases: ["record"],
  group: "record and replay",
  summary: "record a command's run to a tape",
  usage: "[-o TAPE] [--store FILE] [--name NAME] [--redact RULES] [--capture] -- <command…>",
  args: [],
  takesCommand: true,
  about:
    "Starts the command with tracefork's preload in it and records every request, stream, clock reading, random\n" +
    "value and timer. The command's streams, signals and exit code pass through. What is piped is recorded too.\n" +
    "Secrets are taken out before anything is written.",
  flags: [
    { flags: "-o, --output <tape>", help: "write a tape file of its own instead of into the store" },
    STORE_FLAG,
    { flags: "--name <name>", help: "a name to find the run by" },
    {
      flags: "--redact <rules>",
      help: "more to redact: header:NAME,field:NAME,env:NAME; `off` writes secrets to disk",
    },
    { flags: "--capture", help: "record output and input even on a terminal (the command then sees pipes)" },
    { flags: "--force", help: "replace the file that -o names" },
    { flags: "--json <file>", help: "write a summary document to this file" },
    { flags: "-q, --quiet", help: "no line about the recording on stderr" },
    { flags: "-v, --verbose", help: "say what is added to the command" },
  ],
  examples: [
    ["tracefork run -- deno run -A agent.ts", "record a Deno agent"],
    ["tracefork run -o bug.tape -- bun agent.ts", "into a file to send around"],
    ["tracefork run --name nightly -- npm start", "record whatever runtime npm starts"],
  ],
  run,
};
