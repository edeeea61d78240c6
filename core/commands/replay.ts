/** `tracefork replay`: run a command again from its tape and prove that it did the same. */

import process from "node:process";
import { EXIT, TraceforkError } from "../base/errors.ts";
import { replayRun } from "../engine/replay_run.ts";
import { divergenceText, receiptText } from "../report/receipt.ts";
import { findRun, parseTapeRef } from "../store/find.ts";
import { whyNotReplayable } from "../store/runs.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

function secondsOf(value: string | undefined): number {
  if (value === undefined) return 3;
  const seconds = Number(value);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new TraceforkError(
    "TF_USAGE",
    `Cannot wait ${JSON.stringify(value)} seconds: it is no positive number`,
  );
}

async function run(call: Call, io: Io): Promise<number> {
  const speed = text(call, "speed");
  if (speed !== undefined && speed !== "recorded") {
    throw new TraceforkError(
      "TF_USAGE",
      `Cannot replay at speed ${JSON.stringify(speed)}: only \`recorded\` is known`,
      {
        hint: "without --speed a replay runs as fast as it can",
      },
    );
  }
  const match = text(call, "match");
  if (match !== undefined && match !== "strict") {
    throw new TraceforkError(
      "TF_USAGE",
      `Cannot match by ${JSON.stringify(match)}: only \`strict\` is known`,
    );
  }
  const stallAfter = secondsOf(text(call, "stallAfter"));
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const { tape: name } = parseTapeRef(call.args[0] ?? "latest", io.cwd);
  const tape = findRun(name, where, text(call, "store"));
  try {
    const why = whyNotReplayable(tape.run);
    if (why !== undefined) {
      throw new TraceforkError("TF_NOT_REPLAYABLE", `Cannot replay ${tape.run.id} bit by bit: ${why}`, {
        hint: "`tracefork show` and `tracefork verify` work on it; record the agent anew to replay it",
      });
    }
    if (tape.run.about.command.length === 0 && (call.rest ?? []).length === 0) {
      throw new TraceforkError("TF_USAGE", `Cannot replay ${tape.run.id}: its tape names no command`, {
        hint: "give one: tracefork replay TAPE -- <command…>",
      });
    }
    const result = await replayRun({
      tape,
      command: call.rest ?? [],
      cwd: io.cwd,
      env: io.env,
      recordedSpeed: speed === "recorded",
      liveDraws: false,
      stallAfter,
      showOutput: on(call, "output") ? process.stderr : undefined,
    });
    if (on(call, "json")) io.out(document("replay", result));
    else {
      io.out(receiptText(result, tape.run.about.command.join(" ")));
      if (result.divergence !== null) io.out(divergenceText(tape.run.id, result.divergence));
    }
    if (result.interrupted) {
      io.note("tracefork: interrupted: nothing is proven\n");
      return EXIT.interrupted;
    }
    return result.exact ? EXIT.ok : EXIT.diverged;
  } finally {
    tape.db.close();
  }
}

export const replayVerb: Verb = {
  name: "replay",
  group: "record and replay",
  summary: "run a command again from its tape, offline, and prove that it is the same",
  usage: "[tape] [--speed recorded] [--match strict] [-- <command…>]",
  args: ["[tape]"],
  takesCommand: true,
  about:
    "Proves the tape first, then runs the recorded command (or the one after --) with every answer, clock reading,\n" +
    "random value and timer from the tape. Nothing goes to the network. The receipt says what was compared; exit code\n" +
    "0 means exact, 3 means diverged.",
  flags: [
    STORE_FLAG,
    { flags: "--speed <speed>", help: "`recorded` keeps the recorded distances in time" },
    { flags: "--match <how>", help: "`strict` (the default): every request byte for byte" },
    { flags: "--stall-after <seconds>", help: "give up when nothing happens for so long (default 3)" },
    { flags: "--output", help: "show what the command writes, on stderr" },
    JSON_FLAG,
  ],
  examples: [
    ["tracefork replay", "the latest run"],
    ["tracefork replay bug.tape", "a tape file"],
    ["tracefork replay nightly --json | jq .exact", "for scripts"],
  ],
  run,
};
