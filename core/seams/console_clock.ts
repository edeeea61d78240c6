/**
 * `console.time` and its kin where the runtime times them by a clock of its own (Deno, Bun): kept here by the clock
 * that is held, and printed as the runtime prints them. Node's go through `process.hrtime`.
 *
 * Not held: on Bun with standard error on a terminal, where the runtime itself prints, in colour.
 */

import { QUIRKS } from "../base/runtime.ts";
import type { SeamContext } from "./context.ts";
import { plain } from "./registry.ts";

/** `1502ms`, `36.2ms`, `6.38ms`, `0.023ms`. */
function inFourDigits(ms: number): string {
  return `${ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3)}ms`;
}

/** `1500.00ms`, `1.50s`. */
function inTwoDecimals(ms: number): string {
  return Math.round(ms) > 1500 ? `${(ms / 1000).toFixed(2)}s` : `${ms.toFixed(2)}ms`;
}

/** What a runtime prints, and where it says so that a label is in use or is not. */
interface Printer {
  /** True where the runtime itself has to print. */
  aside(): boolean;
  print(label: string, ms: number, rest: readonly unknown[]): void;
  complain(text: string): void;
}

function printer({ builtins }: SeamContext): Printer {
  if (QUIRKS.consoleTimes === "info") {
    const { info, warn } = console;
    return {
      aside: () => false,
      print: (label, ms, rest) => info(`${label}: ${inFourDigits(ms)}`, ...rest),
      complain: (text) => warn(text),
    };
  }
  const { writeSync } = builtins.get<{ writeSync(fd: number, text: string): void }>("node:fs")!;
  const { inspect } = (globalThis as unknown as { Bun: { inspect(value: unknown): string } }).Bun;
  const text = (value: unknown) => typeof value === "string" ? value : inspect(value);
  return {
    aside: () => globalThis.process.stderr.isTTY,
    print: (label, ms, rest) =>
      writeSync(2, `${[`[${inTwoDecimals(ms)}]`, label, ...rest.map(text)].join(" ")}\n`),
    complain() {},
  };
}

/** Patches the console's timers. */
export function consoleClockSeam(context: SeamContext): void {
  if (QUIRKS.consoleTimes === undefined) return;
  const { registry, session } = context;
  const started = new Map<string, number>();
  const { aside, print, complain } = printer(context);
  const labelOf = (args: readonly unknown[]) => String(args[0] === undefined ? "default" : args[0]);
  registry.method(console, "time", (original) =>
    plain((...args: unknown[]) => {
      if (session() === undefined) return original(...args);
      const label = labelOf(args);
      if (started.has(label)) complain(`Timer '${label}' already exists`);
      else started.set(label, performance.now());
      if (aside()) original(...args);
    }));
  for (const [key, last] of [["timeLog", false], ["timeEnd", true]] as const) {
    registry.method(console, key, (original) =>
      plain((...args: unknown[]) => {
        if (session() === undefined) return original(...args);
        const label = labelOf(args);
        const since = started.get(label);
        if (since === undefined) return complain(`Timer '${label}' does not exist`);
        const ms = performance.now() - since;
        if (last) started.delete(label);
        if (aside()) original(...args);
        else print(label, ms, last ? [] : args.slice(1));
      }));
  }
}
