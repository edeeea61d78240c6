/**
 * A test's own world: a folder, a home, a store, and `tracefork` in it. The folder goes when the test has
 * passed; a test that fails says where it is, so that its tape can be replayed.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type Ran, type Running, start, type StartOptions, told } from "./process.ts";
import { DENO, lacks, type Need, type Runtime, RUNTIMES } from "./runtimes.ts";

export const ROOT: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const CLI = join(ROOT, "cli.ts");
/** Deno keeps its npm cache under HOME, which tests replace. */
const DENO_DIR = process.env.DENO_DIR ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "deno");

/** Path of an agent in `tests/e2e/agents`. */
export function agent(name: string): string {
  return join(ROOT, "tests", "e2e", "agents", name);
}

type Options = Partial<StartOptions>;

/** See the head of this file. */
export class Box {
  readonly dir: string = mkdtempSync(join(tmpdir(), "tracefork-test-"));
  /** The environment that everything in the box gets. */
  readonly env: Record<string, string | undefined>;

  constructor() {
    const home = join(this.dir, "home");
    const work = join(this.dir, "work");
    mkdirSync(home);
    mkdirSync(work);
    this.env = {
      PATH: process.env.PATH,
      HOME: home,
      DENO_DIR,
      NO_COLOR: "1",
      TERM: "dumb",
      DENO_NO_UPDATE_CHECK: "1",
      TRACEFORK_STORE: join(this.dir, "store.db"),
    };
  }

  /** Takes the box away. */
  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** The folder that commands run in. */
  get work(): string {
    return join(this.dir, "work");
  }

  /** The store file. */
  get store(): string {
    return join(this.dir, "store.db");
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  /** Starts any command in the box. */
  start(command: readonly string[], options: Options = {}): Running {
    return start(command, { cwd: this.work, ...options, env: { ...this.env, ...options.env } });
  }

  /** Starts `tracefork` in the box. */
  startCli(args: readonly string[], options: Options = {}): Running {
    return this.start(cli(args), options);
  }

  /** Runs `tracefork` to its end. */
  tracefork(args: readonly string[], options: Options = {}): Promise<Ran> {
    return this.startCli(args, options).done;
  }

  /** Records a command into a file of its own and says where. The command must end with `code`. */
  async record(
    name: string,
    command: readonly string[],
    options: Options & { code?: number } = {},
  ): Promise<string> {
    const tape = this.path(name);
    const ran = await this.tracefork(["run", "-o", tape, "--", ...command], options);
    assert.equal(ran.code, options.code ?? 0, told(ran));
    return tape;
  }

  /** Replays with `--json` and reads the answer. */
  async replay(tape: string, args: readonly string[] = [], options: Options = {}): Promise<Replayed> {
    const ran = await this.tracefork(["replay", tape, "--json", ...args], options);
    return { ran, ...answer<ReplayAnswer>(ran) };
  }
}

/** The command line that runs `tracefork` from its sources. */
export function cli(args: readonly string[]): string[] {
  return [DENO, "run", "-A", CLI, ...args];
}

/** The document that a verb printed with `--json`. */
export function answer<T>(ran: Ran): T {
  try {
    return JSON.parse(ran.out) as T;
  } catch {
    assert.fail(`no JSON document on stdout: ${told(ran)}`);
  }
}

interface Count {
  readonly recorded: number;
}

/** What `replay --json` says. */
export interface ReplayAnswer {
  readonly schema: string;
  readonly tape: string;
  readonly exact: boolean;
  readonly exchanges: Count & { readonly matched: number };
  readonly draws: Count & { readonly served: number };
  readonly deliveries: Count & { readonly released: number };
  readonly output: { readonly identical: boolean | null };
  readonly exit: { readonly recorded: number | string | null; readonly replayed: number | string | null };
  readonly fingerprint: { readonly recorded: string; readonly replayed: string };
  readonly network_calls: number;
  readonly cost_usd: number;
  readonly recorded_ms: number;
  readonly replayed_ms: number;
  readonly divergence: {
    readonly step: number;
    readonly kind: string;
    readonly cause: string;
    readonly expected: string;
    readonly got: string;
    readonly where: string;
    readonly hint: string;
    readonly nearest?: number;
  } | null;
}

export type Replayed = ReplayAnswer & { readonly ran: Ran };

/** A replay that proves all that it can prove. */
export function assertExact(replayed: Replayed): void {
  const shown = told(replayed.ran);
  assert.equal(replayed.divergence, null, shown);
  assert.equal(replayed.exact, true, shown);
  assert.equal(replayed.ran.code, 0, shown);
  assert.equal(replayed.exchanges.matched, replayed.exchanges.recorded, shown);
  assert.equal(replayed.draws.served, replayed.draws.recorded, shown);
  assert.equal(replayed.deliveries.released, replayed.deliveries.recorded, shown);
  assert.equal(replayed.fingerprint.replayed, replayed.fingerprint.recorded, shown);
  assert.match(replayed.fingerprint.recorded, /^[0-9a-f]{64}$/, shown);
  assert.equal(replayed.output.identical, true, shown);
  assert.deepEqual(replayed.exit.replayed, replayed.exit.recorded, shown);
  assert.equal(replayed.network_calls, 0, shown);
}

/** A replay that is no pass, found to be of this kind and cause. */
export function assertDiverged(replayed: Replayed, kind: string, cause: string): void {
  const shown = told(replayed.ran);
  assert.equal(replayed.exact, false, shown);
  assert.equal(replayed.ran.code, 3, shown);
  assert.ok(replayed.divergence, shown);
  assert.equal(`${replayed.divergence.kind} ${replayed.divergence.cause}`, `${kind} ${cause}`, shown);
}

/** A test with a box. Skipped where something that it needs is missing, unless CI is set. */
export function boxed(
  name: string,
  body: (box: Box, t: TestContext) => Promise<void>,
  needs: readonly Need[] = [],
): void {
  const missing = needs.map(lacks).find((each) => each !== undefined);
  if (missing !== undefined && !process.env.CI) {
    test(name, { skip: missing }, () => {});
    return;
  }
  test(name, async (t) => {
    assert.equal(missing, undefined);
    const box = new Box();
    try {
      await body(box, t);
    } catch (error) {
      console.error(`kept: ${box.dir}`);
      throw error;
    }
    box.remove();
  });
}

/** The same test on each runtime. */
export function onEachRuntime(
  name: string,
  body: (box: Box, runtime: Runtime, t: TestContext) => Promise<void>,
  needs: readonly Need[] = [],
): void {
  for (const runtime of RUNTIMES) {
    boxed(`${name} (${runtime.name})`, (box, t) => body(box, runtime, t), [runtime, ...needs]);
  }
}
