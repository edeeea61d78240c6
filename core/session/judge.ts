/**
 * Says what a divergence means: finds the words, the likely cause, the fields that differ and the recorded
 * request that is nearest. Causes are read off what differs, never off the text of a message.
 */

import { toHex } from "../base/hex.ts";
import type { Core } from "../../wasm/core.ts";
import type { RequestEvent, TapeEvent } from "../tape/events.ts";
import {
  describeChanges,
  diffBodies,
  diffValues,
  type FieldChange,
  looksVolatile,
} from "../tape/field_diff.ts";
import { agentFrame, type Cause, type Divergence } from "./divergence.ts";
import { RequestIndex } from "./request_index.ts";
import type { TapeRow } from "./session.ts";

/** What a replay found, before it is put into words. */
export type Finding =
  | { readonly what: "draw"; readonly got: string; readonly expected: string | undefined }
  | { readonly what: "event"; readonly got: TapeEvent }
  | { readonly what: "link"; readonly seq: number }
  | { readonly what: "body"; readonly digest: Uint8Array }
  | { readonly what: "boundary"; readonly surface: string; readonly detail: string }
  | { readonly what: "stalled"; readonly seconds: number; readonly drawsLeft: number }
  | { readonly what: "left over"; readonly drawsLeft: number };

/** Puts a finding into words. `step` counts the exchanges so far; `next` is what the tape has next. */
export type Judge = (finding: Finding, step: number, next: TapeEvent | undefined) => Divergence;

/** What a judge may look at. */
export interface Evidence {
  readonly core: Core;
  readonly rows: readonly TapeRow[];
  /** A body of the tape, or one that the replay has just seen. */
  body(digest: Uint8Array): Uint8Array | undefined;
  /** True when a file that the command names is not what it was. */
  readonly codeChanged: boolean;
}

const HINTS: Record<Cause, string> = {
  unrecorded_nondeterminism:
    "something that differs from run to run reached the agent past tracefork (a file, a child process, a counter); `tracefork show` lists what was recorded",
  code_change:
    "the agent's code asks for something else than when it was recorded: undo the change, or record again",
  boundary_violation: "the agent used a surface that a replay does not hold; nothing was sent",
  extra_request: "the agent asks for more than it did: look at its control flow after the last matched step",
  missing_request: "the agent ended before it asked for everything on the tape",
  tampered_tape: "the tape is not what was recorded: `tracefork verify` names the place",
  stalled:
    "the agent waits for something that is not on the tape (a child process, a file, a socket, a signal)",
};

/** One line for an event. */
export function describeEvent(event: TapeEvent | undefined): string {
  if (event === undefined) return "the end of the run";
  switch (event.type) {
    case "request":
      return `request ${event.method} ${event.url}`;
    case "timer":
      if (event.kind === "work") return "work of the platform (a file, a digest)";
      return event.kind === "immediate" ? "setImmediate" : `timer ${event.kind} of ${event.delay} ms`;
    case "draws":
      return `${event.count} draw${event.count === 1 ? "" : "s"}`;
    case "cancel":
      return `cancel of op ${event.op}`;
    case "boundary":
      return `use of ${event.surface}`;
    case "exit":
      return "the end of the run";
    default:
      return `delivery of ${event.type} for op ${event.op}`;
  }
}

function headersOf(event: RequestEvent): Record<string, string> {
  return Object.fromEntries(event.headers);
}

/** Fields in which two requests differ: method, URL, headers, body. */
export function diffRequests(
  a: RequestEvent,
  b: RequestEvent,
  body: (digest: Uint8Array) => Uint8Array | undefined,
): FieldChange[] {
  const changes = diffValues(
    { method: a.method, url: a.url, headers: headersOf(a), options: a.options },
    { method: b.method, url: b.url, headers: headersOf(b), options: b.options },
  );
  if (typeof a.body === "object" && typeof b.body === "object") {
    if (toHex(a.body.digest) === toHex(b.body.digest)) return changes;
    const [bytesA, bytesB] = [body(a.body.digest), body(b.body.digest)];
    if (bytesA && bytesB) return [...changes, ...diffBodies(bytesA, bytesB)];
    return [...changes, { path: "body", a: `${a.body.size} bytes`, b: `${b.body.size} bytes` }];
  }
  if (typeof a.body !== typeof b.body) changes.push({ path: "body", a: Boolean(a.body), b: Boolean(b.body) });
  return changes;
}

/** Makes the judge of one replay. */
export function createJudge(evidence: Evidence): Judge {
  // Made once: a watchdog asks several times a second.
  let made: RequestIndex | undefined;
  const index = () => made ??= new RequestIndex(evidence.core, evidence.rows);
  const requests = () => index().requests;
  const { body, codeChanged } = evidence;
  const changeOr = (cause: Cause): Cause => codeChanged ? "code_change" : cause;

  function nearest(got: RequestEvent): { step: number; changes: FieldChange[] } | undefined {
    let best: { step: number; changes: FieldChange[] } | undefined;
    requests().slice(0, 500).forEach((request, step) => {
      const changes = diffRequests(request, { ...got, op: request.op }, body);
      if (best === undefined || changes.length < best.changes.length) best = { step, changes };
    });
    return best;
  }

  function judgeRequest(got: RequestEvent, step: number, next: TapeEvent | undefined) {
    const lines = (changes: FieldChange[]) => describeChanges(changes).slice(0, 20);
    if (next?.type === "request") {
      const changes = diffRequests(next, got, body);
      const same = index().take(got);
      const cause = codeChanged || !looksVolatile(changes) ? "code_change" : "unrecorded_nondeterminism";
      return { cause: cause as Cause, diff: lines(changes), nearest: same ?? step };
    }
    const near = nearest(got);
    const cause = step >= requests().length ? "extra_request" : changeOr("code_change");
    return { cause: cause as Cause, diff: lines(near?.changes ?? []), nearest: near?.step };
  }

  return (finding, step, next) => {
    const where = agentFrame(new Error().stack);
    const make = (
      kind: Divergence["kind"],
      cause: Cause,
      got: string,
      expected = describeEvent(next),
      more: { diff?: readonly string[]; nearest?: number | undefined } = {},
    ): Divergence => ({
      step,
      kind,
      cause,
      expected,
      got,
      where,
      hint: HINTS[cause],
      ...(more.diff && more.diff.length > 0 ? { diff: more.diff } : {}),
      ...(more.nearest === undefined ? {} : { nearest: more.nearest }),
    });
    switch (finding.what) {
      case "draw":
        return make(
          "draw",
          changeOr(finding.expected === undefined ? "unrecorded_nondeterminism" : "code_change"),
          `draw ${finding.got}`,
          finding.expected === undefined ? describeEvent(next) : `draw ${finding.expected}`,
        );
      case "event": {
        const { got } = finding;
        if (got.type === "request") {
          const { cause, diff, nearest } = judgeRequest(got, step, next);
          return make("request", cause, describeEvent(got), undefined, { diff, nearest });
        }
        const kind = got.type === "timer" || got.type === "cancel" || got.type === "boundary"
          ? got.type
          : "delivery";
        return make(kind, changeOr("code_change"), describeEvent(got));
      }
      case "link":
        return make(
          "tape",
          "tampered_tape",
          `another link at event ${finding.seq}`,
          `the link of event ${finding.seq}`,
        );
      case "body":
        return make(
          "tape",
          "tampered_tape",
          "a body that is missing or altered",
          `body ${toHex(finding.digest).slice(0, 12)}…`,
        );
      case "boundary":
        return make("boundary", "boundary_violation", `${finding.surface} ${finding.detail}`);
      case "stalled":
        return make(
          "stall",
          "stalled",
          `nothing for ${finding.seconds} s`,
          finding.drawsLeft > 0 ? `${finding.drawsLeft} more draws` : describeEvent(next),
        );
      case "left over": {
        const requestsLeft = requests().length > step;
        const cause = requestsLeft ? "missing_request" : changeOr("unrecorded_nondeterminism");
        return make(
          "exit",
          cause,
          "the end of the run",
          finding.drawsLeft > 0 ? `${finding.drawsLeft} more draws` : describeEvent(next),
        );
      }
    }
  };
}
