/**
 * Runs the test suites on Deno, Bun and Node. The last line is `N passed, N failed`, summed over the runtimes.
 *
 *   deno task test                    the fast suites
 *   deno task test --slow             and tests/slow
 *   deno task test --filter TEXT      only files whose path has TEXT in it
 *
 * Nothing is skipped in silence: a missing runtime, a runner that died, was stopped, or left one of its files
 * without a test each count as a failure. Skipped tests count as neither passed nor failed and are shown.
 */

import { Buffer } from "node:buffer";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findRuntimes, type Runtimes } from "./runtimes.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Runners at a time: some tests watch the clock and don't bear a crowd. */
const AT_ONCE = 2;
const FAST_LIMIT_MS = 8 * 60_000;
const SLOW_LIMIT_MS = 90 * 60_000;
const SIGN_OF_LIFE_MS = 15_000;

export type RuntimeName = keyof Runtimes;

export interface Suite {
  readonly name: string;
  /** Which files of the folder: their base name must match. */
  readonly folder: string;
  readonly match: RegExp;
  readonly on: readonly RuntimeName[];
  readonly slow?: true;
  /** A runner for each file, so that long files can go side by side. */
  readonly split?: true;
}

const TEST = /\.test\.ts$/;
const EACH: readonly RuntimeName[] = ["deno", "bun", "node"];
/** Suites on Deno alone start the three runtimes themselves, as children. */
export const SUITES: readonly Suite[] = [
  { name: "unit", folder: "tests/unit", match: TEST, on: EACH },
  { name: "contract", folder: "tests/contract", match: TEST, on: EACH },
  { name: "generator", folder: "tests/generator", match: TEST, on: EACH },
  { name: "cli", folder: "tests/cli", match: TEST, on: ["deno"], split: true },
  { name: "e2e", folder: "tests/e2e", match: TEST, on: ["deno"], split: true },
  { name: "regressions", folder: "tests/regressions", match: TEST, on: ["deno"], split: true },
  { name: "ui", folder: "tests/ui", match: TEST, on: ["deno"], split: true },
  // The WASM core is engine code three times over; its build is the same everywhere.
  { name: "slow wasm", folder: "tests/slow", match: /^wasm_(?!build).*\.test\.ts$/, on: EACH, slow: true },
  {
    name: "slow",
    folder: "tests/slow",
    match: /^(?!wasm_(?!build)).*\.test\.ts$/,
    on: ["deno"],
    slow: true,
    split: true,
  },
];

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Files that the report names as holding a test, as paths from the repository's root. */
  readonly files: ReadonlySet<string>;
  /** Files that Node reports as a test themselves because they held none. */
  readonly empty: ReadonlySet<string>;
}

interface Case {
  readonly name: string;
  readonly file: string;
  outcome: "passed" | "failed" | "skipped";
}

const TAG = /<(\/?)([\w:-]+)((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>/g;

function attribute(attributes: string, name: string): string {
  const raw = new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return raw.replaceAll("&gt;", ">").replaceAll("&lt;", "<").replaceAll("&quot;", '"').replaceAll(
    "&amp;",
    "&",
  );
}

function readCases(xml: string): Case[] {
  const cases: Case[] = [];
  let open: Case | undefined;
  let suiteFile = "";
  for (const [, closing, tag, attributes = "", empty] of xml.replaceAll(/<!--[^]*?-->/g, "").matchAll(TAG)) {
    if (tag === "testsuite" && !closing) suiteFile = attribute(attributes, "name");
    else if (tag === "testcase" && !closing) {
      // Bun and Node name the file in `file`, Deno in the name of the suite.
      const file = attribute(attributes, "file") || suiteFile;
      open = { name: attribute(attributes, "name"), file, outcome: "passed" };
      cases.push(open);
    }
    if (open !== undefined && (tag === "failure" || tag === "error")) open.outcome = "failed";
    else if (open !== undefined && tag === "skipped" && open.outcome === "passed") open.outcome = "skipped";
    if (tag === "testcase" && (closing || empty)) open = undefined;
  }
  return cases;
}

/**
 * Counts the tests in a runner's JUnit report. A test that holds others counts through them, unless it failed
 * and none of them did. Node reports a file as a test when there was none in it or when it failed to load: the
 * first is no test, the second is a failure.
 */
export function countTests(xml: string, root = ROOT): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const files = new Set<string>();
  const empty = new Set<string>();
  const cases = readCases(xml);
  const holders = new Map<string, { failed: boolean }>();
  for (const { name, outcome } of cases) {
    const parts = name.split(" > ");
    for (let depth = 1; depth < parts.length; depth++) {
      const holder = parts.slice(0, depth).join(" > ");
      const failed = outcome === "failed" || (holders.get(holder)?.failed ?? false);
      holders.set(holder, { failed });
    }
  }
  for (const { name, file, outcome } of cases) {
    const path = relative(root, resolve(root, file));
    const isFile = TEST.test(name) && resolve(root, name) === resolve(root, file);
    if (!isFile) files.add(path);
    else if (outcome !== "failed") empty.add(path);
    const holder = holders.get(name);
    if (isFile ? outcome === "failed" : holder === undefined) counts[outcome]++;
    else if (holder !== undefined && outcome === "failed" && !holder.failed) counts.failed++;
  }
  return { ...counts, files, empty };
}

/**
 * Those of a run's files in which no test ran, told by what each runner says of it. Deno and Node report a test
 * under the file that calls `test`, which may be a helper.
 */
export function filesWithoutTest(
  runtime: RuntimeName,
  files: readonly string[],
  counts: Counts,
  output: string,
): string[] {
  if (runtime === "node") return files.filter((file) => counts.empty.has(file));
  if (runtime === "bun") return files.filter((file) => !counts.files.has(file));
  const ran = [...output.matchAll(/^running [1-9]\d* tests? from (?:\.\/)?(.+?)\r?$/gm)].map((found) =>
    found[1]
  );
  return files.filter((file) => !ran.includes(file));
}

interface Job {
  readonly name: string;
  readonly suite: Suite;
  readonly runtime: RuntimeName;
  readonly files: readonly string[];
}

interface Result {
  readonly counts: Counts;
  /** What went wrong beside failed tests. */
  readonly faults: readonly string[];
  readonly output: string;
  readonly seconds: number;
}

function filesOf(suite: Suite, filter: string): string[] {
  const folder = join(ROOT, suite.folder);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => suite.match.test(name)).sort();
  return names.map((name) => `${suite.folder}/${name}`).filter((file) => file.includes(filter));
}

function jobsOf(suite: Suite, files: readonly string[]): Job[] {
  const nameOf = (file: string) => `${suite.name}/${file.slice(suite.folder.length + 1).replace(TEST, "")}`;
  const shares = suite.split
    ? files.map((file) => ({ name: nameOf(file), files: [file] }))
    : [{ name: suite.name, files }].filter((share) => share.files.length > 0);
  return suite.on.flatMap((runtime) => shares.map((share) => ({ ...share, suite, runtime })));
}

/** Arguments that make a runner test just these files and report to `junit`. */
function argsFor(job: Job, junit: string): string[] {
  const files = job.files.map((file) => `./${file}`);
  switch (job.runtime) {
    case "deno":
      return ["test", "-A", "--no-check", `--junit-path=${junit}`, ...files];
    case "bun":
      // Its own limit of five seconds a test is not one that Deno and Node have.
      return ["test", "--timeout=300000", "--reporter=junit", `--reporter-outfile=${junit}`, ...files];
    case "node": {
      const reporters = ["spec", "stdout", "junit", junit];
      const flags = reporters.map((each, i) => `--test-reporter${i % 2 === 1 ? "-destination" : ""}=${each}`);
      return ["--test", "--test-concurrency=1", ...flags, ...files];
    }
  }
}

/** The tests' surroundings: the three runtimes, no colours, and none of the caller's settings of tracefork. */
function environment(found: Partial<Runtimes>): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined };
  for (const name of Object.keys(env)) if (name.startsWith("TRACEFORK_")) delete env[name];
  delete env.FORCE_COLOR;
  for (const name of EACH) if (found[name]) env[`TRACEFORK_TEST_${name.toUpperCase()}`] = found[name];
  return env;
}

/** Process groups of the runners that are at work. */
const running = new Set<ChildProcess>();

function killGroup(child: ChildProcess): boolean {
  try {
    return child.pid !== undefined && process.kill(-child.pid, "SIGKILL");
  } catch {
    return false; // Nothing of the group is left, which is what was wanted.
  }
}

function runJob(job: Job, program: string, env: Record<string, string | undefined>): Promise<Result> {
  const started = performance.now();
  const limit = job.suite.slow ? SLOW_LIMIT_MS : FAST_LIMIT_MS;
  const folder = mkdtempSync(join(tmpdir(), "tracefork-test-"));
  const junit = join(folder, "junit.xml");
  return new Promise((done) => {
    const output: Uint8Array[] = [];
    const faults: string[] = [];
    // A group of its own, so that whatever the tests started can be ended with it.
    const child = spawn(program, argsFor(job, junit), {
      cwd: ROOT,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    running.add(child);
    child.stdout.on("data", (bytes: Uint8Array) => output.push(bytes));
    child.stderr.on("data", (bytes: Uint8Array) => output.push(bytes));
    const timer = setTimeout(() => {
      faults.push(`stopped after ${limit / 1000} s`);
      killGroup(child);
    }, limit);
    const finish = (code: number | null, signal: string | null) => {
      clearTimeout(timer);
      running.delete(child);
      const counts = countTests(existsSync(junit) ? readFileSync(junit, "utf8") : "");
      rmSync(folder, { recursive: true, force: true });
      const text = Buffer.concat(output).toString();
      const empty = filesWithoutTest(job.runtime, job.files, counts, text);
      if (empty.length > 0) faults.push(`no test ran in ${empty.join(", ")}`);
      if (code !== 0 && counts.failed === 0) faults.push(`the runner ended with ${signal ?? `code ${code}`}`);
      const seconds = (performance.now() - started) / 1000;
      done({ counts, faults, output: text, seconds });
    };
    child.on("error", (error) => {
      faults.push(error.message);
      if (child.pid === undefined) finish(null, "an error at its start");
    });
    // Not "close" alone: a process that the tests left behind holds the pipes open for as long as it lives.
    child.on("exit", (code, signal) => {
      if (killGroup(child) && signal === null) output.push(Buffer.from("(ended processes left behind)\n"));
      child.on("close", () => finish(code, signal));
    });
  });
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function report(job: Job, result: Result): void {
  const { counts, faults, seconds } = result;
  const bad = counts.failed > 0 || faults.length > 0;
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  const sums = `${counts.passed} passed, ${counts.failed} failed${skipped}`;
  const head = `${bad ? "FAIL" : "ok  "}  ${`${job.name} on ${job.runtime}`.padEnd(30)}`;
  console.log(`${head} ${sums} in ${plural(job.files.length, "file")}, ${seconds.toFixed(1)} s`);
  if (!bad) return;
  console.log(`${"-".repeat(20)} output of ${job.name} on ${job.runtime}`);
  console.log(result.output.trimEnd());
  for (const fault of faults) console.log(`fault: ${fault}`);
  console.log("-".repeat(20));
}

/** Runs the jobs, two at a time, in their order; returns the sums. */
async function runAll(jobs: readonly Job[], found: Partial<Runtimes>): Promise<[number, number]> {
  const env = environment(found);
  const waiting = [...jobs];
  const active = new Map<Job, number>();
  let [passed, failed] = [0, 0];
  const life = setInterval(() => {
    const now = performance.now();
    const each = [...active].map(([job, since]) =>
      `${job.name} on ${job.runtime} (${((now - since) / 1000).toFixed(0)} s)`
    );
    console.log(`...   ${each.join(", ")}; ${plural(waiting.length, "run")} to go`);
  }, SIGN_OF_LIFE_MS);
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const program = found[job.runtime];
      if (program === undefined) {
        console.log(`FAIL  ${job.name} on ${job.runtime}: there is no ${job.runtime}`);
        failed++;
        continue;
      }
      active.set(job, performance.now());
      const result = await runJob(job, program, env);
      active.delete(job);
      report(job, result);
      passed += result.counts.passed;
      failed += result.counts.failed + result.faults.length;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  clearInterval(life);
  return [passed, failed];
}

/** Whether Deno's cache holds what npm says of each package in deno.json. */
function packagesAreKnown(deno: string): boolean {
  const { npmCache } = JSON.parse(execFileSync(deno, ["info", "--json"], { cwd: ROOT, encoding: "utf8" }));
  const { imports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { imports: object };
  const hosts = existsSync(npmCache) ? readdirSync(npmCache) : [];
  return Object.keys(imports).every((name) =>
    hosts.some((host) => existsSync(join(npmCache, host, name, "registry.json")))
  );
}

/**
 * Bun and Node find the npm packages in node_modules, which Deno makes. After a `deno task` in a fresh clone it is
 * there, but Deno doesn't know the packages' documents, and every program that imports one may print `Download …`
 * to stderr, now and then: not something to have in outputs that are compared. With `--reload` it fetches them.
 */
async function installPackages(deno: string): Promise<void> {
  if (existsSync(join(ROOT, "node_modules/fast-check")) && packagesAreKnown(deno)) return;
  console.log("installing npm packages, once");
  const args = ["install", "--quiet", "--reload"];
  const child = spawn(deno, args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
  const code = await new Promise((done, fail) => child.on("exit", done).on("error", fail));
  if (code !== 0) {
    throw new Error(`Cannot install the npm packages: \`deno install\` ended with code ${code}`);
  }
}

interface Options {
  readonly slow: boolean;
  readonly filter: string;
}

function readOptions(args: readonly string[]): Options {
  let [slow, filter] = [false, ""];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--slow") slow = true;
    else if (arg === "--filter" && args[i + 1] !== undefined) filter = args[++i]!;
    else if (arg.startsWith("--filter=")) filter = arg.slice("--filter=".length);
    else throw new Error(`Cannot run the tests: ${arg} is unknown; there are --slow and --filter TEXT`);
  }
  return { slow, filter };
}

async function main(args: readonly string[]): Promise<number> {
  let [passed, failed] = [0, 0];
  try {
    const { slow, filter } = readOptions(args);
    const found = await findRuntimes(console.log);
    for (const problem of found.problems) console.log(`FAIL  ${problem}`);
    if (found.deno !== undefined) await installPackages(found.deno);
    const suites = SUITES.filter((suite) => slow || !suite.slow);
    const jobs = suites.flatMap((suite) => jobsOf(suite, filesOf(suite, filter)));
    console.log(jobs.map((job) => `${job.name} on ${job.runtime}`).join(", ") || "no test file was found");
    [passed, failed] = await runAll(jobs, found);
    failed += found.problems.length > 0 && failed === 0 ? 1 : 0;
    if (passed + failed === 0) {
      console.log("FAIL  no test ran");
      failed = 1;
    }
  } catch (error) {
    console.log(`FAIL  ${error instanceof Error ? error.message : error}`);
    failed++;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      for (const child of running) killGroup(child);
      process.exit(signal === "SIGINT" ? 130 : 143);
    });
  }
  process.exitCode = await main(process.argv.slice(2));
}
