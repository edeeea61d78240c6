/**
 * What a fork is told by its launcher, in a file beside the reports, because bodies may be too large for a variable.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromUtf8 } from "../base/bytes.ts";
import { type FailureKind, failureShape } from "../session/fork_errors.ts";
import type { ServedChange, Tail } from "../session/fork.ts";
import type { Delivery } from "../session/session.ts";

/** Name of the file, in the folder of reports. */
export const FORK_FILE = "fork.json";
const FORKED_FILE = "forked";

/** An answer in place of the recorded one. Bodies are in base64. */
export interface ChangedAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly chunks: readonly string[];
  /** `Response.type` of the recorded answer, where there was one. */
  readonly kind?: string;
}

/** What is served in place of a step's recorded answer. */
export interface ForkChange {
  readonly lane: number;
  /** Counted in the lane. */
  readonly step: number;
  readonly answer: ChangedAnswer | { readonly error: FailureKind; readonly url: string };
}

/** See the head of this file. */
export interface ForkOrders {
  /** The parent's file and id. */
  readonly path: string;
  readonly parent: string;
  readonly tail: Tail;
  readonly seed: string;
  /** For each lane, the number of the first event that is not replayed. */
  readonly stops: Readonly<Record<number, number>>;
  /** The lane that the first change is in. */
  readonly lane: number;
  /** Recorded time of the fork, microseconds since the parent began. */
  readonly at: number;
  readonly changes: readonly ForkChange[];
}

/** Keeps when (milliseconds since 1970) the fork was reached: a process that starts later begins so much later. */
export function noteForked(folder: string, now: number): void {
  writeFileSync(join(folder, FORKED_FILE), String(now), { mode: 0o600 });
}

/** Microseconds since the fork was reached, in whichever process; 0 before. */
export function sinceForked(folder: string, now: number): number {
  try {
    return Math.max(0, now - Number(readFileSync(join(folder, FORKED_FILE), "utf8"))) * 1000;
  } catch {
    return 0;
  }
}

/** Reads the orders in `folder`. */
export function readForkOrders(folder: string): ForkOrders {
  return JSON.parse(fromUtf8(readFileSync(join(folder, FORK_FILE)))) as ForkOrders;
}

/** The change as what is handed out. */
export function servedChange({ step, answer }: ForkChange, runtime: string): ServedChange {
  if ("error" in answer) {
    const error = failureShape(answer.error, runtime, answer.url);
    return { step, deliveries: [{ type: "fail", error }] };
  }
  const { status, statusText, headers, chunks, kind } = answer;
  // A status that has no body by its meaning.
  const hasBody = ![101, 103, 204, 205, 304].includes(status);
  const head: Delivery = {
    type: "head",
    status,
    statusText,
    headers,
    url: undefined,
    redirected: false,
    kind: kind ?? (runtime === "bun" ? "default" : "basic"),
    hasBody,
  };
  const body = chunks.map((chunk): Delivery => ({ type: "chunk", bytes: fromBase64(chunk) }));
  return { step, deliveries: hasBody ? [head, ...body, { type: "end" }] : [head] };
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
