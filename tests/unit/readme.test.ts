/** The README's table of verbs and its usage lines are what the verbs' own files say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { EXIT, TraceforkError } from "../../core/base/errors.ts";
import { loadVerbs, VERBS as ENTRIES } from "../../core/commands/verbs.ts";

const VERBS = await loadVerbs();
const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** Cells of the table that begins with this header cell, without the header. */
function tableAfter(text: string, firstHeader: string): string[][] {
  const lines = text.slice(text.search(new RegExp(`^\\| ${firstHeader} +\\|`, "m"))).split("\n");
  const rows = lines.slice(0, lines.findIndex((line) => !line.startsWith("|")));
  return rows.slice(2).map((row) => row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
}

/** Lines of the README that are a verb's usage. */
function usageLines(text: string): string[] {
  const block = [...text.matchAll(/^```text\n([^]*?)^```$/gm)].map(([, inside]) => inside!)
    .find((inside) => inside.startsWith("tracefork run "));
  return (block ?? "").split("\n").filter((line) => line !== "");
}

const verbRows = () =>
  VERBS.map(({ name, aliases, summary }) => [
    [name, ...(aliases ?? [])].map((each) => `\`${each}\``).join(", "),
    summary.replaceAll("|", "\\|"),
  ]);

test("verbs are listed by the names that they have", () => {
  const names = (
    { name, aliases }: { name: string; aliases?: readonly string[] },
  ) => [name, ...(aliases ?? [])];
  assert.deepEqual(ENTRIES.map(names), VERBS.map(names));
});

test("the README's table of verbs is what the verbs say", () => {
  assert.deepEqual(tableAfter(README, "Verb"), verbRows());
});

test("the README's usage lines are what the verbs say", () => {
  assert.deepEqual(
    usageLines(README),
    VERBS.map(({ name, usage }) => `tracefork ${name} ${usage}`.trimEnd()),
  );
});

test("a README that lacks a verb, or says something else of it, is noticed", () => {
  const stale = README.replace(/^\| `ls`.*\n/m, "");
  assert.notDeepEqual(tableAfter(stale, "Verb"), verbRows());
  const other = README.replace("list the runs in the store", "list the tapes in the store");
  assert.notDeepEqual(tableAfter(other, "Verb"), verbRows());
});

test("the README tells every exit code that tracefork itself has", () => {
  const told = tableAfter(README, "Code").flatMap(([code]) => code!.split(", ").map(Number));
  const started = (["TF_COMMAND_NOT_EXECUTABLE", "TF_COMMAND_NOT_FOUND"] as const)
    .map((code) => new TraceforkError(code, "").exitCode);
  assert.deepEqual(told, [...Object.values(EXIT), ...started].toSorted((a, b) => a - b));
});
