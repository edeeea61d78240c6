/** `tracefork export`: a run as a file of its own. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { readExchanges } from "../analyse/exchanges.ts";
import { harOf } from "../analyse/har.ts";
import { seedTapeOf } from "../analyse/seed_tape.ts";
import { EXIT, TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { proveRuns, treeOf, writeTape, writeText, writeWhole } from "../engine/export_run.ts";
import { bytesText } from "../report/units.ts";
import { findRun, type FoundRun } from "../store/find.ts";
import type { Run } from "../store/runs.ts";
import { writeSeedFile } from "../store/seed_file.ts";
import { tapeSource } from "../store/tape_reader.ts";
import { SEED_UNKNOWN, seedFingerprint, type SeedTape } from "../tape/seed.ts";
import type { Core } from "../../wasm/core.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { runJson } from "./export/json_view.ts";
import { Progress } from "./progress.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

/** Formats, and how a file of each is called where no name is given; without one it goes to stdout. */
const FORMATS = { tape: ".tape", seed: ".tape.sqlite", json: undefined, har: undefined } as const;
type Format = keyof typeof FORMATS;

interface Plan {
  readonly tape: FoundRun;
  readonly runs: readonly Run[];
  readonly core: Core;
}

function exchangesOf({ tape: { db }, core }: Plan, run: Run) {
  return readExchanges(tapeSource(db, core, run.key));
}

function seedOf(plan: Plan, run: Run): SeedTape {
  return seedTapeOf(run, exchangesOf(plan, run));
}

/** The text of a format that is text. */
function textOf(format: Format, plan: Plan): string {
  if (format === "har") return `${JSON.stringify(harOf(plan.runs[0]!, exchangesOf(plan, plan.runs[0]!)))}\n`;
  const runs = plan.runs.map((run) => {
    const found = exchangesOf(plan, run);
    return runJson(plan.tape.db, run, found, seedFingerprint(plan.core, seedTapeOf(run, found)));
  });
  return document("tape", { runs });
}

function write(format: Format, plan: Plan, path: string): void {
  if (format === "tape") writeTape(path, plan.tape.db, plan.runs);
  else if (format === "seed") writeSeedFile(path, plan.core, seedOf(plan, plan.runs[0]!));
  else writeText(path, textOf(format, plan));
}

function checkFormat(call: Call): Format {
  const format = text(call, "format") ?? "tape";
  if (!Object.hasOwn(FORMATS, format)) {
    throw new TraceforkError("TF_USAGE", `Cannot export as ${JSON.stringify(format)}`, {
      hint: `formats are ${Object.keys(FORMATS).join(", ")}`,
    });
  }
  if (on(call, "withBranches") && (format === "har" || format === "seed")) {
    throw new TraceforkError("TF_USAGE", `Cannot export branches as ${format}: it holds one run`, {
      hint: "tape and json hold a whole tree",
    });
  }
  return format as Format;
}

function fileOf(call: Call, io: Io, format: Format, run: Run): string | undefined {
  const named = text(call, "output");
  if (named !== undefined) return resolve(io.cwd, named);
  const ending = FORMATS[format];
  return ending === undefined ? undefined : resolve(io.cwd, `${run.id}${ending}`);
}

function tell(plan: Plan, format: Format, path: string, call: Call, io: Io): void {
  const { size } = statSync(path);
  const seed = format === "seed" ? seedFingerprint(plan.core, seedOf(plan, plan.runs[0]!)) : undefined;
  if (on(call, "json")) {
    io.out(document("export", {
      file: path,
      format,
      bytes: size,
      runs: plan.runs.map(({ id, name, parent, forkStep, fingerprint }) => ({
        id,
        name: name ?? null,
        parent: parent ?? null,
        fork_step: forkStep ?? null,
        fingerprint: fingerprint === undefined ? null : toHex(fingerprint),
      })),
      seed_fingerprint: seed ?? null,
      left_out: format === "seed" ? SEED_UNKNOWN : [],
    }));
    return;
  }
  const what = plan.runs.length === 1 ? plan.runs[0]!.id : `${plan.runs.length} runs`;
  io.out(`exported ${what} to ${path}, ${bytesText(size)}\n`);
  if (seed === undefined) return;
  io.out(`seed fingerprint ${seed}\n`);
  io.note(`tracefork: a tape of the Python original does not hold: ${SEED_UNKNOWN.join(", ")}\n`);
}

async function run(call: Call, io: Io): Promise<number> {
  const format = checkFormat(call);
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const tape = findRun(call.args[0] ?? "latest", where, text(call, "store"), true);
  const progress = new Progress(io);
  try {
    const path = fileOf(call, io, format, tape.run);
    if (path === undefined && on(call, "json")) {
      throw new TraceforkError("TF_USAGE", `Cannot write both ${format} and --json to stdout`, {
        hint: "name a file with -o",
      });
    }
    const runs = on(call, "withBranches") ? treeOf(tape.db, tape.run) : [tape.run];
    const plan: Plan = { tape, runs, core: createWasmCore() };
    proveRuns(tape.db, plan.core, runs, ({ id }) => progress.tell(`proving ${id}`));
    progress.tell("writing");
    if (path === undefined) io.out(textOf(format, plan));
    else {
      const from = { runs, source: tape.path, force: on(call, "force") };
      writeWhole(path, from, (beside) => write(format, plan, beside));
      progress.done();
      tell(plan, format, path, call, io);
    }
    return await Promise.resolve(EXIT.ok);
  } finally {
    progress.done();
    tape.db.close();
  }
}

export const exportVerb: Verb = {
  name: "export",
  group: "store",
  summary: "write a run, or a run with its branches, into a file of its own",
  usage: "[tape] [-o FILE] [--with-branches] [--format tape|json|har|seed]",
  args: ["[tape]"],
  about:
    "Proves the run, then writes a tape file with all that it needs and nothing of any other run: events, links,\n" +
    "fingerprint and seal are the same to the byte, so it verifies and replays as before. The same run makes the same\n" +
    "file. json is for reading; har for tools that know HAR 1.2; seed for the Python original, whose tapes keep less\n" +
    "(it says what). json and har go to stdout unless -o names a file; the others to ID.tape or ID.tape.sqlite.",
  flags: [
    STORE_FLAG,
    { flags: "-o, --output <file>", help: "the file to write" },
    { flags: "--with-branches", help: "with the branches that came of it, and theirs (tape and json)" },
    { flags: "--format <format>", help: "tape (the default), json, har or seed" },
    { flags: "--force", help: "replace the file; never one that holds other runs" },
    JSON_FLAG,
  ],
  examples: [
    ["tracefork export latest -o bug.tape", "a file to send around"],
    ["tracefork export 3f2a --with-branches -o tree.tape", "a run and all that was tried on it"],
    ["tracefork export --format har -o run.har", "for a HAR viewer"],
  ],
  run,
};
