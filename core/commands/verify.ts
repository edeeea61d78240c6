/** `tracefork verify`: prove tapes from their files, without their agents; with `--corpus`, with them. */

import { EXIT, messageOf, TraceforkError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { holdStill, openDatabase } from "../store/database.ts";
import { findRun } from "../store/find.ts";
import { locateStore } from "../store/locate.ts";
import { listRuns, type Run } from "../store/runs.ts";
import { BodyProver } from "../store/body_prover.ts";
import { verifyOnBothCores } from "../store/prove_apart.ts";
import type { Verification } from "../store/verify.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";
import { CORPUS_FLAGS, refuseCorpusFlags, verifyCorpus } from "./verify/corpus_gate.ts";

interface Outcome {
  readonly run: Run;
  readonly path: string;
  readonly found: Verification;
}

function describe({ run, found }: Outcome): string {
  const head = `${found.intact ? "intact " : "DAMAGED"}  ${run.id}${
    run.name === undefined ? "" : ` ${run.name}`
  }`;
  const cut = run.state === "complete" ? "" : `, ${run.state}: cut off after event ${found.events - 1}`;
  const counts = `${found.events} events, ${found.bodies} bodies, ${found.exchanges} exchanges${cut}`;
  const flaws = found.flaws.map((flaw) =>
    `    step ${flaw.step}${
      flaw.seq === undefined ? "" : `, lane ${flaw.lane} event ${flaw.seq}`
    }: ${flaw.message}\n`
  );
  return `  ${head}  ${counts}  ${toHex(found.fingerprint).slice(0, 16)}\n${flaws.join("")}`;
}

function asJson({ run, path, found }: Outcome) {
  return {
    tape: run.id,
    file: path,
    state: run.state,
    intact: found.intact,
    events: found.events,
    bodies: found.bodies,
    exchanges: found.exchanges,
    draws: found.draws,
    fingerprint: toHex(found.fingerprint),
    flaws: found.flaws.map(({ what, lane, seq, step, message }) => ({
      what,
      lane,
      seq: seq ?? null,
      step,
      message,
    })),
  };
}

async function run(call: Call, io: Io): Promise<number> {
  if (text(call, "corpus") !== undefined) return await verifyCorpus(call, io);
  refuseCorpusFlags(call);
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const core = createWasmCore();
  const outcomes: Outcome[] = [];
  const failures: { tape: string; code: string; message: string }[] = [];
  const wholeStore = call.options.store === true ||
    (call.args.length === 0 && text(call, "store") !== undefined);
  const check = async (name: string, act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof TraceforkError) || call.args.length <= 1) throw error;
      failures.push({ tape: name, code: error.code, message: messageOf(error) });
    }
  };
  if (wholeStore) {
    const { path } = locateStore(where, text(call, "store"));
    const db = openDatabase(path, "read");
    try {
      holdStill(db);
      const prover = new BodyProver(db, core);
      for (const each of listRuns(db)) {
        outcomes.push({ run: each, path, found: await verifyOnBothCores(path, db, core, each, prover) });
      }
    } finally {
      db.close();
    }
  } else {
    for (const name of call.args.length === 0 ? ["latest"] : call.args) {
      await check(name, async () => {
        const { db, path, run: found } = findRun(name, where, text(call, "store"), true);
        try {
          outcomes.push({ run: found, path, found: await verifyOnBothCores(path, db, core, found) });
        } finally {
          db.close();
        }
      });
    }
  }
  const intact = failures.length === 0 && outcomes.every(({ found }) => found.intact);
  if (on(call, "json")) {
    const tapes = outcomes.map(asJson);
    io.out(document("verify", { intact, ...(tapes.length === 1 ? tapes[0] : {}), tapes, failures }));
  } else {
    for (const outcome of outcomes) io.out(describe(outcome));
    for (const { tape, code, message } of failures) io.out(`  UNREADABLE  ${tape}  ${message} (${code})\n`);
    io.out(`  ${intact ? "RESULT: INTACT" : "RESULT: DAMAGED"}\n`);
  }
  return intact ? EXIT.ok : EXIT.tape;
}

export const verifyVerb: Verb = {
  name: "verify",
  group: "record and replay",
  summary: "prove tapes without their agents; with --corpus, replay a folder of them",
  usage: "[tape…] | --store [FILE] | --corpus DIR [--jobs N]",
  args: ["[tapes...]"],
  about:
    "Recomputes every link of the chain, every body's digest, the closing event and the seal, and names every place\n" +
    "that is wrong. Exit code 0 means intact, 4 damaged. `--store` without a tape takes every run of the store.\n" +
    "`--corpus` proves every tape of a folder and replays it too, several at a time, in the folder where you are: by\n" +
    "the folder's `corpus.json`, or each with its recorded command. Exit code 0 means that all are exact, 3 that one\n" +
    "is not, 4 that one is missing or damaged, whatever the others are. docs/ci.md shows it at work.",
  flags: [{ flags: "--store [file]", help: STORE_FLAG.help }, ...CORPUS_FLAGS, JSON_FLAG],
  examples: [
    ["tracefork verify bug.tape", "one tape"],
    ["tracefork verify --store", "everything in the store"],
    ["tracefork verify --corpus tapes", "a gate: replay every tape in the folder"],
  ],
  run,
};
