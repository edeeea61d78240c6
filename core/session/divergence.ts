/**
 * A divergence: the place at which a replay did something else than the tape says, what was expected, what
 * came, and the likely cause. Its JSON is public.
 */

/** Why a replay diverged, as far as it can be known. */
export type Cause =
  | "unrecorded_nondeterminism"
  | "code_change"
  | "boundary_violation"
  | "extra_request"
  | "missing_request"
  | "tampered_tape"
  | "stalled";

/** What kind of thing differed. */
export type DivergenceKind =
  | "request"
  | "timer"
  | "cancel"
  | "draw"
  | "delivery"
  | "exit"
  | "output"
  | "boundary"
  | "tape"
  | "stall";

/** See the head of this file. `expected` and `got` are texts of a few lines. */
export interface Divergence {
  /** Number of the exchange at which it was found: the one just asked for, or the next one. */
  readonly step: number;
  readonly kind: DivergenceKind;
  readonly cause: Cause;
  readonly expected: string;
  readonly got: string;
  /** Where in the agent: the first frame outside of tracefork, or an empty text. */
  readonly where: string;
  readonly hint: string;
  /** Step of the recorded request that is nearest to the one asked for. */
  readonly nearest?: number;
  /** Lines of a field-by-field difference. */
  readonly diff?: readonly string[];
}

/** Thrown into the program at the place of the divergence. The session stays diverged whatever the program does. */
export class DivergenceError extends Error {
  readonly divergence: Divergence;

  constructor(divergence: Divergence) {
    super(
      `replay diverged at step ${divergence.step}: expected ${divergence.expected}, got ${divergence.got}`,
    );
    this.name = "DivergenceError";
    this.divergence = divergence;
  }
}

/** Looks down the `cause` chain, because SDKs wrap what a `fetch` throws. */
export function findDivergence(error: unknown): Divergence | undefined {
  const seen = new Set<unknown>();
  for (let at = error; typeof at === "object" && at !== null && !seen.has(at); at = (at as Error).cause) {
    if (at instanceof DivergenceError) return at.divergence;
    seen.add(at);
  }
  return undefined;
}

/** The first frame of a stack that is neither tracefork's nor the runtime's, such as `file:///a/agent.ts:12:3`. */
export function agentFrame(stack: string | undefined): string {
  for (const line of (stack ?? "").split("\n").slice(1)) {
    if (/preload-[0-9a-f]{8,}|\/core\/(session|seams|preload)\//.test(line)) continue;
    if (/\((node|ext|bun|internal):|at (node|ext|native|unknown)\b|<anonymous>\)?$/.test(line)) continue;
    const place = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/.exec(line.trim());
    if (place !== null) return place[1]!;
  }
  return "";
}
