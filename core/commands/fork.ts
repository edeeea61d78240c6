/** `tracefork fork`: run a recorded command again up to a step, change the answer there, and record what follows. */

import { resolve } from "node:path";
import process from "node:process";
import { constants } from "node:os";
import { EXIT, TraceforkError } from "../base/errors.ts";
import { forkRun, outlineFork } from "../engine/fork_run.ts";
import { divergenceText } from "../report/receipt.ts";
import { findRun, parseTapeRef } from "../store/find.ts";
import { openDatabase } from "../store/database.ts";
import { locateStore } from "../store/locate.ts";
import { summarise } from "../store/summary.ts";
import { forkDocument, forkedLines, outlineDocument, outlineText } from "./fork/texts.ts";
import { readWishes } from "./fork/wishes.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

const TAILS = ["tape-first", "live", "offline"] as const;

function tailOf(call: Call): typeof TAILS[number] {
  const given = text(call, "tail") ?? "tape-first";
  const found = TAILS.find((tail) => tail === given);
  if (found !== undefined) return found;
  throw new TraceforkError(
    "TF_USAGE",
    `Cannot fork with --tail ${JSON.stringify(given)}: it is none of ${TAILS.join(", ")}`,
  );
}

function stallOf(call: Call): number {
  const seconds = Number(text(call, "stallAfter") ?? 3);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new TraceforkError(
    "TF_USAGE",
    "Cannot wait so long: --stall-after takes a positive number of seconds",
  );
}

async function run(call: Call, io: Io): Promise<number> {
  const json = on(call, "json");
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const ref = parseTapeRef(call.args[0] ?? "latest", io.cwd);
  const wishes = readWishes(ref.step, call.ordered ?? [], io.cwd);
  const tail = tailOf(call);
  const stallAfter = stallOf(call);
  const own = text(call, "output");
  const tape = findRun(ref.tape, where, text(call, "store"));
  try {
    const parent = tape.run.id;
    if (tape.run.about.command.length === 0 && (call.rest ?? []).length === 0) {
      throw new TraceforkError("TF_USAGE", `Cannot fork ${parent}: its tape names no command`, {
        hint: "give one: tracefork fork TAPE:STEP … -- <command…>",
      });
    }
    const path = own === undefined ? locateStore(where, text(call, "store")).path : resolve(io.cwd, own);
    const plan = {
      tape,
      wishes,
      tail,
      seed: text(call, "seed"),
      force: on(call, "force"),
      command: call.rest ?? [],
      cwd: io.cwd,
      env: io.env,
      path,
      ownFile: own !== undefined,
      overwrite: false,
      name: text(call, "name"),
      // With a document on stdout the command's output goes to stderr.
      capture: json || on(call, "capture"),
      showOutput: json ? process.stderr : undefined,
      stallAfter,
      onStart: (added: readonly string[]) => {
        if (on(call, "verbose")) { for (const each of added) io.note(`tracefork: added ${each}\n`); }
      },
    };
    if (on(call, "dryRun")) {
      const outline = outlineFork(plan);
      io.out(json ? document("fork", outlineDocument(outline, parent)) : outlineText(outline, parent));
      return EXIT.ok;
    }
    const forked = await forkRun(plan);
    const { recorded, divergence } = forked;
    if (json) io.out(document("fork", forkDocument(forked, path, parent)));
    if (recorded === undefined) {
      if (forked.interrupted) {
        io.note("tracefork: interrupted before the step: there is no branch\n");
        return EXIT.interrupted;
      }
      io.note(`tracefork: the fork diverged before step ${forked.outline.step}: there is no branch\n`);
      if (!json && divergence !== undefined) io.note(divergenceText(parent, divergence));
      return EXIT.diverged;
    }
    const { end, failure } = recorded;
    if (!on(call, "quiet")) {
      for (const line of forkedLines(forked, path)) io.note(`tracefork: ${line}\n`);
      const branch = openDatabase(path, "read");
      const { notHeld } = summarise(branch, recorded.run);
      branch.close();
      for (const { surface, count } of notHeld) {
        io.note(`tracefork: not held: ${surface} (${count} ×); a replay will refuse it\n`);
      }
    }
    if (failure !== undefined) {
      io.note(`tracefork: ${failure.message} (${failure.code})\n`);
      if (end.code === 0) return EXIT.checkFailed;
    }
    if (end.signal !== undefined) {
      return 128 + ((constants.signals as Record<string, number>)[end.signal] ?? 0);
    }
    return end.code ?? EXIT.checkFailed;
  } finally {
    tape.db.close();
  }
}

export const forkVerb: Verb = {
  name: "fork",
  group: "record and replay",
  summary: "run a command again up to a step, change the answer there, and record what follows",
  usage: "<tape:step> [CHANGE…] [--tail tape-first|live|offline] [--name NAME] [-- <command…>]",
  args: ["[tape:step]"],
  takesCommand: true,
  about:
    "Proves the tape, then runs the recorded command (or the one after --) from it up to the step, with every draw,\n" +
    "request and delivery checked as in a replay. At the step the program gets the changed answer; without a change\n" +
    "the recorded one. From there on it is a run of its own, the branch: its clock goes on from the recorded time, its\n" +
    "random values come from a seed that the branch keeps, and it can be replayed and forked again.\n" +
    "Behind the step, a request that the tape answers byte for byte is served from it for nothing; a new one is sent\n" +
    "for real, with the keys, proxies and base URLs that are set now, and may cost money. --tail offline sends nothing.\n" +
    "The exit code is the command's; 3 where it did something else before the step, and then there is no branch.",
  flags: [
    {
      flags: "--response <file>",
      help: "answer with this body, or with JSON {status, headers, body}",
      ordered: true,
    },
    { flags: "--text <text>", help: "let the model say this, and call no tool", ordered: true },
    {
      flags: "--edit <path=json>",
      help: "set a field of the recorded answer; repeat for more",
      ordered: true,
    },
    { flags: "--status <number>", help: "answer with this status", ordered: true },
    { flags: "--header <name=value>", help: "set a header of the answer; repeat for more", ordered: true },
    { flags: "--error <kind>", help: "fail with `reset` or `timeout` instead of answering", ordered: true },
    { flags: "--at <step>", help: "changes that follow are for this step; repeat for more", ordered: true },
    {
      flags: "--tail <how>",
      help: "`tape-first` (the default), `live` (send all), `offline` (send nothing)",
    },
    {
      flags: "--seed <text>",
      help: "draw other random values behind the step (default: made of parent and changes)",
    },
    { flags: "--force", help: "serve an answer that its provider could not have given" },
    { flags: "--dry-run", help: "say what would be reused and what may go live; run nothing" },
    { flags: "-o, --output <tape>", help: "write a tape file of its own instead of into the store" },
    STORE_FLAG,
    { flags: "--name <name>", help: "a name to find the branch by" },
    { flags: "--capture", help: "record output even on a terminal (the command then sees pipes)" },
    {
      flags: "--stall-after <seconds>",
      help: "give up when nothing happens before the step for so long (default 3)",
    },
    { flags: "-q, --quiet", help: "no line about the branch on stderr" },
    { flags: "-v, --verbose", help: "say what is added to the command" },
    { ...JSON_FLAG, help: "one JSON document on stdout; the command's output goes to stderr" },
  ],
  examples: [
    ["tracefork fork latest:3 --text 'no seats left'", "what if the model had said this?"],
    ["tracefork fork bug.tape:2 --status 529 --tail offline", "an overload, and nothing is sent"],
    ["tracefork fork nightly:5 -- node fixed.mjs", "from step 5 on, other code"],
    ["tracefork fork nightly:2 --edit 'content[0].input={\"seats\":0}'", "other arguments of a tool"],
  ],
  run,
};
