/**
 * What a contract case is, and how one is run: under a guard, with ports masked, into plain JSON.
 *
 * A case gives two things. Its *observation* must be the same natively, while recorded and while replayed, in
 * every run. What it puts into `env.measured` (chunk sizes, random values, times) may differ from run to run, but
 * a replay must measure what its recording measured.
 */
import process from "node:process";
import { describeError } from "./observe.ts";

export type Runtime = "deno" | "bun" | "node";

export interface CaseEnv {
  /** The origin, without a slash at the end. */
  readonly url: string;
  /** A second origin, on another port. */
  readonly other: string;
  readonly runtime: Runtime;
  readonly measured: Record<string, unknown>;
  /** From now on this text is printed as `name`: for ports that a case learns on its way. */
  hide(text: string, name: string): void;
}

export interface ContractCase {
  /** "theme: sentence". Unique. */
  readonly name: string;
  /** The runtimes that can run it; all of them if left out. */
  readonly only?: readonly Runtime[];
  run(env: CaseEnv): Promise<unknown>;
}

export interface CaseResult {
  readonly name: string;
  readonly observation?: unknown;
  readonly threw?: unknown;
  readonly measured: unknown;
}

const GUARD_MS = 10_000;

export function currentRuntime(): Runtime {
  const { versions } = process as unknown as { versions: Record<string, string | undefined> };
  if (versions["deno"] !== undefined) return "deno";
  return versions["bun"] === undefined ? "node" : "bun";
}

/** Runs one case. Never rejects: what goes wrong is part of the result. */
export async function runCase(one: ContractCase, url: string, other: string): Promise<CaseResult> {
  const measured: Record<string, unknown> = {};
  let guard: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    guard = setTimeout(() => reject(new Error(`guard: not done after ${GUARD_MS} ms`)), GUARD_MS);
  });
  const hidden: [string, string][] = [[portOf(url), "PORT"], [portOf(other), "OTHER"]];
  const clean = (value: unknown): unknown => masked(value, hidden);
  const observe = (value: unknown): unknown => {
    const chance: string[] = [];
    const observation = masked(value, hidden, chance);
    if (chance.length > 0) measured["chance"] = chance;
    return observation;
  };
  const hide = (text: string, name: string): void => void hidden.push([text, name]);
  try {
    const env: CaseEnv = { url, other, runtime: currentRuntime(), measured, hide };
    const observation = await Promise.race([one.run(env), tooLong]);
    return { name: one.name, observation: observe(observation), measured: clean(measured) };
  } catch (error) {
    return { name: one.name, threw: observe(describeError(error)), measured: clean(measured) };
  } finally {
    clearTimeout(guard);
  }
}

/** The cases for this runtime whose name holds each filter, and none of those that follow a `!`. */
export function select(cases: readonly ContractCase[], filters: readonly string[] = []): ContractCase[] {
  const runtime = currentRuntime();
  const fits = (name: string, filter: string): boolean =>
    filter.startsWith("!") ? !name.includes(filter.slice(1)) : name.includes(filter);
  return cases.filter(({ name, only }) =>
    filters.every((filter) => fits(name, filter)) && (only?.includes(runtime) ?? true)
  );
}

function portOf(url: string): string {
  return new URL(url).port;
}

/** Parts of error texts that the system draws: an outgoing port, OpenSSL's thread. */
const drawnTexts = [/(?<= from 127\.0\.0\.1:)\d+/g, /\b[0-9A-F]{12,16}(?=:error:)/g];

/**
 * Through JSON, so that every value has one form: ports by name, and what JSON would drop by a word. With `chance`
 * given, what the system drew is collected there and stands as DRAWN.
 */
function masked(value: unknown, hidden: readonly (readonly [string, string])[], chance?: string[]): unknown {
  const mask = (text: string): string => {
    let out = text;
    for (const [secret, name] of hidden) out = out.replaceAll(new RegExp(`\\b${secret}\\b`, "g"), name);
    if (chance === undefined) return out;
    for (const drawn of drawnTexts) {
      out = out.replaceAll(drawn, (found) => {
        chance.push(found);
        return "DRAWN";
      });
    }
    return out;
  };
  const text = JSON.stringify(value, (_key, held: unknown) => {
    switch (typeof held) {
      case "string":
        return mask(held);
      case "undefined":
        return "(undefined)";
      case "bigint":
        return `${held}n`;
      case "symbol":
        return String(held);
      case "function":
        return `(function ${held.name})`;
      case "number":
        if (Object.is(held, -0) || !Number.isFinite(held)) {
          return `(number ${Object.is(held, -0) ? "-0" : held})`;
        }
        return held;
      default:
        return held;
    }
  });
  return JSON.parse(text ?? '"(undefined)"');
}
