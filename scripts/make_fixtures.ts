/**
 * Makes the frozen tape of the present format in `tests/fixtures` again, an agent recorded on Node against the
 * embedded model server; and `format-99.tape`, the same file claiming to come from the future. Older formats' files
 * are frozen: no program writes them any more. For use until the first release; after that no file changes.
 *
 *   deno run -A scripts/make_fixtures.ts
 *
 * What names the machine (paths, host, process ids' marks) is replaced, and the seal computed again.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir, hostname, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { startModelServer } from "../core/provider/model_server.ts";
import { FORMAT } from "../core/tape/format.ts";
import { sealOf } from "../core/store/runs.ts";
import { createWasmCore } from "../wasm/mod.ts";
import { runtimes } from "./runtimes.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FIXTURES = join(ROOT, "tests", "fixtures");
const FOLDER = "/tmp/tracefork-fixture";
const MARK = JSON.stringify({ host: "fixture", pid: 1 });
const KEY = "sk-ant-fixture-0123456789abcdefXYZ";
const MAX_BYTES = 128 * 1024;

/** Records `tests/e2e/agents/growing.mjs` from a folder that says nothing of this repository. */
async function record(tape: string): Promise<void> {
  const { node } = await runtimes();
  const folder = mkdtempSync(join(tmpdir(), "tracefork-fixture-"));
  const server = await startModelServer({
    latencyMs: [1, 5],
    chunkDelayMs: [0, 1],
    errorRate: 0,
    gzipRate: 0,
  });
  try {
    copyFileSync(join(ROOT, "tests", "e2e", "agents", "growing.mjs"), join(folder, "growing.mjs"));
    const args = ["run", "-A", join(ROOT, "cli.ts"), "run", "-o", tape, "--name", "growing", "--capture"];
    // Not `spawnSync`: the server answers from this process.
    const child = spawn(process.execPath, [...args, "--", "node", "growing.mjs"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        PATH: [dirname(node), dirname(process.execPath)].join(delimiter),
        HOME: folder,
        DENO_DIR: process.env.DENO_DIR ?? join(process.env.HOME ?? "", ".cache", "deno"),
        TZ: "UTC",
        STEPS: "5",
        LINES: "25",
        ANTHROPIC_BASE_URL: server.url,
        ANTHROPIC_API_KEY: KEY,
      },
    });
    child.stdout.resume();
    const [status] = await once(child, "close");
    if (status !== 0) throw new Error(`Cannot record the fixture: exit ${status}`);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Takes this machine out of the tape: no path, host or process of it stays. */
function neutralise(path: string): void {
  const db = new DatabaseSync(path);
  const { key, about, fingerprint } = db.prepare("SELECT key, about, fingerprint FROM runs").get() as {
    key: number;
    about: string;
    fingerprint: Uint8Array;
  };
  const said = { ...JSON.parse(about), cwd: FOLDER, platform: "linux-x64" };
  db.prepare("UPDATE runs SET about = ?, writer = ?").run(JSON.stringify(said), MARK);
  db.prepare("UPDATE lanes SET mark = ?, argv = ?").run(
    MARK,
    JSON.stringify(["/usr/bin/node", `${FOLDER}/growing.mjs`]),
  );
  db.prepare("UPDATE runs SET seal = ?").run(sealOf(db, createWasmCore(), key, fingerprint));
  db.exec("PRAGMA journal_mode = DELETE; VACUUM");
  db.close();
}

/** The same tape as a much newer tracefork might leave it. */
function fromTheFuture(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("UPDATE meta SET value = '99' WHERE key = 'min_reader'; PRAGMA user_version = 99");
  db.close();
}

/** Throws where the tape holds what must not get into a repository. */
function refuseLeaks(path: string): void {
  const text = readFileSync(path, "latin1");
  for (const word of [KEY, ROOT, hostname(), homedir(), process.execPath, dirname(process.execPath)]) {
    // A short host name may well be a part of another word.
    if (word.length > 4 && text.includes(word)) throw new Error(`Cannot keep ${path}: ${word} is in it`);
  }
  const { size } = statSync(path);
  if (size > MAX_BYTES) throw new Error(`Cannot keep ${path}: ${size} bytes, ${MAX_BYTES} are enough`);
}

mkdirSync(FIXTURES, { recursive: true });
const first = join(FIXTURES, `format-${FORMAT}.tape`);
const future = join(FIXTURES, "format-99.tape");
for (const path of [first, future]) rmSync(path, { force: true });
await record(first);
neutralise(first);
refuseLeaks(first);
copyFileSync(first, future);
fromTheFuture(future);
for (const path of [first, future]) {
  chmodSync(path, 0o644);
  console.log(`${path.slice(ROOT.length + 1)}  ${statSync(path).size} bytes`);
}
