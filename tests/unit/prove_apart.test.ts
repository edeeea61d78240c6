/** A proof on two cores comes to what a proof on one comes to, with a real worker. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "../../core/store/database.ts";
import { BodyProver } from "../../core/store/body_prover.ts";
import { verifyOnBothCores } from "../../core/store/prove_apart.ts";
import { listRuns } from "../../core/store/runs.ts";
import { verifyRun } from "../../core/store/verify.ts";
import { createWasmCore } from "../../wasm/mod.ts";

/** A prover that counts what it is asked to prove. */
class CountingProver extends BodyProver {
  asked = 0;
  override prove(wanted: Parameters<BodyProver["prove"]>[0]): Map<string, string> {
    this.asked += wanted.size;
    return super.prove(wanted);
  }
}

async function compare(sql: string): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "tracefork-apart-"));
  try {
    const path = join(folder, "copy.tape");
    copyFileSync(new URL("../fixtures/format-2.tape", import.meta.url), path);
    const db = openDatabase(path, "write");
    db.exec(sql);
    const core = createWasmCore();
    const run = listRuns(db)[0]!;
    const prover = new CountingProver(db, core);
    const both = await verifyOnBothCores(path, db, core, run, prover, 0);
    assert.deepEqual(both, verifyRun(db, core, run));
    // The other half was proven elsewhere; what was wrong there was looked at again.
    assert.ok(prover.asked === Math.ceil(both.bodies / 2) || (prover.asked === both.bodies && !both.intact));
    db.close();
    return both.flaws.map(({ message }) => message);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a sound run is intact on both cores", async () => {
  assert.deepEqual(await compare(""), []);
});

test("damage in either half is named as on one core", async () => {
  assert.ok((await compare("UPDATE blobs SET size = size + 1")).length > 10);
  assert.ok((await compare("DELETE FROM blobs WHERE key = (SELECT max(key) FROM blobs)")).length > 0);
  assert.ok((await compare("DELETE FROM blobs WHERE key = 1")).length > 0);
});
