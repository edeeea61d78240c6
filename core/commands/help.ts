/** Help, made from the verbs' own files. */

import type { Verb } from "./verb.ts";

const GROUPS: readonly Verb["group"][] = ["record and replay", "look", "store", "more"];

/** The one screen that `tracefork` alone prints. */
export function overview(verbs: readonly Verb[]): string {
  const width = Math.max(...verbs.map((verb) => verb.name.length));
  const groups = GROUPS.map((group) => {
    const lines = verbs.filter((verb) => verb.group === group).map((verb) =>
      `    ${verb.name.padEnd(width)}  ${verb.summary}\n`
    );
    return `  ${group}\n${lines.join("")}`;
  });
  return [
    "tracefork: a time-travel debugger for AI agents\n",
    "  Records an agent's run, replays it bit-exact and offline, and proves it.\n",
    "\n",
    "  tracefork run -- deno run -A agent.ts     record\n",
    "  tracefork replay                          replay the latest run and prove it\n",
    "  tracefork show latest:3                   look at its fourth exchange\n",
    "\n",
    groups.join("\n"),
    "\n  tracefork help <verb> or <verb> --help tells more about each.\n",
  ].join("");
}

/** A verb's usage line. */
export function usageLine(verb: Verb): string {
  return `usage: tracefork ${verb.name} ${verb.usage}`.trimEnd();
}

/** `-h`: usage and flags. */
export function shortHelp(verb: Verb): string {
  const flags = [...verb.flags, { flags: "-h, --help", help: "-h short, --help full" }];
  const width = Math.max(...flags.map((flag) => flag.flags.length));
  const lines = flags.map((flag) => `  ${flag.flags.padEnd(width)}  ${flag.help}\n`);
  const alias = verb.aliases === undefined ? "" : `\n\nalso: ${verb.aliases.join(", ")}`;
  return `tracefork ${verb.name}: ${verb.summary}\n\n${usageLine(verb)}${alias}\n\n${lines.join("")}`;
}

/** `--help`: all there is to say. */
export function fullHelp(verb: Verb): string {
  const width = Math.max(...verb.examples.map(([command]) => command.length));
  const examples = verb.examples.map(([command, what]) => `  ${command.padEnd(width)}  # ${what}\n`);
  return `${shortHelp(verb)}\n${verb.about}\n\nexamples:\n${examples.join("")}`;
}
