/**
 * How a command is started so that the preload runs in it: flags for Deno, variables for Bun and Node. The
 * variables reach the runtimes that a command starts in turn (`npm start`, `sh -c`, `npx`).
 */

import { basename } from "node:path";
import { ORDER_VARIABLES } from "../preload/orders.ts";

/** A command made ready. */
export interface Target {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables to add to the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What was added, in words, for `-v`. */
  readonly added: readonly string[];
}

/** What the preload has to reach. */
export interface Reach {
  readonly preload: string;
  /** Files that it reads and writes. */
  readonly files: readonly string[];
  /** A folder that it writes to, where there is one. */
  readonly folder: string | undefined;
}

/** Which runtime a command starts, by its file's name. */
export function runtimeOf(file: string): "deno" | "bun" | "node" | undefined {
  const name = basename(file).replace(/\.exe$/i, "").toLowerCase();
  if (name === "deno" || name === "bun" || name === "node") return name;
  if (name === "bunx") return "bun";
  return /^node-?\d+$/.test(name) ? "node" : undefined;
}

/** `deno run`'s permission flags, long and short. */
const ALL = /^(-A|--allow-all|-\w*A\w*)$/;

function grants(flags: readonly string[], long: string, short: string): boolean {
  return flags.some((flag) => ALL.test(flag) || flag === long || flag === short);
}

/** The flags that a Deno command lacks for what the preload has to reach: just these, no wider. */
function denoPermissions(flags: readonly string[], reach: Reach): string[] {
  const files = [...reach.files, ...(reach.folder === undefined ? [] : [reach.folder])].join(",");
  const out: string[] = [];
  if (!grants(flags, "--allow-read", "-R")) out.push(`--allow-read=${files}`);
  if (!grants(flags, "--allow-write", "-W")) out.push(`--allow-write=${files}`);
  if (!grants(flags, "--allow-env", "-E")) out.push(`--allow-env=${ORDER_VARIABLES.join(",")}`);
  return out;
}

/** Verbs that run a program and take `--preload`. */
const PRELOADED = new Set(["run", "serve", "test", "bench", "eval", "repl"]);
/** Verbs that run none of the user's code in this process, or start runtimes that inherit the variables. */
const OTHER_VERBS = new Set(
  ("add audit bundle cache check clean compile completions coverage create deploy doc fmt help info init install " +
    "jupyter lint lsp outdated publish remove sandbox task types uninstall update upgrade vendor x").split(
      " ",
    ),
);
/** Flags whose value may stand in the next argument. */
const WITH_VALUE = new Set([
  "-c",
  "--config",
  "--import-map",
  "--cert",
  "--lock",
  "--location",
  "--seed",
  "-L",
  "--log-level",
  "--ext",
  "--preload",
  "--import",
  "--require",
  "--conditions",
]);

/** Index of the first argument that is neither a flag nor a flag's value. */
function firstPlain(args: readonly string[]): number {
  for (let i = 0; i < args.length; i++) {
    if (WITH_VALUE.has(args[i]!)) i++;
    else if (!args[i]!.startsWith("-")) return i;
  }
  return args.length;
}

function denoTarget(file: string, args: readonly string[], reach: Reach): Target {
  const preload = `--preload=${reach.preload}`;
  const at = firstPlain(args);
  const verb = args[at];
  if (verb === undefined || OTHER_VERBS.has(verb)) return { file, args, env: {}, added: [] };
  // `deno agent.ts` is short for `deno run agent.ts`.
  const before = PRELOADED.has(verb) ? args.slice(0, at + 1) : ["run"];
  const rest = PRELOADED.has(verb) ? args.slice(at + 1) : args;
  const flags = rest.slice(0, firstPlain(rest));
  const permissions = verb === "eval" || verb === "repl" ? [] : denoPermissions(flags, reach);
  return {
    file,
    args: [...before, preload, ...permissions, ...rest],
    env: {},
    added: [preload, ...permissions],
  };
}

function quoted(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, "\\$&")}"` : path;
}

/** Makes `command` carry the preload. `env` is the environment that it will get. */
export function makeTarget(
  command: readonly string[],
  reach: Reach,
  env: Readonly<Record<string, string | undefined>>,
): Target {
  const [file, ...args] = command as [string, ...string[]];
  const add = (name: string, flag: string) => [env[name], flag].filter(Boolean).join(" ");
  const variables = {
    NODE_OPTIONS: add("NODE_OPTIONS", `--require ${quoted(reach.preload)}`),
    // Bun takes quotes around a whole word only.
    BUN_OPTIONS: add("BUN_OPTIONS", quoted(`--preload=${reach.preload}`)),
  };
  const told = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  if (runtimeOf(file) !== "deno") return { file, args, env: variables, added: told };
  const target = denoTarget(file, args, reach);
  return { ...target, env: variables, added: [...target.added, ...told] };
}
