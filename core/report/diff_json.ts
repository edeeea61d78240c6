/** A comparison of two runs as the keys of a JSON document. Keys are public and only grow. */

import type { FieldDiff, RunDiff, StepDiff } from "../analyse/diff.ts";
import type { DrawChange } from "../analyse/draw_diff.ts";
import { diffWords } from "../analyse/text_diff.ts";
import type { DiffedRun, DiffView } from "./diff_text.ts";

/** Characters of both texts beyond which words are not told apart: the values say all. */
const MOST_TEXT = 200_000;

/** A side that has no such field has no such key. */
function fieldJson({ path, pathB, a, b }: FieldDiff) {
  const words = typeof a === "string" && typeof b === "string" && a.length + b.length <= MOST_TEXT
    ? diffWords(a, b).map((part) => ({ in: part.in, text: part.text }))
    : undefined;
  return {
    path,
    ...(pathB === undefined ? {} : { b_path: pathB }),
    ...(a === undefined ? {} : { a }),
    ...(b === undefined ? {} : { b }),
    ...(words === undefined ? {} : { words }),
  };
}

function runJson(run: DiffedRun, side: "a" | "b", diff: RunDiff) {
  return {
    tape: run.id,
    name: run.name ?? null,
    state: run.state,
    command: run.command,
    exchanges: diff.exchanges[side].length,
    draws: run.draws,
  };
}

function stepJson(step: StepDiff, full: boolean) {
  return {
    status: step.status,
    a_step: step.a ?? null,
    b_step: step.b ?? null,
    differs: step.aspects,
    fields_differing: step.count,
    ...(full ? { fields: step.fields().map(fieldJson) } : {}),
  };
}

function drawJson(change: DrawChange | undefined) {
  return change === undefined ? null : {
    a_step: change.aStep ?? null,
    b_step: change.bStep ?? null,
    a: change.a ?? null,
    b: change.b ?? null,
  };
}

/** The document's keys. With `full` each step has its fields. */
export function diffJson({ a, b, diff, kinship, ignored, intact }: DiffView, full: boolean): object {
  const { first, draws, exit, event } = diff;
  return {
    a: runJson(a, "a", diff),
    b: runJson(b, "b", diff),
    equal: diff.equal && intact,
    intact,
    ignored,
    relation: {
      kind: kinship.relation,
      fork_step: kinship.forkStep ?? null,
      proven: kinship.proven ?? null,
      shared_events: kinship.events,
      shared_requests: kinship.steps,
      shared_link: kinship.link ?? null,
    },
    first_difference: first === undefined ? null : {
      kind: first.kind,
      a_step: first.aStep ?? null,
      b_step: first.bStep ?? null,
      where: first.where,
      fields: first.fields().map(fieldJson),
    },
    steps: diff.steps.map((step) => stepJson(step, full)),
    draws: {
      a: draws.a,
      b: draws.b,
      equal: draws.differing === 0,
      differing: draws.differing,
      first: drawJson(draws.first ?? draws.firstClock),
    },
    output: Object.fromEntries(diff.output.map((stream) => [stream.name, {
      equal: stream.equal ?? null,
      ...(full ? { fields: stream.fields().map(fieldJson) } : {}),
    }])),
    exit: { a: exit.a ?? null, b: exit.b ?? null, equal: exit.equal },
    other_events: event === undefined ? null : { kind: event.kind, lane: event.lane, a: event.a, b: event.b },
  };
}
