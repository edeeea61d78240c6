/** A run as one JSON document for people and scripts: all that can be shown of it. It can't be imported again. */

import type { RunExchanges } from "../../analyse/exchanges.ts";
import type { Database } from "../../store/database.ts";
import { environmentOf, lanesOf, type Run, whyNotReplayable } from "../../store/runs.ts";
import { outputOf } from "../../store/tape_reader.ts";
import { toHex } from "../../base/hex.ts";
import { bodyJson } from "../show/body_text.ts";
import { drawRows, stepJson } from "../show/step_view.ts";

const BOTH = { request: true, response: true };

/** See the head of this file. */
export function runJson(db: Database, run: Run, found: RunExchanges, seedFingerprint: string): object {
  const time = (at: number | undefined) =>
    at === undefined || run.created === 0 ? null : new Date(at / 1000).toISOString();
  const hex = (bytes: Uint8Array | undefined) => bytes === undefined ? null : toHex(bytes);
  const stream = (name: "stdin" | "stdout" | "stderr", number: 0 | 1 | 2) =>
    run.about.captured.includes(name) ? bodyJson(outputOf(db, run.key, number)) : null;
  return {
    id: run.id,
    name: run.name ?? null,
    note: run.note ?? null,
    state: run.state,
    created: time(run.created),
    ended: time(run.ended),
    exit: run.exitSignal ?? run.exitCode ?? null,
    fingerprint: hex(run.fingerprint),
    seal: hex(run.seal),
    seed_fingerprint: seedFingerprint,
    parent: run.parent ?? null,
    fork_step: run.forkStep ?? null,
    replayable: whyNotReplayable(run) === undefined,
    about: run.about,
    processes: lanesOf(db, run.key),
    environment: environmentOf(db, run.key).map(({ name, value, secret }) => ({
      name,
      value: value ?? null,
      secret,
    })),
    early_draws: drawRows(found.early),
    exchanges: found.exchanges.map((each) => stepJson(run.id, each, BOTH)),
    output: { stdin: stream("stdin", 0), stdout: stream("stdout", 1), stderr: stream("stderr", 2) },
  };
}
