/**
 * What a verb is. One file a verb: its help text, its flags and its `run` stand together, and usage lines,
 * completions and the README's table are made from them.
 */

/** A flag of a verb, in commander's notation. */
export interface Flag {
  /** Such as `-o, --output <file>`. */
  readonly flags: string;
  readonly help: string;
  /** True where it may be given several times; `list` reads its values. */
  readonly many?: true;
  /** True where it may be given several times, and its place among others counts: see `Call.ordered`. */
  readonly ordered?: true;
}

/** What a verb works with, so that a test can give it something else. */
export interface Io {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Answers. */
  out(text: string): void;
  /** Answers that are bytes as they are. */
  outBytes?(bytes: Uint8Array): void;
  /** Progress, notes, warnings. */
  note(text: string): void;
  /** Asks for a line; undefined where nobody is at a terminal. */
  ask?: ((question: string) => Promise<string>) | undefined;
  readonly outIsTerminal: boolean;
  readonly noteIsTerminal: boolean;
  /** True when stdout may be coloured. */
  readonly colour: boolean;
}

/** A parsed call of a verb. */
export interface Call {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Values of the flags that are `ordered`, in the order in which they were given. */
  readonly ordered?: readonly (readonly [name: string, value: string])[];
  /** What stands after `--`; undefined where there was no `--`. */
  readonly rest: readonly string[] | undefined;
}

/** See the head of this file. */
export interface Verb {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly group: "record and replay" | "look" | "store" | "more";
  /** One line. */
  readonly summary: string;
  /** What follows the verb, such as `[tape] [-- <command…>]`. */
  readonly usage: string;
  /** Positional arguments in commander's notation, such as `[tape]`. */
  readonly args: readonly string[];
  readonly about: string;
  readonly flags: readonly Flag[];
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** True where a command after `--` is taken. */
  readonly takesCommand?: boolean;
  run(call: Call, io: Io): Promise<number>;
}

/** The flag that every verb that reports has. */
export const JSON_FLAG: Flag = { flags: "--json", help: "one JSON document on stdout, nothing else there" };
/** The flag that names the store. */
export const STORE_FLAG: Flag = {
  flags: "--store <file>",
  help: "the store to use (default: see `tracefork where`)",
};

/** A flag's text value, or undefined. */
export function text(call: Call, name: string): string | undefined {
  const value = call.options[name];
  return typeof value === "string" ? value : undefined;
}

/** The values of a flag that may be given several times, in order. */
export function list(call: Call, name: string): readonly string[] {
  const values = call.options[name];
  return Array.isArray(values) ? values as string[] : [];
}

/** True where a flag was given. */
export function on(call: Call, name: string): boolean {
  return call.options[name] === true;
}

/** A JSON document for `--json`. */
export function document(schema: string, fields: object): string {
  return `${JSON.stringify({ schema: `tracefork/${schema}/1`, ...fields })}\n`;
}
