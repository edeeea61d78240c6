/** `tracefork completions`: what a shell completes, made from the verbs' own files. */

import { EXIT, TraceforkError } from "../base/errors.ts";
import { bashCompletions, fishCompletions, zshCompletions } from "./completions/scripts.ts";
import type { Call, Io, Verb } from "./verb.ts";

const SHELLS = { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions } as const;

async function run(call: Call, io: Io): Promise<number> {
  const shell = call.args[0]!;
  if (!Object.hasOwn(SHELLS, shell)) {
    throw new TraceforkError("TF_USAGE", `Cannot make completions for ${JSON.stringify(shell)}`, {
      hint: `shells are ${Object.keys(SHELLS).join(", ")}`,
    });
  }
  const { loadVerbs } = await import("./verbs.ts");
  io.out(SHELLS[shell as keyof typeof SHELLS](await loadVerbs()));
  return EXIT.ok;
}

export const completionsVerb: Verb = {
  name: "completions",
  group: "more",
  summary: "print a shell's completions",
  usage: "<bash|zsh|fish>",
  args: ["<shell>"],
  about: "Completes verbs and their flags; after a flag or a tape's place, files.",
  flags: [],
  examples: [
    ["source <(tracefork completions bash)", "in ~/.bashrc"],
    ["tracefork completions fish > ~/.config/fish/completions/tracefork.fish", "for fish"],
  ],
  run,
};
