/** Completion scripts for three shells. */

import type { Verb } from "../verb.ts";

const NAME = "tracefork";

const namesOf = (verb: Verb) => [verb.name, ...(verb.aliases ?? [])];

/** `-o` and `--output` of `-o, --output <file>`. */
function flagNames(flags: string): string[] {
  return flags.match(/(?<![\w-])--?[a-z][\w-]*/gi) ?? [];
}

function flagsOf(verb: Verb): { names: string[]; help: string }[] {
  const own = verb.flags.map(({ flags, help }) => ({ names: flagNames(flags), help }));
  return [...own, { names: ["-h", "--help"], help: "-h short, --help full" }];
}

/** In single quotes, for all three shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function bashCompletions(verbs: readonly Verb[]): string {
  const cases = verbs.map((verb) =>
    `    ${namesOf(verb).join("|")}) words=${
      quoted(flagsOf(verb).flatMap(({ names }) => names).join(" "))
    } ;;\n`
  );
  return `# ${NAME}: completions for bash
_${NAME}() {
  local word=\${COMP_WORDS[COMP_CWORD]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted([...verbs.flatMap(namesOf), "help"].join(" "))} -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join("")}  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
  esac
}
complete -o default -F _${NAME} ${NAME}
`;
}

/** \`_arguments\` reads brackets and colons. */
function zshText(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, "\\$&");
}

export function zshCompletions(verbs: readonly Verb[]): string {
  const described = verbs.flatMap((verb) =>
    namesOf(verb).map((name) => `    ${quoted(`${name}:${zshText(verb.summary)}`)}\n`)
  );
  const cases = verbs.map((verb) => {
    const specs = flagsOf(verb).flatMap(({ names, help }) =>
      names.map((name) => ` \\\n        ${quoted(`${name}[${zshText(help)}]`)}`)
    );
    return `    ${namesOf(verb).join("|")})\n      _arguments${specs.join("")} '*:file:_files' ;;\n`;
  });
  return `#compdef ${NAME}
# ${NAME}: completions for zsh
_${NAME}() {
  local -a verbs
  verbs=(
${described.join("")}  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join("")}  esac
}
compdef _${NAME} ${NAME}
`;
}

export function fishCompletions(verbs: readonly Verb[]): string {
  const text = (value: string) => `'${value.replaceAll(/[\\']/g, "\\$&")}'`;
  const lines = verbs.flatMap((verb) => {
    const names = namesOf(verb);
    const first = names.map((name) =>
      `complete -c ${NAME} -n __fish_use_subcommand -f -a ${name} -d ${text(verb.summary)}`
    );
    const flags = flagsOf(verb).map(({ names: spelled, help }) => {
      const spell = spelled.map((each) =>
        each.startsWith("--") ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`
      );
      const seen = `__fish_seen_subcommand_from ${names.join(" ")}`;
      return `complete -c ${NAME} -n ${text(seen)} ${spell.join(" ")} -d ${text(help)}`;
    });
    return [...first, ...flags];
  });
  return `# ${NAME}: completions for fish\n${lines.join("\n")}\n`;
}
