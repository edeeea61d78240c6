/**
 * The rules of the tree that no compiler holds: who may import whom, sizes, where the runtimes' own names may
 * stand, freshness of generated files, one version, nothing of this machine in the repository.
 *
 *   deno task check
 *
 * It reads text, not syntax trees: what is reached under a computed name (`g["De" + "no"]`) it can't see.
 */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, posix } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { SUITES } from "./test.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Paths from the repository's root, with `/`, and each file's text. */
export type Files = ReadonlyMap<string, string>;

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly message: string;
  /** Printed, but the check passes. */
  readonly warning?: true;
}

/** The import table of the design: what each folder may import besides itself; `types` only with `import type`. */
const TABLE: Readonly<Record<string, { readonly values: string; readonly types?: string }>> = {
  base: { values: "" },
  wasm: { values: "" },
  tape: { values: "base wasm" },
  store: { values: "base tape wasm" },
  session: { values: "base tape wasm" },
  seams: { values: "base tape session" },
  preload: { values: "base tape wasm store session seams" },
  provider: { values: "base tape" },
  launch: { values: "base tape store preload" },
  analyse: { values: "base tape wasm provider", types: "store" },
  engine: { values: "base tape wasm store session seams preload provider launch analyse" },
  report: { values: "base tape store analyse provider", types: "session" },
  ui: { values: "", types: "report" },
  commands: {
    values: "base tape wasm store session seams preload provider launch analyse engine report ui",
  },
  "cli.ts": { values: "base commands" },
  "mod.ts": {
    values: "base tape wasm store session seams preload provider launch analyse engine report commands",
  },
};

/** Folders whose code does no I/O: it imports neither packages nor built-in modules. */
const PURE = new Set(["base", "tape", "session", "analyse", "wasm"]);

const PRELOAD = "core/preload/main.ts";
/** The preload would take these before they are patched, and the agent's named imports would escape. */
const NOT_IN_PRELOAD = /^(?:node:)?(?:crypto|timers|https?)(?:\/|$)/;

const SIZE_ERROR = 600;
const SIZE_WARNING = 400;
const MEDIAN_LIMIT = 150;

function isProduct(file: string): boolean {
  return /^(?:core|wasm)\/|^(?:cli|mod)\.ts$/.test(file) && !file.startsWith("wasm/assembly/");
}

function isCode(file: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(file);
}

function isGenerated(file: string): boolean {
  return /_generated\.[jt]s$/.test(file);
}

/** Code that a person wrote and that ships or tests what ships. */
function isSource(file: string): boolean {
  return isCode(file) && !isGenerated(file) && !file.startsWith("tests/fixtures/");
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** Stands for each character within a string, a template's text or a regular expression. */
const INSIDE = "\uE000";
const TOKEN = /^#![^\n]*|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|(["'])(?:\\[^]|(?!\1)[^\\\n])*\1?|[`{}/]/g;
const TEMPLATE = /((?:\\[^]|\$(?!\{)|[^`\\$])*)(`|\$\{|$)/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^\\/[\n])+\//y;
/** What stands before a `/` that begins a regular expression; after anything else it divides. */
const BEFORE_REGEX =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|void|delete|throw|await|yield|else|do))$/;

/** The text with comments blanked and the contents of literals masked; every character keeps its place. */
export function maskSource(text: string): string {
  const cover = (part: string, stand: string) => part.replaceAll(/[^\n]/g, stand);
  const quoted = (part: string, ends = 1) =>
    part.slice(0, 1) + cover(part.slice(1, part.length - ends), INSIDE) + part.slice(part.length - ends);
  const match = (pattern: RegExp, from: number) => {
    pattern.lastIndex = from;
    return pattern.exec(text);
  };
  /** For each template that is open around this place, how many braces are open within its `${`. */
  const open: number[] = [];
  let [out, at] = ["", 0];
  const template = () => {
    const [all, inside = "", end] = match(TEMPLATE, at)!;
    out += cover(inside, INSIDE) + end;
    at += all.length;
    if (end === "${") open.push(0);
  };
  for (let found = match(TOKEN, 0); found !== null; found = match(TOKEN, at)) {
    const token = found[0];
    out += text.slice(at, found.index);
    at = found.index;
    const regex = token === "/" && BEFORE_REGEX.test(out.trimEnd()) ? match(REGEX, at)?.[0] : undefined;
    const whole = regex ?? token;
    at += whole.length;
    if (regex !== undefined) out += quoted(regex);
    else if (/^(?:#!|\/[/*])/.test(token)) out += cover(token, " ");
    else if (found[1] !== undefined) {
      out += quoted(token, token.length > 1 && token.endsWith(found[1]) ? 1 : 0);
    } else out += token;
    const last = open.length - 1;
    if (token === "`") template();
    else if (token === "{" && last >= 0) open[last]!++;
    else if (token === "}" && last >= 0 && open[last]!-- === 0) {
      open.pop();
      template();
    }
  }
  return out + text.slice(at);
}

interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly kind: "value" | "type" | "dynamic";
}

const QUOTED = `(?<quote>["'])(?<inside>${INSIDE}*)\\k<quote>`;
const STATIC = new RegExp(
  `(?<![\\w$.])(?:import|export)\\b(?<type>\\s+type\\b)?(?:[\\w$*{}\\s,]*?\\bfrom)?\\s*${QUOTED}`,
  "g",
);
const DYNAMIC = new RegExp(`(?<type>\\btypeof\\s+)?(?<![\\w$.])import\\s*\\(\\s*${QUOTED}`, "g");

/** What a file imports. `import { type A }` counts as a value: the module is loaded all the same. */
export function importsOf(text: string): Import[] {
  const masked = maskSource(text);
  const read = (pattern: RegExp, kind: "value" | "dynamic") =>
    [...masked.matchAll(pattern)].map((found): Import => {
      const { type, inside = "" } = found.groups!;
      const end = found.index + found[0].length - 1;
      const specifier = text.slice(end - inside.length, end);
      return { specifier, line: lineAt(text, end), kind: type === undefined ? kind : "type" };
    });
  return [...read(STATIC, "value"), ...read(DYNAMIC, "dynamic")];
}

/** The file that a relative specifier names; undefined for packages and built-in modules. */
function targetOf(file: string, specifier: string): string | undefined {
  return /^\.\.?\//.test(specifier) ? posix.join(posix.dirname(file), specifier) : undefined;
}

function folderOf(file: string): string {
  return /^core\/([^/]+)\//.exec(file)?.[1] ?? /^wasm(?=\/)/.exec(file)?.[0] ?? file;
}

/** The import table; that imported files exist; purity; the one place of `node:sqlite`. */
export function checkImports(files: Files): Violation[] {
  const out: Violation[] = [];
  for (const [file, text] of files) {
    if (!isProduct(file) || !isSource(file)) continue;
    const folder = folderOf(file);
    const row = TABLE[folder];
    if (row === undefined) {
      out.push({ file, line: 1, message: `${folder} is not in the import table of scripts/check.ts` });
      continue;
    }
    for (const { specifier, line, kind } of importsOf(text)) {
      const target = targetOf(file, specifier);
      if (target === undefined) {
        if (specifier === "node:sqlite" && file !== "core/store/database.ts") {
          out.push({ file, line, message: "node:sqlite may be imported in core/store/database.ts only" });
        } else if (PURE.has(folder)) {
          out.push({ file, line, message: `${folder} does no I/O: it may not import ${specifier}` });
        }
        continue;
      }
      if (!files.has(target)) out.push({ file, line, message: `${specifier} does not exist` });
      const other = folderOf(target);
      const allowed = `${row.values} ${kind === "type" ? row.types ?? "" : ""}`.trim();
      if (other === folder || allowed.split(" ").includes(other)) continue;
      const asType = row.types?.split(" ").includes(other) ? `, and ${other} with \`import type\`` : "";
      const may = allowed === "" ? "nothing" : allowed.replaceAll(" ", ", ");
      out.push({ file, line, message: `${folder} imports ${other}: it may import ${may}${asType}` });
    }
  }
  return out;
}

/** Files that load each other in a circle. Types and `import()` make no circle. */
export function checkCycles(files: Files): Violation[] {
  const out: Violation[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const text = files.get(file);
    if (text === undefined || !isCode(file) || isGenerated(file) || done.has(file)) return;
    for (const { specifier, line, kind } of importsOf(text)) {
      const target = targetOf(file, specifier);
      if (target === undefined || kind !== "value") continue;
      const around = [...path, file];
      const from = around.indexOf(target);
      if (from < 0) visit(target, around);
      else {
        const circle = [...around.slice(from), target];
        out.push({ file, line, message: `files import each other in a circle: ${circle.join(" → ")}` });
      }
    }
    done.add(file);
  };
  for (const file of files.keys()) visit(file, []);
  return out;
}

/** What the preload's bundle would hold: no package, and no built-in module that the seams patch. */
export function checkPreload(files: Files): Violation[] {
  if (!files.has(PRELOAD)) return [{ file: PRELOAD, line: 1, message: "the preload's entry is missing" }];
  const out: Violation[] = [];
  const graph = new Set([PRELOAD]);
  for (const file of graph) {
    for (const { specifier, line, kind } of importsOf(files.get(file) ?? "")) {
      if (kind === "type") continue;
      const target = targetOf(file, specifier);
      if (target !== undefined) graph.add(target);
      else if (NOT_IN_PRELOAD.test(specifier)) {
        // Later, in a function, it is right: by then the seams are in place.
        if (kind === "value") {
          out.push({ file, line, message: `the preload loads ${specifier} before it is patched` });
        }
      } else if (!/^(?:node|bun):/.test(specifier)) {
        out.push({
          file,
          line,
          message: `the preload holds the package ${specifier}: it may depend on none`,
        });
      }
    }
  }
  return out;
}

interface NameRule {
  readonly pattern: RegExp;
  readonly may: RegExp;
  readonly message: string;
}

const MEMBER = "\\s*(?:\\?\\.|\\.|\\[)";
const GLOBAL = "(?:globalThis|\\(\\s*globalThis\\s+as\\b[^;=]*?\\))";
const STEP = "\\s*[!?]?(?:\\.\\s*[\\w$]+|\\[[^\\]]*\\])";
const ASSIGN = "(?:\\*\\*|<<|>>>?|&&|\\|\\||\\?\\?|[-+*/%&|^])?=(?![=>])";
const NAME_RULES: readonly NameRule[] = [
  {
    // `globalThis.Deno` and a destructured `{ Deno } = globalThis` are the same access.
    pattern: new RegExp(
      `(?<![\\w$])(?:Deno|Bun)[!)]*${MEMBER}|\\.\\s*(?:Deno|Bun)\\b|\\{[^{}]*\\b(?:Deno|Bun)\\b[^{}]*\\}\\s*=\\s*\\(?globalThis`,
      "g",
    ),
    may: /^core\/base\/runtime\.ts$|^core\/(?:seams|preload)\//,
    message: "`Deno` and `Bun` may be touched in core/base/runtime.ts, core/seams and core/preload only",
  },
  {
    pattern: new RegExp(`(?<![\\w$])console${MEMBER}`, "g"),
    may: /^core\/preload\/|^core\/commands\/demo\/agent\.ts$|^scripts\//,
    message: "`console` may be used in core/preload, the demo's agent, scripts and tests only",
  },
  {
    pattern: new RegExp(
      `(?<![\\w$.])${GLOBAL}(?:${STEP})+\\s*${ASSIGN}|(?<![\\w$.])delete\\s+${GLOBAL}|` +
        `\\b(?:Object\\.(?:assign|definePropert(?:y|ies))|Reflect\\.(?:set|defineProperty|deleteProperty))` +
        `\\(\\s*globalThis\\s*,`,
      "g",
    ),
    // The agents that the bench measures are programs of their own.
    may: /^core\/seams\/registry\.ts$|^core\/preload\/main\.ts$|^scripts\/bench\//,
    message: "the global object may be changed in core/seams/registry.ts and core/preload/main.ts only",
  },
];

/** Where the runtimes' names, the console and changes of the global object may stand. Tests are free. */
export function checkNames(files: Files): Violation[] {
  const out: Violation[] = [];
  for (const [file, text] of files) {
    if (!isSource(file) || file.startsWith("tests/") || file.startsWith("wasm/assembly/")) continue;
    const masked = maskSource(text);
    for (const { pattern, may, message } of NAME_RULES) {
      if (may.test(file) || (pattern === NAME_RULES[0]!.pattern && file.startsWith("scripts/"))) continue;
      for (const { index } of masked.matchAll(pattern)) {
        out.push({ file, line: lineAt(text, index), message });
      }
    }
  }
  return out;
}

function lineCount(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

/** Lines of the middle file of what ships, smallest to largest. */
export function medianSize(files: Files): number {
  const sizes = [...files].filter(([file]) => isProduct(file) && isSource(file)).map(([, text]) =>
    lineCount(text)
  );
  sizes.sort((a, b) => a - b);
  return sizes[Math.floor(sizes.length / 2)] ?? 0;
}

/** Files that grew too large, as violations or, from 400 lines on, as warnings; and the median. */
export function checkSizes(files: Files): Violation[] {
  const out: Violation[] = [];
  for (const [file, text] of files) {
    const lines = isSource(file) ? lineCount(text) : 0;
    if (lines > SIZE_ERROR) {
      out.push({ file, line: 1, message: `${lines} lines, the limit is ${SIZE_ERROR}` });
    } else if (lines > SIZE_WARNING) {
      out.push({
        file,
        line: 1,
        message: `${lines} lines, more than ${SIZE_WARNING} is a smell`,
        warning: true,
      });
    }
  }
  const median = medianSize(files);
  if (median > MEDIAN_LIMIT) {
    out.push({
      file: "core",
      line: 1,
      message: `the median file has ${median} lines, the limit is ${MEDIAN_LIMIT}`,
    });
  }
  return out;
}

/** One version, in deno.json and in core/base/version.ts. */
export function checkVersion(files: Files): Violation[] {
  const file = "core/base/version.ts";
  const text = files.get(file) ?? "";
  const found = /\bVERSION(?::\s*string)?\s*=\s*"([^"]*)"/.exec(text);
  const { version } = JSON.parse(files.get("deno.json") ?? "{}") as { version?: string };
  if (found !== null && found[1] === version) return [];
  const line = lineAt(text, found?.index ?? 0);
  return [{
    file,
    line,
    message: `the version is ${found?.[1] ?? "missing"}, in deno.json ${version ?? "missing"}`,
  }];
}

/** Test files that no suite of scripts/test.ts would run. */
export function checkSuites(files: Files): Violation[] {
  const tests = [...files.keys()].filter((file) =>
    /^tests\/(?!fixtures\/).*[._]test\.[cm]?[jt]sx?$/.test(file)
  );
  const runs = (file: string) =>
    SUITES.some(({ folder, match }) => folder === posix.dirname(file) && match.test(posix.basename(file)));
  return tests.filter((file) => !runs(file))
    .map((file) => ({ file, line: 1, message: "no suite of scripts/test.ts runs this file" }));
}

/** What must not get from this machine into the repository. */
export interface Machine {
  readonly paths: readonly string[];
  readonly hosts: readonly string[];
}

function quoteRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Registry hosts, paths of this machine, and marks of unfinished work, in any text file. */
export function checkWords(files: Files, machine: Machine): Violation[] {
  const paths = [...machine.paths.map(quoteRegExp), "/roo[t]", "/wor[k]", "/(?:home|Users)/[\\w.-]+"].join(
    "|",
  );
  const hosts = machine.hosts.map((host) => `|${quoteRegExp(host)}`).join("");
  const rules: readonly (readonly [RegExp, string])[] = [
    // In a locator, or as npm's own: plain words such as "the npm registry" are fine.
    [
      new RegExp(`//[\\w.-]*\\b(?:registry|npm)[\\w-]*\\.[\\w.-]+|"tar[b]all":${hosts}`, "gi"),
      "names a registry's host",
    ],
    [
      new RegExp(`(?<![\\w.$:}~*/-])(?:file://)?(?:${paths})(?=/|["'\`\\s]|$)`, "gm"),
      "names a path of one machine",
    ],
    [/\b(?:T[O]DO|F[I]XME)\b/g, "leaves work undone: do it, or open an issue"],
  ];
  const out: Violation[] = [];
  for (const [file, text] of files) {
    for (const [pattern, message] of rules) {
      for (const found of text.matchAll(pattern)) {
        out.push({ file, line: lineAt(text, found.index), message: `${found[0].trim()} ${message}` });
      }
    }
  }
  return out;
}

/** Generated files that were not made from the present sources. */
async function checkFresh(): Promise<Violation[]> {
  const out: Violation[] = [];
  const { committedWasmSourceHash, wasmSourceHash } = await import("./build_wasm.ts");
  if (committedWasmSourceHash() !== wasmSourceHash()) {
    out.push({ file: "wasm/core_generated.ts", line: 1, message: "is stale: run `deno task build`" });
  }
  const { preloadIsFresh } = await import("./build_preload.ts");
  if (!await preloadIsFresh()) {
    out.push({
      file: "core/launch/preload_generated.ts",
      line: 1,
      message: "is stale: run `deno task build`",
    });
  }
  return out;
}

/** The text files that git tracks or would track. */
function readTree(): Files {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const names = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).split("\0").filter((name) =>
    name !== ""
  );
  const files = new Map<string, string>();
  for (const name of [...new Set(names)].sort()) {
    if (!existsSync(join(ROOT, name))) continue;
    const text = readFileSync(join(ROOT, name), "utf8");
    if (!text.includes("\0")) files.set(name, text);
  }
  return files;
}

function thisMachine(): Machine {
  // A path of one step, such as /app, may well stand for something else.
  const paths = [ROOT, homedir()].filter((path) => path.split("/").length > 2);
  let registry = "";
  try {
    const answer = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8", stdio: "pipe" });
    registry = new URL(answer.trim()).host;
  } catch {
    console.error("check: npm can't be asked for its registry: only the known ones are looked for");
  }
  return { paths, hosts: registry === "" ? [] : [registry] };
}

async function main(): Promise<number> {
  const files = readTree();
  const checks = [checkImports, checkCycles, checkPreload, checkNames, checkSizes, checkVersion, checkSuites];
  const found = checks.flatMap((check) => check(files));
  found.push(...checkWords(files, thisMachine()), ...await checkFresh());
  found.sort((a, b) => a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line);
  for (const { file, line, message, warning } of found) {
    console.log(`${file}:${line}: ${warning ? "warning: " : ""}${message}`);
  }
  const violations = found.filter((each) => !each.warning).length;
  console.log(
    `check: ${files.size} files, median ${medianSize(files)} lines, ${violations} violations, ` +
      `${found.length - violations} warnings`,
  );
  return violations === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
