/** The worker of `prove_apart.ts`: proves the bodies that it is told, and ends. */

import { parentPort, workerData } from "node:worker_threads";
import { createWasmCore } from "../../wasm/mod.ts";
import { BodyProver } from "./body_prover.ts";
import { openDatabase } from "./database.ts";
import type { ProofOrder } from "./prove_apart.ts";

const { path, bodies } = workerData as ProofOrder;
const db = openDatabase(path, "read");
try {
  parentPort!.postMessage([...new BodyProver(db, createWasmCore()).prove(new Map(bodies))]);
} finally {
  db.close();
}
