/**
 * A corpus of three tapes, one a runtime, recorded once for a file of tests; each test gets a copy of it in its box:
 * the tapes in `work/tapes`, their agents beside that folder.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { answer, Box, type ReplayAnswer } from "./box.ts";
import { withModel } from "./model.ts";
import type { Ran, StartOptions } from "./process.ts";
import { told } from "./process.ts";
import { RUNTIMES } from "./runtimes.ts";

/** Asks once, after a draw, and prints the answer. Reads ANTHROPIC_BASE_URL. */
const AGENT = `
import process from "node:process";
const response = await fetch(process.env.ANTHROPIC_BASE_URL + "/v1/messages", {
  method: "POST",
  headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "any" },
  body: JSON.stringify({
    model: "claude-haiku-4-5-20251001",
    max_tokens: 100,
    messages: [{ role: "user", content: "order " + crypto.randomUUID() }],
  }),
});
console.log(response.status, (await response.json()).content[0].text);
`;

let made: Promise<Box> | undefined;

async function record(): Promise<Box> {
  const box = new Box();
  after(() => box.remove());
  mkdirSync(join(box.work, "tapes"));
  await withModel(async ({ env }) => {
    for (const runtime of RUNTIMES) {
      writeFileSync(join(box.work, `${runtime.name}.mjs`), AGENT);
      await box.record(`work/tapes/${runtime.name}.tape`, runtime.command(`${runtime.name}.mjs`), { env });
    }
  }, { errorRate: 0 });
  return box;
}

/** Puts a copy of the three tapes and their agents in a box. Returns the tapes' folder. */
export async function putCorpus(box: Box): Promise<string> {
  const { work } = await (made ??= record());
  cpSync(work, box.work, { recursive: true });
  return join(box.work, "tapes");
}

/** Writes the folder's manifest: a text as it is, anything else as JSON. */
export function writeManifest(folder: string, manifest: unknown): void {
  const text = typeof manifest === "string" ? manifest : JSON.stringify(manifest);
  writeFileSync(join(folder, "corpus.json"), text);
}

/** Runs the gate over the box's corpus. */
export function gate(
  box: Box,
  args: readonly string[] = [],
  options: Partial<StartOptions> = {},
): Promise<Ran> {
  return box.tracefork(["verify", "--corpus", "tapes", ...args], options);
}

/** The lines of the tapes, as `[file, verdict]`; what an exact one counts is left out. */
export function verdicts(ran: Ran): string[][] {
  const lines = ran.out.split("\n");
  const end = lines.indexOf("");
  return lines.slice(0, end).map((line) => line.trim().replace(/(EXACT) .*/, "$1").split(/ {2,}/));
}

export type CorpusTape = ReplayAnswer & {
  readonly file: string;
  readonly status: string;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
};

/** What `verify --corpus --json` says. */
export interface CorpusAnswer {
  readonly schema: string;
  readonly corpus: string;
  readonly exact: boolean;
  readonly interrupted: boolean;
  readonly tapes: readonly CorpusTape[];
  readonly unlisted: readonly string[];
  readonly totals: Readonly<Record<string, number>>;
}

/** Runs the gate with `--json`; it must end with `code`. */
export async function gateJson(box: Box, code: number, args: readonly string[] = []): Promise<CorpusAnswer> {
  const ran = await gate(box, ["--json", ...args]);
  assert.equal(ran.code, code, told(ran));
  return answer(ran);
}
