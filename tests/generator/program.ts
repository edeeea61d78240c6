/**
 * Random agents as data: the types of a program tree, `generate`, and what a program is made of. The grammar
 * itself is plain JavaScript (`generate.mjs`), because the agent that runs it has to be.
 */

import { generateProgram, STATEMENT_KINDS } from "./generate.mjs";
import {
  ABORTS,
  BODIES,
  CALLBACK_SOURCES,
  CARRIES,
  CLEARS,
  PATHS,
  QUEUES,
  READS,
  REASONS,
  SLEEPS,
  SOURCES,
  STOPS,
  UNCAUGHT,
} from "./words.mjs";

/** One request of a program. Words are those of `words.mjs`. */
export interface RequestSpec {
  readonly path: string;
  readonly method: string;
  readonly body: string;
  readonly carry: string;
  readonly read: string;
  readonly redirect: string;
  readonly as_request: boolean;
  readonly abort: {
    readonly how: string;
    readonly ms: number;
    readonly reason: string;
    readonly listen: boolean;
  };
}

/** One statement: its kind, and fields that depend on the kind; blocks are lists of statements. */
export interface Statement {
  readonly id: number;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** A random agent as plain data. */
export interface Program {
  readonly seed: number;
  /** Statements asked for. */
  readonly size: number;
  readonly body: readonly Statement[];
  readonly end: {
    readonly code: string;
    readonly crash: boolean;
    readonly exit_listener: boolean;
    readonly before_exit: boolean;
  };
}

/** The program of `seed`: the same one always and everywhere. `size` is about how many statements it has. */
export function generate(seed: number, size?: number): Program {
  return generateProgram(seed, size) as Program;
}

const isStatement = (value: unknown): value is Statement =>
  typeof value === "object" && value !== null && "kind" in value && "id" in value;

/** All statements of a program, outer before inner. */
export function statements(program: Program): readonly Statement[] {
  const found: Statement[] = [];
  const visit = (value: unknown): void => {
    if (isStatement(value)) found.push(value);
    if (typeof value === "object" && value !== null) Object.values(value).forEach(visit);
  };
  visit(program.body);
  return found;
}

/** How deep lanes are nested in lanes. */
export function laneDepth(program: Program): number {
  const depth = (value: unknown): number => {
    if (typeof value !== "object" || value === null) return 0;
    const inner = Math.max(0, ...Object.values(value).map(depth));
    const opens = "lanes" in value || "jobs" in value || isStatement(value) && value.kind === "spawn";
    return inner + (opens ? 1 : 0);
  };
  return depth(program.body);
}

/** What can turn up in a program, as `field:word`. */
export const FEATURES: readonly string[] = Object.entries({
  kind: STATEMENT_KINDS,
  source: [...SOURCES, ...CALLBACK_SOURCES],
  sleep: SLEEPS,
  clear: CLEARS,
  queue: QUEUES,
  path: PATHS,
  read: READS,
  body: BODIES,
  carry: CARRIES,
  abort: ABORTS,
  reason: REASONS,
  uncaught: UNCAUGHT,
  stop: STOPS,
}).flatMap(([field, words]) => words.map((word) => `${field}:${word}`));

/** What does turn up in this program, in the words of FEATURES. */
export function features(program: Program): ReadonlySet<string> {
  const found = new Set<string>();
  for (const st of statements(program)) {
    found.add(`kind:${st.kind}`);
    if (st.kind === "sleep") found.add(`sleep:${st.via}`);
    if (st.kind === "uncaught") found.add(`uncaught:${st.via}`);
    if (st.kind === "clear_timer") found.add(`clear:${st.how}`);
    if (st.kind === "generator") found.add(`stop:${st.stop}`);
    if (st.kind === "micro_mix") {
      (st.chains as string[][]).flat().forEach((queue) => found.add(`queue:${queue}`));
    }
    if ("source" in st) found.add(`source:${st.source}`);
    const spec = (st.kind === "request" ? st : st.request) as RequestSpec | undefined;
    if (!spec) continue;
    found.add(`path:${spec.path.replace(/\d+$/, "N")}`);
    for (const field of ["read", "body", "carry"] as const) found.add(`${field}:${spec[field]}`);
    found.add(`abort:${spec.abort.how}`);
    if (spec.abort.how !== "none") found.add(`reason:${spec.abort.reason}`);
  }
  return found;
}
