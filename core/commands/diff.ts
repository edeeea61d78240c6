/** `tracefork diff`: where two runs begin to differ, and in what. */

import { type ComparedRun, diffRuns } from "../analyse/diff.ts";
import { parseIgnore } from "../analyse/ignore.ts";
import { kinshipOf } from "../analyse/kinship.ts";
import { EXIT, TraceforkError } from "../base/errors.ts";
import { diffJson } from "../report/diff_json.ts";
import { diffText, type DiffView } from "../report/diff_text.ts";
import { printable } from "../report/table.ts";
import { findRun, type FoundRun, parseTapeRef } from "../store/find.ts";
import { listRuns } from "../store/runs.ts";
import { summarise } from "../store/summary.ts";
import { outputOf, tapeSource } from "../store/tape_reader.ts";
import { verifyRun } from "../store/verify.ts";
import type { Core } from "../../wasm/core.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { type Call, document, type Io, JSON_FLAG, list, on, STORE_FLAG, text, type Verb } from "./verb.ts";

function findWhole(ref: string, call: Call, io: Io): FoundRun {
  const { tape, step } = parseTapeRef(ref, io.cwd);
  if (step !== undefined) {
    throw new TraceforkError("TF_USAGE", `Cannot compare ${ref}: whole runs are compared`, {
      hint: `leave :${step} out; \`tracefork show ${ref}\` shows the step`,
    });
  }
  return findRun(tape, { cwd: io.cwd, env: (name: string) => io.env[name] }, text(call, "store"));
}

function compared({ db, run }: FoundRun, core: Core): ComparedRun {
  const source = tapeSource(db, core, run.key);
  // Several comparisons go over them.
  const rows = source.events();
  const kept = (name: "stdin" | "stdout" | "stderr", stream: 0 | 1 | 2) =>
    run.about.captured.includes(name) ? outputOf(db, run.key, stream) : undefined;
  return {
    events: () => rows,
    body: source.body,
    output: { stdin: kept("stdin", 0), stdout: kept("stdout", 1), stderr: kept("stderr", 2) },
    exit: run.exitSignal ?? run.exitCode,
  };
}

/** Says what is wrong with a tape, and whether that is nothing. A comparison of altered tapes proves nothing. */
function checkIntact(side: string, { db, run }: FoundRun, core: Core, io: Io): boolean {
  const { intact, flaws } = verifyRun(db, core, run);
  if (intact) return true;
  const [first] = flaws;
  io.note(
    printable(
      `tracefork: ${side} (${run.id}) is damaged at step ${first!.step}: ${first!.message} (TF_TAPE_DAMAGED)`,
    ) +
      `\n  \`tracefork verify\` names every place\n`,
  );
  return false;
}

function viewOf(a: FoundRun, b: FoundRun, ignored: readonly string[], core: Core, io: Io): DiffView {
  const intact = [checkIntact("a", a, core, io), checkIntact("b", b, core, io)].every((each) => each);
  const [ofA, ofB] = [compared(a, core), compared(b, core)];
  const linked = ({ db, run }: FoundRun) => ({
    ...run,
    rows: tapeSource(db, core, run.key).events(),
  });
  const told = ({ db, run }: FoundRun) => ({
    id: run.id,
    name: run.name,
    state: run.state,
    command: run.about.command,
    draws: summarise(db, run).draws,
  });
  return {
    a: told(a),
    b: told(b),
    kinship: kinshipOf(core, linked(a), linked(b), [...listRuns(a.db), ...listRuns(b.db)]),
    diff: diffRuns(ofA, ofB, parseIgnore(ignored), core),
    ignored,
    intact,
  };
}

async function run(call: Call, io: Io): Promise<number> {
  const ignored = list(call, "ignore");
  // A rule that is no path is told of before any tape is looked for.
  parseIgnore(ignored);
  const [first, second] = call.args.length === 0
    ? ["latest~1", "latest"]
    : [call.args[0]!, call.args[1] ?? "latest"];
  const core = createWasmCore();
  const a = findWhole(first, call, io);
  try {
    const b = findWhole(second, call, io);
    try {
      const view = viewOf(a, b, ignored, core, io);
      const full = on(call, "full");
      io.out(
        on(call, "json")
          ? document("diff", diffJson(view, full))
          : diffText(view, { colour: io.colour, full }),
      );
      if (!view.intact) return EXIT.tape;
      return await Promise.resolve(view.diff.equal ? EXIT.ok : EXIT.diverged);
    } finally {
      b.db.close();
    }
  } finally {
    a.db.close();
  }
}

export const diffVerb: Verb = {
  name: "diff",
  group: "look",
  summary: "compare two runs: where they first differ, and in what",
  usage: "[a] [b] [--ignore PATH]… [--full] [--json]",
  args: ["[a]", "[b]"],
  about:
    "Aligns the steps of two runs and says where they first differ: in a request, a response, a draw, the order, the\n" +
    "output, the exit code, or by a step that one of them lacks. The first step that differs is shown in full, the others\n" +
    "with one line each, equal ones folded. JSON is compared by path, text word by word: [-only in a-] {+only in b+}.\n" +
    "Streamed answers are compared by what they say, and where that is equal, event by event and piece by piece. Of a run\n" +
    "and its branch it is said where they part, and proven by their chains. With one name it is compared with the latest\n" +
    "run, without any the latest two are.\n" +
    "\n" +
    "--ignore takes the path of a field of a body (usage, messages[*].id), a header (headers.date), one side\n" +
    "(request.body.model), or draws, draws.clock, output.stderr, exit, order, timers, response.chunks. * is any one key,\n" +
    "** any number of them. Paths are those that the comparison shows. With all ignored that differs, the runs are equal.\n" +
    "Times and process ids are never compared. Clock readings differ between any two recordings, so they are the first\n" +
    "difference only where there is no other. Exit code 0 when equal, 3 when different, 4 where a tape is damaged.",
  flags: [
    STORE_FLAG,
    { flags: "--ignore <path>", help: "leave this field out; may be given several times", many: true },
    { flags: "--full", help: "every difference of every step, nothing cut" },
    JSON_FLAG,
  ],
  examples: [
    ["tracefork diff", "the latest run with the one before it"],
    ["tracefork diff bug.tape latest", "a tape's file with the latest run"],
    ["tracefork diff a.tape b.tape --ignore headers.date --ignore draws", "but for these"],
    ["tracefork diff good bad --json | jq .first_difference", "for scripts"],
  ],
  run,
};
