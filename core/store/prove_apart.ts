/**
 * Verification of a large run on two cores: half of its bodies are proven by a worker with a connection and a core
 * of its own. Both halves are contiguous, so that each shares beginnings within itself; what they have in common
 * beyond that is read twice. Where no worker can be started, all is done here.
 */

import { Worker } from "node:worker_threads";
import type { Core } from "../../wasm/core.ts";
import type { BodyRef } from "../tape/events.ts";
import { BodyProver } from "./body_prover.ts";
import type { Database } from "./database.ts";
import type { Run } from "./runs.ts";
import { type Verification, verifyEvents } from "./verify.ts";

/** Bytes of the file from which on a second core pays: a worker takes 30 to 60 ms to start. */
const LARGE = 24 * 1024 * 1024;

/** What a worker is told. */
export interface ProofOrder {
  readonly path: string;
  readonly bodies: readonly (readonly [name: string, body: BodyRef])[];
}

/** What it answers: by digest in hex, why a body is not what its digest says. */
export type ProofAnswer = readonly (readonly [name: string, flaw: string])[];

function bytesOf(db: Database): number {
  const row = db.prepare(
    "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()",
  ).get() as { bytes: number };
  return row.bytes;
}

/** As `verifyRun`. `large` is the size in bytes from which on a worker helps. */
export async function verifyOnBothCores(
  path: string,
  db: Database,
  core: Core,
  run: Run,
  prover: BodyProver = new BodyProver(db, core),
  large: number = LARGE,
): Promise<Verification> {
  const open = verifyEvents(db, core, run);
  const bodies = [...open.named];
  if (bodies.length < 2 || bytesOf(db) < large) return open.conclude(prover.prove(open.named));
  const half = Math.ceil(bodies.length / 2);
  const apart = inWorker({ path, bodies: bodies.slice(half) });
  // A worker that fails is noticed when it is waited for, below.
  apart.catch(() => {});
  const here = prover.prove(new Map(bodies.slice(0, half)));
  // The worker sees the file as it is now, which may not be as it is held still here: what it finds wrong is looked
  // at again.
  const sound = await apart.then((flaws) => flaws.length === 0, () => false);
  const there = sound ? [] : prover.prove(new Map(bodies.slice(half)));
  return open.conclude(new Map([...here, ...there]));
}

function inWorker(order: ProofOrder): Promise<ProofAnswer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./prove_worker.ts", import.meta.url), { workerData: order });
    worker.once("message", (answer: ProofAnswer) => {
      resolve(answer);
      void worker.terminate();
    });
    worker.once("error", reject);
    worker.once(
      "exit",
      (code) => reject(new Error(`Cannot prove apart: the worker ended with code ${code}`)),
    );
  });
}
