/**
 * The runtimes that agents are tested on, from TRACEFORK_TEST_DENO, TRACEFORK_TEST_BUN and TRACEFORK_TEST_NODE.
 * A missing one is a skip, except with CI set: then it fails.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

export interface Runtime {
  readonly name: "deno" | "bun" | "node";
  /** Path of the executable; undefined where it is missing. */
  readonly path: string | undefined;
  /** The command that runs an agent. */
  command(script: string, ...args: string[]): string[];
}

/** The path of an executable, as a shell would find it. */
export function which(name: string): string | undefined {
  const folders = name.includes("/") ? [""] : (process.env.PATH ?? "").split(delimiter);
  for (const folder of folders) {
    const path = folder === "" ? name : join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

function runtime(name: Runtime["name"], path: string | undefined, flags: readonly string[]): Runtime {
  return { name, path, command: (script, ...args) => [path ?? name, ...flags, script, ...args] };
}

/** The Deno that runs `cli.ts` and Deno agents. */
export const DENO = process.env.TRACEFORK_TEST_DENO || process.execPath;

export const RUNTIMES: readonly Runtime[] = [
  runtime("deno", which(DENO), ["run", "-A"]),
  runtime("bun", which(process.env.TRACEFORK_TEST_BUN || "bun"), []),
  runtime("node", which(process.env.TRACEFORK_TEST_NODE || "node"), []),
];

/** The runtime of this name. */
export function runtimeNamed(name: Runtime["name"]): Runtime {
  return RUNTIMES.find((each) => each.name === name)!;
}

/** Tools that some tests need, and how to see whether they work here: a container may forbid them. */
const TOOLS = {
  strace: ["strace", "-f", "-e", "trace=connect", "-o", "/dev/null", "true"],
  "a network namespace": ["unshare", "-rn", "true"],
  "a mount namespace": ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
} as const;

export type Need = Runtime | keyof typeof TOOLS;

/** Why a test that needs this can't run here; undefined where it can. */
export function lacks(need: Need): string | undefined {
  if (typeof need !== "string") return need.path === undefined ? `${need.name} is not installed` : undefined;
  const [file, ...args] = TOOLS[need];
  const { status, stderr, error } = spawnSync(file, args, { encoding: "utf8" });
  return status === 0 ? undefined : `${need} is not to be had: ${error?.message ?? stderr.trim()}`;
}
