/** Runs one random agent bare, as a child process on the runtime of the caller. */

import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { RUNTIME } from "../../core/base/runtime.ts";

const AGENT = fileURLToPath(new URL("./agent.mjs", import.meta.url));

/** A bare run: `hung` when it had to be killed. Times in ms, as the child's whole life took. */
export interface NativeRun {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
  readonly hung: boolean;
}

/** Arguments that run the agent of `seed` on this runtime. */
export function agentArguments(seed: number): string[] {
  return [...(RUNTIME === "deno" ? ["run", "-A"] : []), AGENT, String(seed)];
}

/** The command that runs `seed` by hand. */
export function agentCommand(seed: number, origin: string): string {
  return `ORIGIN=${origin} ${process.execPath} ${agentArguments(seed).join(" ")}`;
}

/** Runs the agent of `seed` against `origin`; kills it after `limit` ms. */
export function runNative(seed: number, origin: string, limit = 10_000): Promise<NativeRun> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, agentArguments(seed), {
      env: { ...process.env, ORIGIN: origin, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let hung = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
    const watchdog = setTimeout(() => {
      hung = true;
      child.kill("SIGKILL");
    }, limit);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(watchdog);
      resolve({ code: code ?? undefined, stdout, stderr, ms: performance.now() - started, hung });
    });
  });
}
