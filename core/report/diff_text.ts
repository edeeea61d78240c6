/**
 * A comparison of two runs for people: how they are related, where they first differ, all steps with equal stretches
 * folded, then draws, output and end.
 */

import type { FirstDifference, RunDiff, StepDiff } from "../analyse/diff.ts";
import type { Exchange } from "../analyse/exchanges.ts";
import type { Kinship } from "../analyse/kinship.ts";
import { fromUtf8 } from "../base/bytes.ts";
import { readRequest, readResponse } from "../provider/read.ts";
import { type ChangeStyle, fieldsText, valueText } from "./change_text.ts";
import { printable } from "./table.ts";

/** What is told of a run besides its comparison. */
export interface DiffedRun {
  readonly id: string;
  readonly name: string | undefined;
  readonly state: string;
  readonly command: readonly string[];
  /** All draws of it. */
  readonly draws: number;
}

/** A comparison with what stands around it. */
export interface DiffView {
  readonly a: DiffedRun;
  readonly b: DiffedRun;
  readonly kinship: Kinship;
  readonly diff: RunDiff;
  /** Rules that were given. */
  readonly ignored: readonly string[];
  /** False where one of the tapes is not what was recorded: then nothing proves that they are equal. */
  readonly intact: boolean;
}

const KINDS: Record<FirstDifference["kind"], string> = {
  input: "input",
  order: "order",
  missing: "missing step",
  extra: "extra step",
  request: "request",
  response: "response",
  draw: "draw",
  output: "output",
  exit: "exit",
  event: "event",
};

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function runLine(side: "a" | "b", run: DiffedRun, { diff }: DiffView): string {
  const { id, name, state, command, draws } = run;
  const facts = [
    many(diff.exchanges[side].length, "step"),
    many(draws, "draw"),
    `exit ${diff.exit[side] ?? "unknown"}`,
    ...(state === "complete" ? [] : [state]),
  ];
  const shown = printable(`${id}${name === undefined ? "" : ` ${name}`}  "${command.join(" ")}"`);
  return `  ${side}  ${shown}  ${printable(facts.join(", "))}\n`;
}

function kinshipText({ relation, forkStep, events, link, steps, proven }: Kinship, equal: boolean): string {
  const shared = events === 0
    ? "the chains share no event"
    : `the chains are equal over ${many(events, "event")} and ${many(steps, "request")}, link ${
      link!.slice(0, 12)
    }…`;
  switch (relation) {
    case "same":
      // An altered copy keeps the id.
      return equal
        ? "  a and b are the same run\n"
        : `  a and b have one id, but are not the same: ${shared}\n`;
    case "none":
      return `  two recordings: ${shared}\n`;
    default: {
      const what = relation === "branch"
        ? `b is a branch of a, forked at step ${forkStep}`
        : relation === "parent"
        ? `a is a branch of b, forked at step ${forkStep}`
        : `a and b are branches of one run, equal up to step ${forkStep}`;
      return `  ${what}\n  ${proven ? "proven" : "NOT PROVEN"}: ${shared}${
        proven ? "" : "; the parent was changed since, or its fork was"
      }\n`;
    }
  }
}

function placeOf(exchange: Exchange | undefined): string {
  if (exchange === undefined) return "";
  const { method, url } = exchange.request;
  try {
    const { host, pathname } = new URL(url);
    return printable(`${method} ${host}${pathname}`);
  } catch {
    return printable(`${method} ${url}`);
  }
}

function label({ a, b }: StepDiff): string {
  return a === b ? String(a) : `${a ?? "-"}/${b ?? "-"}`;
}

function isEqual({ status, aspects }: StepDiff): boolean {
  return status === "equal" && aspects.length === 0;
}

function outcome(step: StepDiff): string {
  if (step.status === "only_a") return "only in a";
  if (step.status === "only_b") return "only in b";
  return step.aspects.join(", ");
}

function foldedLine(steps: readonly StepDiff[]): string {
  const [first, last] = [label(steps[0]!), label(steps.at(-1)!)];
  const range = steps.length === 1 ? first : `${first} … ${last}`;
  return `    ${range.padEnd(11)}  equal${steps.length === 1 ? "" : ` (${steps.length} steps)`}\n`;
}

function stepLine(step: StepDiff, isFirst: boolean, { diff }: DiffView): string {
  const place = placeOf(diff.exchanges.a[step.a ?? -1] ?? diff.exchanges.b[step.b ?? -1]);
  const more = step.count > 1 ? ` and ${many(step.count - 1, "more field")}` : "";
  const fields = step.firstPath === undefined ? "" : `  ${printable(step.firstPath)}${more}`;
  return `  ${isFirst ? ">" : " "} ${label(step).padEnd(11)}  ${outcome(step).padEnd(17)}  ${place}${
    isFirst ? "" : fields
  }\n`;
}

/** What a step that has no counterpart is about. */
function aloneText(exchange: Exchange, style: ChangeStyle): string {
  const { request, head } = exchange;
  const body = exchange.requestBody();
  const type = head?.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  const answered = exchange.responseBody();
  const asked = body && (readRequest(request.url, body)?.lastUserText ?? fromUtf8(body));
  const answer = readResponse(type, answered);
  const calls = answer?.toolCalls.map(({ name, arguments: json }) => `${name}(${json})`) ?? [];
  const said = answer === undefined ? fromUtf8(answered) : [answer.text, ...calls].filter(Boolean).join(" ");
  const line = (name: string, text: string | undefined) =>
    text === undefined || text === "" ? "" : `        ${name.padEnd(8)}  ${valueText(text, style)}\n`;
  return line("asked", asked) + line("answered", said);
}

function stepsText(view: DiffView, style: ChangeStyle): string {
  const { steps } = view.diff;
  const firstAt = steps.findIndex((step) => !isEqual(step));
  let text = "";
  let folded: StepDiff[] = [];
  const unfold = () => {
    if (folded.length > 0) text += foldedLine(folded);
    folded = [];
  };
  steps.forEach((step, at) => {
    if (isEqual(step)) return void folded.push(step);
    unfold();
    const detailed = at === firstAt || style.full;
    text += stepLine(step, at === firstAt, view);
    const alone = step.status === "only_a"
      ? view.diff.exchanges.a[step.a!]
      : step.status === "only_b"
      ? view.diff.exchanges.b[step.b!]
      : undefined;
    if (detailed && alone !== undefined) text += aloneText(alone, style);
    else if (detailed) text += fieldsText(step.fields(), " ".repeat(8), style);
  });
  unfold();
  return text;
}

function drawsText({ diff: { draws } }: DiffView): string {
  if (draws.differing === 0) return draws.a === 0 ? "" : `  draws    equal (${draws.a})\n`;
  const first = draws.first ?? draws.firstClock!;
  const show = (draw: { kind: string; value: string } | undefined) =>
    draw === undefined ? "(nothing)" : printable(`${draw.kind} ${draw.value}`);
  const after = first.aStep ?? first.bStep;
  const where = after === undefined ? "before the first step" : `after step ${after}`;
  return `  draws    ${draws.a} in a, ${draws.b} in b, ${many(draws.differing, "difference")}${
    draws.first === undefined ? ", clock readings only" : ""
  }; ${where}: ${show(first.a)} / ${show(first.b)}\n`;
}

function endText({ diff: { output, exit, first } }: DiffView, style: ChangeStyle): string {
  const streams = output.flatMap(({ name, equal, fields }) => {
    if (equal === undefined) return [];
    const shown = !equal && style.full && first?.where !== name
      ? fieldsText(fields(), " ".repeat(8), style)
      : "";
    return [`  ${name.padEnd(7)}  ${equal ? "equal" : "differs"}\n${shown}`];
  });
  const sign = exit.a === exit.b ? "=" : exit.equal ? "≠ (ignored)" : "≠";
  const ends = printable(`${exit.a ?? "unknown"} ${sign} ${exit.b ?? "unknown"}`);
  return `${streams.join("")}  exit     ${ends}\n`;
}

/** The whole comparison. */
export function diffText(view: DiffView, style: ChangeStyle): string {
  const { diff, kinship, ignored } = view;
  const { first } = diff;
  // A step's fields stand with its line; what is no step has no line of its own.
  const inSteps = first !== undefined &&
    ["order", "missing", "extra", "request", "response"].includes(first.kind) &&
    diff.event === undefined;
  const head = first === undefined
    ? ""
    : `  first difference: ${KINDS[first.kind]}, ${printable(first.where)}\n${
      inSteps ? "" : fieldsText(first.fields(), " ".repeat(4), style)
    }\n`;
  return [
    runLine("a", view.a, view),
    runLine("b", view.b, view),
    kinshipText(kinship, diff.equal),
    ...(ignored.length === 0 ? [] : [`  ignored: ${printable(ignored.join(", "))}\n`]),
    "\n",
    head,
    stepsText(view, style),
    diff.steps.length === 0 ? "" : "\n",
    drawsText(view),
    endText(view, style),
    `  RESULT: ${
      !diff.equal ? "DIFFERENT" : view.intact ? "EQUAL" : "NOT PROVEN EQUAL: a tape is damaged"
    }\n`,
  ].join("");
}
