/** Completions come from the verbs' own files, and the shells take them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { loadVerbs } from "../../core/commands/verbs.ts";
import { bashCompletions, fishCompletions, zshCompletions } from "../../core/commands/completions/scripts.ts";
import { type Box, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { which } from "../helpers/runtimes.ts";

const VERBS = await loadVerbs();

async function script(box: Box, shell: string): Promise<string> {
  const ran = await box.tracefork(["completions", shell]);
  assert.equal(ran.code, 0, told(ran));
  return ran.out;
}

for (
  const [shell, make] of [["bash", bashCompletions], ["zsh", zshCompletions], [
    "fish",
    fishCompletions,
  ]] as const
) {
  boxed(`${shell}: every verb and every long flag is in it`, async (box) => {
    const made = await script(box, shell);
    assert.equal(made, make(VERBS));
    for (const { name, flags } of VERBS) {
      assert.match(made, new RegExp(`\\b${name}\\b`));
      for (const flag of flags) {
        const long = /--([a-z-]+)/.exec(flag.flags)?.[1];
        if (long !== undefined) assert.ok(made.includes(shell === "fish" ? `-l ${long}` : `--${long}`), long);
      }
    }
    assert.notEqual(make(VERBS.slice(1)), made, "control: a verb that is missing is noticed");
    const path = which(shell);
    if (path === undefined) return;
    writeFileSync(box.path("completions"), made);
    const checked = await box.start([path, "-n", box.path("completions")]).done;
    assert.equal(checked.code, 0, told(checked));
  });
}

/** What bash offers for these words. */
async function offered(box: Box, ...words: string[]): Promise<string[]> {
  writeFileSync(box.path("completions"), await script(box, "bash"));
  const list = words.map((word) => `'${word}'`).join(" ");
  const ran = await box.start([
    "bash",
    "-c",
    `. '${
      box.path("completions")
    }'; COMP_WORDS=(tracefork ${list}); COMP_CWORD=${words.length}; _tracefork; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ]).done;
  assert.equal(ran.code, 0, told(ran));
  return ran.out.split("\n").filter((line) => line !== "");
}

boxed("bash completes verbs, and the flags of the verb", async (box) => {
  assert.deepEqual(await offered(box, "rep"), ["replay"]);
  assert.deepEqual((await offered(box, "export", "--f")).toSorted(), ["--force", "--format"]);
  assert.deepEqual(await offered(box, "rm", "--keep"), ["--keep-branches"]);
  assert.deepEqual(await offered(box, "ls", "--keep"), [], "not another verb's");
});

boxed("a shell that is not known is a usage error", async (box) => {
  assertFails(await box.tracefork(["completions", "tcsh"]), 2, "TF_USAGE");
  assertFails(await box.tracefork(["completions"]), 2, "TF_USAGE");
});
