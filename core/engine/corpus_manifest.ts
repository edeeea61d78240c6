/**
 * Which tapes make a corpus: those that its `corpus.json` names, else every `*.tape` in the folder. docs/ci.md has
 * the manifest's fields. Whatever is not as it should be is refused: a gate that overlooks a mistyped field replays
 * something else than was meant.
 */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join, normalize, resolve } from "node:path";
import { messageOf, TraceforkError } from "../base/errors.ts";

export const MANIFEST = "corpus.json";

/** One tape, and how to replay it. */
export interface CorpusEntry {
  /** As the manifest names it, relative to the corpus' folder. */
  readonly tape: string;
  /** Replaces the recorded command; empty for the recorded one. */
  readonly command: readonly string[];
  /** Where the command runs, as a whole path; undefined for where tracefork was started. */
  readonly cwd: string | undefined;
  /** Variables besides those of the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** See the head of this file. */
export interface Corpus {
  readonly folder: string;
  /** In the order of the manifest, else by name. Never empty. */
  readonly entries: readonly CorpusEntry[];
  /** Tapes in the folder that the manifest does not name. */
  readonly unlisted: readonly string[];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Checks the parsed manifest field by field. */
class ManifestReader {
  readonly #path: string;
  readonly #folder: string;

  constructor(path: string, folder: string) {
    this.#path = path;
    this.#folder = folder;
  }

  entries(manifest: unknown): CorpusEntry[] {
    if (!isObject(manifest)) this.#refuse("the whole of it", manifest, 'an object, {"tapes": [...]}');
    this.#onlyKnown("", manifest, ["tapes"]);
    const { tapes } = manifest;
    if (!Array.isArray(tapes) || tapes.length === 0) {
      this.#refuse("tapes", tapes, 'a list of at least one {"tape": "NAME.tape"}');
    }
    return tapes.map((entry, i) => this.#entry(`tapes[${i}]`, entry));
  }

  #entry(at: string, entry: unknown): CorpusEntry {
    if (!isObject(entry)) this.#refuse(at, entry, 'an object, {"tape": "NAME.tape"}');
    this.#onlyKnown(`${at}.`, entry, ["tape", "command", "cwd", "env"]);
    const { tape, command = [], cwd, env = {} } = entry;
    if (typeof tape !== "string" || tape === "" || isAbsolute(tape)) {
      this.#refuse(`${at}.tape`, tape, "a file's path relative to the manifest's folder");
    }
    const isCommand = Array.isArray(command) && command.every((each) => typeof each === "string");
    if (!isCommand || command[0] === "" || ("command" in entry && command.length === 0)) {
      this.#refuse(`${at}.command`, command, "a list of texts, the program first");
    }
    if (
      cwd !== undefined && (typeof cwd !== "string" || isAbsolute(cwd) || !isFolder(join(this.#folder, cwd)))
    ) {
      this.#refuse(`${at}.cwd`, cwd, "a folder that is there, relative to the manifest's folder");
    }
    if (!isObject(env) || Object.values(env).some((value) => typeof value !== "string")) {
      this.#refuse(`${at}.env`, env, "an object of texts");
    }
    return {
      tape,
      command,
      cwd: cwd === undefined ? undefined : join(this.#folder, cwd),
      env: env as Record<string, string>,
    };
  }

  #onlyKnown(at: string, object: object, known: readonly string[]): void {
    const other = Object.keys(object).find((key) => !known.includes(key));
    if (other !== undefined) {
      this.#refuse(`${at}${other}`, "a field that is not known", `no other fields than ${known.join(", ")}`);
    }
  }

  #refuse(field: string, value: unknown, wanted: string): never {
    const text = value === undefined ? "missing" : JSON.stringify(value);
    const is = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    throw new TraceforkError("TF_USAGE", `Cannot read ${this.#path}: ${field} is ${is}, wanted ${wanted}`, {
      hint: "docs/ci.md has the manifest's fields",
    });
  }
}

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new TraceforkError("TF_USAGE", `Cannot read ${path}: ${messageOf(error)}, wanted JSON`, {
      hint: "docs/ci.md has the manifest's fields",
      cause: error,
    });
  }
}

/** Reads what is in the folder. @throws TraceforkError TF_USAGE for a bad manifest, and where there is no tape. */
export function readCorpus(folder: string): Corpus {
  if (!isFolder(folder)) {
    throw new TraceforkError("TF_USAGE", `Cannot verify the corpus ${folder}: there is no such folder`, {
      hint: "--corpus wants the folder that holds the tapes",
    });
  }
  const there = readdirSync(folder).filter((name) => /.\.tape$/.test(name)).sort();
  const path = resolve(folder, MANIFEST);
  if (existsSync(path)) {
    const entries = new ManifestReader(path, folder).entries(parse(path));
    const listed = new Set(entries.map(({ tape }) => normalize(tape)));
    return { folder, entries, unlisted: there.filter((name) => !listed.has(name)) };
  }
  if (there.length === 0) {
    throw new TraceforkError(
      "TF_USAGE",
      `Cannot verify the corpus ${folder}: it holds no *.tape and no ${MANIFEST}, and nothing proves nothing`,
      { hint: `record one with \`tracefork run -o ${join(folder, "NAME.tape")} -- <command…>\`` },
    );
  }
  const entries = there.map((tape) => ({ tape, command: [], cwd: undefined, env: {} }));
  return { folder, entries, unlisted: [] };
}
