/** `tracefork import`: bring runs of files into the store. */

import { resolve } from "node:path";
import { EXIT, messageOf, TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { type ImportedRun, importRuns } from "../engine/import_runs.ts";
import { printable } from "../report/table.ts";
import { parseRedactRules } from "../session/redact.ts";
import { locateStore } from "../store/locate.ts";
import { whyNotReplayable } from "../store/runs.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { Progress } from "./progress.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

interface FileOutcome {
  readonly file: string;
  readonly runs: readonly ImportedRun[];
  readonly failure: TraceforkError | undefined;
}

function describe({ file, runs, failure }: FileOutcome): string {
  if (failure !== undefined) return `  FAILED    ${file}  ${failure.message} (${failure.code})\n`;
  const lines = runs.map(({ run, outcome }) => {
    const name = run.name === undefined ? "" : ` ${printable(run.name)}`;
    const head = `  ${outcome === "there" ? "there    " : "imported "} ${run.id}${name}  ${
      printable(file)
    }\n`;
    const seed = run.about.imported?.seed_fingerprint;
    const why = whyNotReplayable(run);
    return head + (seed === undefined ? "" : `    seed fingerprint ${seed}\n`) +
      (why === undefined ? "" : `    not replayable: ${why}\n`);
  });
  return lines.join("") || `  empty     ${printable(file)}  it holds no run\n`;
}

function asJson({ file, runs, failure }: FileOutcome): object {
  return {
    file,
    error: failure === undefined ? null : { code: failure.code, message: failure.message },
    runs: runs.map(({ run, outcome }) => ({
      id: run.id,
      name: run.name ?? null,
      outcome,
      state: run.state,
      parent: run.parent ?? null,
      fork_step: run.forkStep ?? null,
      fingerprint: run.fingerprint === undefined ? null : toHex(run.fingerprint),
      seed_fingerprint: run.about.imported?.seed_fingerprint ?? null,
      replayable: whyNotReplayable(run) === undefined,
      why_not_replayable: whyNotReplayable(run) ?? null,
    })),
  };
}

async function run(call: Call, io: Io): Promise<number> {
  const redact = text(call, "redact") ?? "";
  try {
    parseRedactRules(redact);
  } catch (error) {
    throw new TraceforkError("TF_USAGE", messageOf(error), {
      hint: "rules are header:NAME, field:NAME and env:NAME with commas between them, or off",
    });
  }
  const { path: store } = locateStore({ cwd: io.cwd, env: (name) => io.env[name] }, text(call, "store"));
  const core = createWasmCore();
  const progress = new Progress(io);
  const outcomes: FileOutcome[] = [];
  for (const file of call.args) {
    const onRun = (done: number, of: number) => progress.tell(`importing ${file}: run ${done + 1} of ${of}`);
    try {
      const runs = importRuns({ path: resolve(io.cwd, file), store, redact, onRun }, core);
      outcomes.push({ file, runs, failure: undefined });
    } catch (error) {
      if (!(error instanceof TraceforkError) || call.args.length === 1) throw error;
      outcomes.push({ file, runs: [], failure: error });
    } finally {
      progress.done();
    }
  }
  if (on(call, "json")) io.out(document("import", { store, files: outcomes.map(asJson) }));
  else io.out(outcomes.map(describe).join(""));
  const codes = outcomes.map(({ failure }) => failure?.exitCode ?? EXIT.ok);
  return await Promise.resolve(Math.max(...codes));
}

export const importVerb: Verb = {
  name: "import",
  group: "store",
  summary: "bring tape files, tapes of the Python original, or HAR files into the store",
  usage: "<file…> [--store FILE] [--redact RULES]",
  args: ["<files...>"],
  about:
    "Takes each run of tracefork's tape files and stores under its own id, after proving it; tapes of the Python original\n" +
    "(.tape.sqlite, its store.db, or JSON); and HAR files. All of a file is imported or nothing. A run that is there\n" +
    "already is left alone; another run under the same id is refused. What another program recorded can be listed,\n" +
    "shown, verified and compared, but not replayed: its file does not keep what a replay needs, and the run says what\n" +
    "that is. Secrets are taken out of HAR files; a Python tape is kept to the byte, so that its fingerprint holds.",
  flags: [
    STORE_FLAG,
    {
      flags: "--redact <rules>",
      help: "more to redact in HAR files: header:NAME,field:NAME; `off` keeps secrets",
    },
    JSON_FLAG,
  ],
  examples: [
    ["tracefork import bug.tape", "a run that somebody sent"],
    ["tracefork import old/*.tape.sqlite", "tapes of the Python original"],
    ["tracefork import session.har", "what a browser's developer tools saved"],
  ],
  run,
};
