/**
 * Where a bench runs: a folder of its own, the preload in it, the server beside it, and agents started in any
 * mode. The committed preload is what is measured, started by flags as `tracefork run` does it.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { PRELOAD_SOURCE } from "../../core/launch/preload_generated.ts";
import type { Runtimes } from "../runtimes.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const CLI = join(HERE, "../../cli.ts");

export type RuntimeName = keyof Runtimes;
/** How an agent runs: without tracefork, recorded, replayed. */
export type AgentMode = "bare" | "record" | "replay";

/** One start of an agent. */
export interface AgentStart {
  readonly runtime: RuntimeName;
  readonly mode: AgentMode;
  /** A file of this folder, or an absolute path. */
  readonly script: string;
  readonly args?: readonly (string | number)[];
  readonly tape?: string | undefined;
  /** A store to record into, where there is no tape. */
  readonly store?: string;
  /** Flags for the runtime itself. */
  readonly flags?: readonly string[];
  /** False leaves out the agent's own clock, so that nothing but tracefork is added to a bare start. */
  readonly clock?: boolean;
}

/** See the head of this file. */
export interface BenchPlace {
  readonly folder: string;
  readonly server: string;
  /** Runs an agent to its end; resolves to what it printed. @throws Error where it fails. */
  run(start: AgentStart): Promise<string>;
  /** Runs an agent by `tracefork run -o TAPE`. @throws Error where it fails. */
  runRecorded(start: Omit<AgentStart, "mode"> & { readonly tape: string }): Promise<string>;
  /** Tells the server who takes turns. */
  takeTurns(names: readonly string[]): Promise<void>;
  close(): void;
}

function environment(start: AgentStart): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) =>
    !/^(TRACEFORK_\w+|NODE_OPTIONS|BUN_OPTIONS)$/.test(name)
  );
  const env = Object.fromEntries(kept) as Record<string, string>;
  if (start.mode !== "bare") env.TRACEFORK_MODE = start.mode;
  if (start.tape !== undefined) env.TRACEFORK_TAPE = start.tape;
  if (start.store !== undefined) env.TRACEFORK_STORE = start.store;
  return env;
}

function commandLine(start: AgentStart, preload: string): string[] {
  const { runtime, mode, script, args = [], flags = [], clock = true } = start;
  const files = [...(clock ? [join(HERE, "clock.mjs")] : []), ...(mode === "bare" ? [] : [preload])];
  const loads = runtime === "deno"
    ? ["run", "-A", "--no-config", "--no-lock", ...files.map((file) => `--preload=${file}`)]
    : files.flatMap((file) => [runtime === "node" ? "--require" : "--preload", file]);
  return [...loads, ...flags, script.startsWith("/") ? script : join(HERE, script), ...args.map(String)];
}

/** Makes the place and starts the server, on Node whatever runs the agents. */
export async function openBenchPlace(runtimes: Runtimes): Promise<BenchPlace> {
  const folder = mkdtempSync(join(tmpdir(), "tracefork-bench-"));
  const preload = join(folder, "preload.cjs");
  writeFileSync(preload, PRELOAD_SOURCE);
  const child = spawn(runtimes.node, [join(HERE, "server.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(String(data).trim()));
    child.once(
      "close",
      (code) => reject(new Error(`Cannot start the bench's server: it ended with code ${code}`)),
    );
  });
  const server = `http://127.0.0.1:${port}`;

  const started = (file: string, args: readonly string[], start: AgentStart) =>
    new Promise<string>((resolve, reject) => {
      const agent = spawn(file, args, {
        env: environment(start),
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [out, err]: [string[], string[]] = [[], []];
      agent.stdout.on("data", (data) => out.push(String(data)));
      agent.stderr.on("data", (data) => err.push(String(data)));
      agent.once("error", reject);
      agent.once("close", (code, signal) => {
        if (code === 0) return resolve(out.join(""));
        const { script, runtime, mode } = start;
        const told = `${err.join("")}${out.join("")}`.trim().slice(-1_000);
        reject(
          new Error(
            `Cannot measure ${script} (${runtime}, ${mode}): it ended with ${code ?? signal}\n${told}`,
          ),
        );
      });
    });
  return {
    folder,
    server,
    run: (start) => started(runtimes[start.runtime], commandLine(start, preload), start),
    runRecorded(start) {
      const command = [
        runtimes[start.runtime],
        ...commandLine({ ...start, mode: "bare", clock: start.clock ?? false }, preload),
      ];
      const args = ["run", "-A", CLI, "run", "--quiet", "--force", "-o", start.tape, "--", ...command];
      return started(runtimes.deno, args, { ...start, mode: "bare" });
    },
    takeTurns: async (names) => void await (await fetch(`${server}/agents/${names.join(",")}`)).text(),
    close() {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
