/**
 * `tracefork show`: look at a run, or at one of its exchanges. What was recorded reaches the terminal escaped, and
 * as it is only with `--raw`.
 */

import process from "node:process";
import { type Exchange, readExchanges, type RunExchanges } from "../analyse/exchanges.ts";
import { EXIT, TraceforkError } from "../base/errors.ts";
import { findRun, type FoundRun, parseTapeRef } from "../store/find.ts";
import { tapeSource } from "../store/tape_reader.ts";
import type { Core } from "../../wasm/core.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { viewRun } from "./show/run_view.ts";
import { chunksText, drawRows, drawsText, stepJson, stepText } from "./show/step_view.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

/** Flags that say which part of an exchange is wanted. */
const PARTS = ["request", "response", "raw", "chunks", "draws"] as const;

/** Flags that exclude each other. */
const EITHER_OR = [
  ["request", "response"],
  ["request", "chunks"],
  ["raw", "chunks", "draws"],
  ["raw", "json"],
] as const;

/** What shows bytes as they are: a terminal's or a pipe's `write`, unless a test gives another. */
interface ByteIo extends Io {
  outBytes?(bytes: Uint8Array): void;
}

function checkFlags(call: Call, step: number | undefined): void {
  for (const names of EITHER_OR) {
    const given = names.filter((name) => on(call, name));
    if (given.length > 1) {
      const flags = given.map((name) => `--${name}`).join(" and ");
      throw new TraceforkError("TF_USAGE", `Cannot show ${flags} at once`, { hint: "give one of them" });
    }
  }
  const part = PARTS.find((name) => name !== "draws" && on(call, name));
  if (step !== undefined || part === undefined) return;
  throw new TraceforkError("TF_USAGE", `Cannot show a whole run with --${part}: it wants a step`, {
    hint: `name one: tracefork show ${call.args[0] ?? "latest"}:0 --${part}`,
  });
}

function pick(exchanges: readonly Exchange[], step: number, tape: string): Exchange {
  const found = exchanges[step];
  if (found !== undefined) return found;
  const { length } = exchanges;
  const range = length === 0
    ? "it holds no exchange"
    : length === 1
    ? "its only step is 0"
    : `its steps are 0 to ${length - 1}`;
  throw new TraceforkError("TF_STEP_OUT_OF_RANGE", `Cannot show step ${step} of ${tape}: ${range}`, {
    hint: `\`tracefork show ${tape}\` lists the steps`,
  });
}

function showRaw(exchange: Exchange, ofRequest: boolean, io: ByteIo): void {
  const bytes = ofRequest ? exchange.requestBody() : exchange.responseBody();
  if (bytes === undefined || bytes.length === 0) {
    io.note(`tracefork: step ${exchange.step} has no ${ofRequest ? "request" : "response"} body\n`);
  } else if (io.outBytes !== undefined) io.outBytes(bytes);
  else process.stdout.write(bytes);
}

function showStep(tape: string, exchange: Exchange, call: Call, io: Io): void {
  const sides = { request: !on(call, "response"), response: !on(call, "request") };
  if (on(call, "raw")) showRaw(exchange, on(call, "request"), io);
  else if (on(call, "json")) io.out(document("show", stepJson(tape, exchange, sides)));
  else if (on(call, "chunks")) io.out(chunksText(exchange, io));
  else if (on(call, "draws")) io.out(drawsText(drawRows([exchange]), io));
  else io.out(stepText(tape, exchange, sides));
}

function showRun(tape: FoundRun, found: RunExchanges, core: Core, call: Call, io: Io): number {
  // A lane's early draws stand before its first step.
  const groups = on(call, "draws")
    ? [...found.early, ...found.exchanges].toSorted((a, b) => a.lane - b.lane)
    : [];
  if (on(call, "draws") && !on(call, "json")) {
    io.out(drawsText(drawRows(groups), io));
    return EXIT.ok;
  }
  const view = viewRun(tape, found, core, io);
  const extra = on(call, "draws") ? { draw_list: drawRows(groups) } : {};
  io.out(on(call, "json") ? document("show", { ...view.json, ...extra }) : view.text);
  for (const damage of view.damages) io.note(`tracefork: ${damage} (TF_TAPE_DAMAGED)\n`);
  return view.damages.length === 0 ? EXIT.ok : EXIT.tape;
}

async function run(call: Call, io: Io): Promise<number> {
  const where = { cwd: io.cwd, env: (name: string) => io.env[name] };
  const { tape: name, step } = parseTapeRef(call.args[0] ?? "latest", io.cwd);
  checkFlags(call, step);
  const tape = findRun(name, where, text(call, "store"), true);
  try {
    const core = createWasmCore();
    const found = readExchanges(tapeSource(tape.db, core, tape.run.key));
    if (step === undefined) return await Promise.resolve(showRun(tape, found, core, call, io));
    showStep(tape.run.id, pick(found.exchanges, step, name), call, io);
    return EXIT.ok;
  } finally {
    tape.db.close();
  }
}

export const showVerb: Verb = {
  name: "show",
  group: "look",
  summary: "look at a run, or at one exchange of it",
  usage: "[tape[:step]] [--request | --response] [--raw | --chunks | --draws | --json]",
  args: ["[tape]"],
  about:
    "Without a step: what the run says about itself, and a line for each exchange with what the model said in it. With\n" +
    "a step: that exchange in full, with the text, tool calls and usage put together from a streamed answer. Sizes are\n" +
    "in bytes, times in milliseconds. Control characters of recorded text are shown escaped; only --raw writes them as\n" +
    "they are. A step that does not exist is exit code 2, a damaged body 4.",
  flags: [
    STORE_FLAG,
    { flags: "--request", help: "only the request" },
    { flags: "--response", help: "only the response" },
    {
      flags: "--raw",
      help: "the exact bytes of the response's body (with --request: the request's), nothing else",
    },
    { flags: "--chunks", help: "one line a chunk of the response: number, ms, bytes, how it begins" },
    {
      flags: "--draws",
      help: "values drawn after this request and before the next; without a step, all of the run",
    },
    JSON_FLAG,
  ],
  examples: [
    ["tracefork show", "the latest run"],
    ["tracefork show latest:3", "its fourth exchange"],
    ["tracefork show bug.tape:0 --request --raw | jq .messages", "what was asked first"],
    ["tracefork show --json | jq '.exchanges[].duration_ms'", "for scripts"],
  ],
  run,
};
