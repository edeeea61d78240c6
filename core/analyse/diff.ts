/**
 * Compares two runs: their steps, draws, output and end, and if nothing of that differs, every other event. Pure: it is
 * given what the tapes hold. Fields of a step are computed when they are asked for.
 */

import { fromUtf8, sameBytes } from "../base/bytes.ts";
import type { Core } from "../../wasm/core.ts";
import { type Alignable, type AlignedStep, alignSteps, pairLanes } from "./align.ts";
import { diffDraws, type DrawChange, type DrawDiff } from "./draw_diff.ts";
import { diffEvents, type EventChange } from "./event_diff.ts";
import { type Exchange, type ExchangeSource, readExchanges } from "./exchanges.ts";
import { formatPath, type Ignore } from "./ignore.ts";
import type { JsonChange } from "./json_diff.ts";
import { requestLikeness, type RequestSketch, sketchRequest } from "./likeness.ts";
import { diffRequest, diffResponse, requestKey } from "./step_fields.ts";

/** The streams that a tape may hold. */
export const STREAMS = ["stdin", "stdout", "stderr"] as const;
export type StreamName = typeof STREAMS[number];

/** What is compared of a run. */
export interface ComparedRun extends ExchangeSource {
  /** What was kept of each stream; undefined where it was not. */
  readonly output: Readonly<Record<StreamName, Uint8Array | undefined>>;
  /** Exit code, or the signal's name; undefined where the end is not known. */
  readonly exit: number | string | undefined;
}

/** A field that differs, in words for people and scripts. A side is undefined where it has no such field. */
export interface FieldDiff {
  /** Such as `request.body.messages[2].content`. */
  readonly path: string;
  /** Where b has it, when that is another place. */
  readonly pathB: string | undefined;
  readonly a: unknown;
  readonly b: unknown;
}

/** What can differ about a step. */
export type StepAspect = "order" | "request" | "response";

/** A step of the aligned runs. */
export interface StepDiff {
  readonly status: "equal" | "changed" | "only_a" | "only_b";
  /** Step numbers; undefined on the side that lacks it. */
  readonly a: number | undefined;
  readonly b: number | undefined;
  readonly aspects: readonly StepAspect[];
  /** How many fields differ. */
  readonly count: number;
  /** The first of them. */
  readonly firstPath: string | undefined;
  fields(): readonly FieldDiff[];
}

/** Where two runs begin to differ. */
export interface FirstDifference {
  readonly kind:
    | "input"
    | "order"
    | "missing"
    | "extra"
    | "request"
    | "response"
    | "draw"
    | "output"
    | "exit"
    | "event";
  readonly aStep: number | undefined;
  readonly bStep: number | undefined;
  /** One line for people. */
  readonly where: string;
  fields(): readonly FieldDiff[];
}

/** A stream of both runs. `equal` is undefined where one of the tapes doesn't hold it, or it is ignored. */
export interface StreamDiff {
  readonly name: StreamName;
  readonly equal: boolean | undefined;
  fields(): readonly FieldDiff[];
}

/** See the head of this file. */
export interface RunDiff {
  readonly equal: boolean;
  readonly first: FirstDifference | undefined;
  readonly steps: readonly StepDiff[];
  readonly exchanges: { readonly a: readonly Exchange[]; readonly b: readonly Exchange[] };
  readonly draws: DrawDiff;
  readonly output: readonly StreamDiff[];
  readonly exit: {
    readonly a: number | string | undefined;
    readonly b: number | string | undefined;
    readonly equal: boolean;
  };
  readonly event: EventChange | undefined;
}

function fieldDiff({ path, pathB, a, b }: JsonChange): FieldDiff {
  return { path: formatPath(path), pathB: pathB && formatPath(pathB), a, b };
}

interface Step extends Alignable {
  readonly exchange: Exchange;
  sketch(): RequestSketch;
}

function stepsOf(exchanges: readonly Exchange[], ignore: Ignore, core: Core): Step[] {
  return exchanges.map((exchange) => {
    let made: RequestSketch | undefined;
    const { method, url } = exchange.request;
    return {
      exchange,
      key: requestKey(exchange, ignore, (bytes) => core.sha256(bytes)),
      lane: exchange.lane,
      sketch: () => made ??= sketchRequest(method, url, exchange.requestBody()),
    };
  });
}

function stepDiff(aligned: AlignedStep, a: readonly Step[], b: readonly Step[], ignore: Ignore): StepDiff {
  const [x, y] = [a[aligned.a ?? -1]?.exchange, b[aligned.b ?? -1]?.exchange];
  const place = { a: aligned.a, b: aligned.b };
  if (x === undefined || y === undefined) {
    const status = x === undefined ? "only_b" : "only_a";
    return { status, ...place, aspects: [], count: 0, firstPath: undefined, fields: () => [] };
  }
  const [request, response] = [diffRequest(x, y, ignore), diffResponse(x, y, ignore)];
  const count = request.length + response.length;
  const first = request[0] ?? response[0];
  const aspects: StepAspect[] = [];
  if (aligned.moved && !ignore.covers(["order"])) aspects.push("order");
  if (request.length > 0) aspects.push("request");
  if (response.length > 0) aspects.push("response");
  return {
    status: count > 0 ? "changed" : "equal",
    ...place,
    aspects,
    count,
    firstPath: first && formatPath(first.path),
    // Not kept: in a long conversation each step repeats the differences of all before it.
    fields: () => [...diffRequest(x, y, ignore), ...diffResponse(x, y, ignore)].map(fieldDiff),
  };
}

function streamDiff(name: StreamName, a: ComparedRun, b: ComparedRun, ignore: Ignore): StreamDiff {
  const [x, y] = [a.output[name], b.output[name]];
  const path = ["output", name];
  if (x === undefined || y === undefined || ignore.covers(path)) {
    return { name, equal: undefined, fields: () => [] };
  }
  const equal = sameBytes(x, y);
  const change = () => ({ path: formatPath(path), pathB: undefined, a: fromUtf8(x), b: fromUtf8(y) });
  return { name, equal, fields: () => equal ? [] : [change()] };
}

function drawField({ a, b }: DrawChange): FieldDiff {
  return {
    path: `draws.${(a ?? b)!.kind}`,
    pathB: a && b && a.kind !== b.kind ? `draws.${b.kind}` : undefined,
    a: a?.value,
    b: b?.value,
  };
}

function ofDraw(draw: DrawChange): FirstDifference {
  const { aStep, bStep } = draw;
  const after = (step: number | undefined) =>
    step === undefined ? "before the first step" : `after step ${step}`;
  return {
    kind: "draw",
    aStep,
    bStep,
    where: aStep === bStep ? after(aStep) : `${after(aStep)} of a, ${after(bStep)} of b`,
    fields: () => [drawField(draw)],
  };
}

function ofStep(step: StepDiff): FirstDifference {
  const place = { aStep: step.a, bStep: step.b };
  if (step.status === "only_a") {
    return { kind: "missing", ...place, where: `step ${step.a} of a, which b lacks`, fields: () => [] };
  }
  if (step.status === "only_b") {
    return { kind: "extra", ...place, where: `step ${step.b} of b, which a lacks`, fields: () => [] };
  }
  const where = step.a === step.b ? `step ${step.a}` : `step ${step.a} of a, step ${step.b} of b`;
  const [kind] = step.aspects;
  return { kind: kind!, ...place, where, fields: () => step.fields() };
}

function ofStream({ name, fields }: StreamDiff): FirstDifference {
  const kind = name === "stdin" ? "input" : "output";
  return { kind, aStep: undefined, bStep: undefined, where: name, fields };
}

function differs(step: StepDiff): boolean {
  return step.status !== "equal" || step.aspects.length > 0;
}

/** The first of draws and steps, as they stand in the aligned list. */
function firstInSteps(steps: readonly StepDiff[], draw: DrawChange | undefined): FirstDifference | undefined {
  const at = steps.findIndex(differs);
  const step = at < 0 ? undefined : steps[at]!;
  if (draw === undefined) return step && ofStep(step);
  const drawAt = steps.findLastIndex(({ a, b }) =>
    (a !== undefined && a === draw.aStep) || (b !== undefined && b === draw.bStep)
  );
  // Draws come behind their step, and those of a process before its first one.
  return step === undefined || drawAt < at ? ofDraw(draw) : ofStep(step);
}

function firstOf(diff: Omit<RunDiff, "first" | "equal">): FirstDifference | undefined {
  const { steps, draws, output, exit, event } = diff;
  const stream = (wanted: (name: StreamName) => boolean) =>
    output.find(({ name, equal }) => equal === false && wanted(name));
  // What a run was given comes before all that it did with it.
  const input = stream((name) => name === "stdin");
  if (input !== undefined) return ofStream(input);
  const inside = firstInSteps(steps, draws.first);
  if (inside !== undefined) return inside;
  const written = stream((name) => name !== "stdin");
  if (written !== undefined) return ofStream(written);
  const none = { aStep: undefined, bStep: undefined };
  if (!exit.equal) {
    const fields = () => [{ path: "exit", pathB: undefined, a: exit.a, b: exit.b }];
    return { kind: "exit", ...none, where: "the end of the run", fields };
  }
  // Clock readings differ between any two recordings; they are the difference only where nothing else is.
  if (draws.firstClock !== undefined) return ofDraw(draws.firstClock);
  if (event === undefined) return undefined;
  const { kind, lane, requests, a, b } = event;
  const process = lane === 0 ? "" : ` of process ${lane}`;
  return {
    kind,
    ...none,
    where: `after ${requests} request${requests === 1 ? "" : "s"}${process}`,
    fields: () => [{ path: "event", pathB: undefined, a, b }],
  };
}

function lanesOf(run: ComparedRun): number[] {
  return [...new Set(run.events().map(({ lane }) => lane))];
}

/** Processes that stand for each other, those without a request included: these by their numbers. */
function allLanes(
  paired: readonly (readonly [number | undefined, number | undefined])[],
  a: ComparedRun,
  b: ComparedRun,
): (readonly [number | undefined, number | undefined])[] {
  const rest = (run: ComparedRun, side: 0 | 1) =>
    lanesOf(run).filter((lane) => !paired.some((pair) => pair[side] === lane));
  const [restA, restB] = [rest(a, 0), rest(b, 1)];
  const more = Array.from(
    { length: Math.max(restA.length, restB.length) },
    (_, i) => [restA[i], restB[i]] as const,
  );
  return [...paired, ...more];
}

/** See the head of this file. @throws TraceforkError TF_TAPE_DAMAGED where a part of a tape can't be read. */
export function diffRuns(a: ComparedRun, b: ComparedRun, ignore: Ignore, core: Core): RunDiff {
  const [foundA, foundB] = [readExchanges(a), readExchanges(b)];
  const [stepsA, stepsB] = [stepsOf(foundA.exchanges, ignore, core), stepsOf(foundB.exchanges, ignore, core)];
  const likeness = (x: Step, y: Step) => requestLikeness(x.sketch(), y.sketch());
  const aligned = alignSteps(stepsA, stepsB, likeness);
  const lanes = allLanes(pairLanes(stepsA, stepsB, likeness), a, b);
  const steps = aligned.map((each) => stepDiff(each, stepsA, stepsB, ignore));
  const draws = diffDraws(foundA, foundB, aligned, lanes, ignore);
  const output = STREAMS.map((name) => streamDiff(name, a, b, ignore));
  const exit = { a: a.exit, b: b.exit, equal: a.exit === b.exit || ignore.covers(["exit"]) };
  const same = !steps.some(differs) && draws.differing === 0 && exit.equal &&
    output.every(({ equal }) => equal !== false);
  const event = same ? diffEvents(a.events(), b.events(), lanes, ignore) : undefined;
  const parts = {
    steps,
    exchanges: { a: foundA.exchanges, b: foundB.exchanges },
    draws,
    output,
    exit,
    event,
  };
  const first = firstOf(parts);
  return { equal: first === undefined, first, ...parts };
}
