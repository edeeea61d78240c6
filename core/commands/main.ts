/**
 * The command line as a function of its arguments: finds the verb, parses its flags, runs it, and turns what
 * goes wrong into a message, a hint and an exit code.
 */

import { Command, CommanderError } from "commander";
import { EXIT, messageOf, TraceforkError } from "../base/errors.ts";
import { RUNTIME, RUNTIME_VERSION } from "../base/runtime.ts";
import { VERSION } from "../base/version.ts";
import { isSqliteError, storeError } from "../store/database.ts";
import { FORMAT } from "../tape/format.ts";
import { fullHelp, overview, shortHelp, usageLine } from "./help.ts";
import { nearestWord } from "./nearest_word.ts";
import type { Call, Io, Verb } from "./verb.ts";
import { loadVerbs, VERBS } from "./verbs.ts";

async function findVerb(name: string): Promise<Verb | undefined> {
  return await VERBS.find((verb) => verb.name === name || verb.aliases?.includes(name))?.load();
}

function unknownVerb(name: string): TraceforkError {
  const names = [...VERBS.flatMap((verb) => [verb.name, ...(verb.aliases ?? [])]), "help"];
  const near = nearestWord(name, names);
  return new TraceforkError("TF_USAGE", `Unknown verb ${JSON.stringify(name)}`, {
    hint: near === undefined ? "`tracefork` alone lists the verbs" : `did you mean \`tracefork ${near}\`?`,
  });
}

/** Splits at the first `--`: everything after it belongs to the child, untouched. */
function splitRest(argv: readonly string[]): { own: readonly string[]; rest: readonly string[] | undefined } {
  const at = argv.indexOf("--");
  return at < 0 ? { own: argv, rest: undefined } : { own: argv.slice(0, at), rest: argv.slice(at + 1) };
}

function parse(verb: Verb, own: readonly string[], rest: readonly string[] | undefined): Call {
  if (rest !== undefined && verb.takesCommand !== true) {
    throw new TraceforkError("TF_USAGE", `\`${verb.name}\` takes no command after --`);
  }
  let call: Call | undefined;
  const command = new Command(verb.name).exitOverride().configureOutput({
    writeErr: () => {},
    writeOut: () => {},
  })
    .helpOption(false).showSuggestionAfterError(false).allowExcessArguments(false);
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  const inOrder: [name: string, value: string][] = [];
  for (const { flags, help, many, ordered } of verb.flags) {
    if (many === true) command.option(flags, help, collect);
    else if (ordered !== true) command.option(flags, help);
    else {
      const name = /--([\w-]+)/.exec(flags)![1]!;
      command.option(flags, help, (value: string) => (inOrder.push([name, value]), value));
    }
  }
  for (const argument of verb.args) command.argument(argument);
  command.action(() => {
    call = { args: command.args, options: command.opts(), ordered: inOrder, rest };
  });
  try {
    command.parse([...own], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw usageError(verb, error);
  }
  return call!;
}

function usageError(verb: Verb, error: CommanderError): TraceforkError {
  const message = error.message.replace(/^error: /, "");
  const unknown = /unknown option '(-[^']*)'/.exec(message)?.[1];
  const known = verb.flags.flatMap(({ flags }) => flags.match(/--?[a-z][\w-]*/gi) ?? []);
  const near = unknown === undefined ? undefined : nearestWord(unknown, known);
  const excess = verb.takesCommand === true && error.code === "commander.excessArguments";
  const hint = near !== undefined
    ? `did you mean ${near}?`
    : excess
    ? `put -- before the command: tracefork ${verb.name} -- <command…>`
    : undefined;
  return new TraceforkError("TF_USAGE", message, hint === undefined ? {} : { hint });
}

function report(error: unknown, verb: Verb | undefined, own: readonly string[], io: Io): number {
  const known = error instanceof TraceforkError;
  const code = known ? error.code : "TF_INTERNAL";
  const hint = known ? error.hint : "this is a fault in tracefork; run again with --debug for the stack";
  if (own.includes("--json")) {
    const body = { error: { code, message: messageOf(error), ...(hint === undefined ? {} : { hint }) } };
    io.out(`${JSON.stringify(body)}\n`);
  }
  io.note(`tracefork: ${messageOf(error)} (${code})\n`);
  if (hint !== undefined) io.note(`  ${hint}\n`);
  if (code === "TF_USAGE" && verb !== undefined) io.note(`${usageLine(verb)}\n`);
  if (own.includes("--debug") && error instanceof Error) io.note(`${error.stack}\n`);
  return known ? error.exitCode : EXIT.checkFailed;
}

async function help(argv: readonly string[], io: Io): Promise<number> {
  const name = argv[0];
  if (name === undefined) {
    io.out(overview(await loadVerbs()));
    return EXIT.ok;
  }
  const verb = await findVerb(name);
  if (verb === undefined) return report(unknownVerb(name), undefined, argv, io);
  io.out(fullHelp(verb));
  return EXIT.ok;
}

/** Runs tracefork with these arguments. Returns the exit code; prints through `io` only. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...others] = argv;
  if (name === undefined || name === "-h" || name === "--help") return help([], io);
  if (name === "help") return help(others, io);
  if (name === "-V" || name === "--version" || name === "version") {
    io.out(`tracefork ${VERSION} (${RUNTIME} ${RUNTIME_VERSION}, tape format ${FORMAT})\n`);
    return EXIT.ok;
  }
  const verb = await findVerb(name);
  if (verb === undefined) return report(unknownVerb(name), undefined, others, io);
  const { own, rest } = splitRest(others);
  if (own.includes("--help")) return help([name], io);
  if (own.includes("-h")) {
    io.out(shortHelp(verb));
    return EXIT.ok;
  }
  try {
    return await verb.run(parse(verb, own.filter((arg) => arg !== "--debug"), rest), io);
  } catch (error) {
    // An open tape may turn out to be damaged at any read.
    return report(isSqliteError(error) ? storeError("the tape", error) : error, verb, own, io);
  }
}
