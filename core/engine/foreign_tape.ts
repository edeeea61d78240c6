/**
 * What another program recorded, as a tape of ours: its exchanges become events with a chain, a fingerprint and a
 * seal, so that it can be listed, shown, verified and compared. It says where it comes from and what its source did
 * not keep. It can't be replayed: a replay would have to make up the rest.
 */

import { VERSION } from "../base/version.ts";
import { HAR_UNKNOWN, type HarExchange } from "../analyse/har.ts";
import { LaneLog } from "../session/lane_log.ts";
import { parseRedactRules, Redactor } from "../session/redact.ts";
import { closeRun } from "../store/close.ts";
import type { Database } from "../store/database.ts";
import { LaneWriter } from "../store/lane_writer.ts";
import { createRun, type Imported, joinLane } from "../store/runs.ts";
import { TEXT } from "../tape/draws.ts";
import { SEED_UNKNOWN, type SeedTape } from "../tape/seed.ts";
import type { Core } from "../../wasm/core.ts";

/** Where a run of another program is to stand, and what it says about itself. */
export interface ForeignRun {
  readonly id: string;
  readonly name: string | undefined;
  readonly note: string | undefined;
  /** Microseconds since 1970; 0 where unknown. */
  readonly created: number;
  readonly parent: string | undefined;
  readonly forkStep: number | undefined;
  readonly imported: Imported;
}

/** Writes one event at this time, in microseconds since the run began. */
type At = (at: number, write: (log: LaneLog) => void) => void;

function writeRun(db: Database, core: Core, run: ForeignRun, fill: (at: At) => void): void {
  const { id, name, created, imported } = run;
  const about = {
    command: [],
    cwd: "",
    engine: VERSION,
    platform: "unknown",
    captured: [],
    secrets: [],
    redact: "",
    files: {},
    ambient: {},
    timezone: "UTC",
    imported,
  };
  const key = createRun(db, { id, name, created, about, writer: 0 });
  db.prepare("UPDATE runs SET parent = ?, fork_step = ?, note = ? WHERE key = ?")
    .run(run.parent ?? null, run.forkStep ?? null, run.note ?? null, key);
  const lane = joinLane(db, key, { pid: 0, runtime: "imported", argv: [], started: created });
  let now = 0;
  const writer = new LaneWriter(db, core, "the imported run", key, lane, () => now);
  const log = new LaneLog(core, writer, lane);
  fill((at, write) => {
    now = Math.max(now, at);
    write(log);
  });
  log.closePack();
  writer.ending = true;
  writer.commit();
  if (writer.failure !== undefined) throw writer.failure;
  closeRun(db, core, key, { code: undefined, signal: undefined, ended: created + now });
}

/** Nothing is taken out: the seed's fingerprint is over these very bytes. */
const AS_IT_IS = new Redactor(parseRedactRules("off"), []);
/** Stands for the URL, which a seed tape lacks. The path is that of the one API that the seed records. */
const SEED_URL = "seed:///v1/messages";

function sniffedType(body: Uint8Array): string {
  const start = new TextDecoder().decode(body.subarray(0, 16));
  return /^(?:event|data|id|:)/.test(start) ? "text/event-stream" : "application/json";
}

/** A seed tape as a run. `run.imported` is completed here. */
export function writeSeedRun(
  db: Database,
  core: Core,
  run: Omit<ForeignRun, "imported">,
  tape: SeedTape,
  from: { readonly file: string; readonly fingerprint: string; readonly prefix?: SeedTape["exchanges"] },
): void {
  const imported: Imported = {
    format: "seed",
    file: from.file,
    unknown: SEED_UNKNOWN,
    seed_fingerprint: from.fingerprint,
    seed_meta: { boundary: tape.boundary, agent_name: tape.agentName },
  };
  writeRun(db, core, { ...run, imported }, (at) => {
    at(0, (log) => {
      for (const drawn of tape.draws) log.draw(TEXT, JSON.stringify(drawn));
    });
    for (const [op, [request, response]] of [...from.prefix ?? [], ...tape.exchanges].entries()) {
      at(0, (log) => {
        const body = log.requestBody(request, AS_IT_IS);
        log.event({ type: "request", op, method: "POST", url: SEED_URL, headers: [], body, options: "" });
        log.event({
          type: "head",
          op,
          status: 200,
          statusText: "",
          headers: [["content-type", sniffedType(response)]],
          url: undefined,
          redirected: false,
          kind: "basic",
          hasBody: true,
        });
        log.event({ type: "chunk", op, body: log.answerBody(response, AS_IT_IS) });
        log.event({ type: "end", op });
      });
    }
  });
}

/** A HAR document as a run. Secrets are taken out, as when a run is recorded. */
export function writeHarRun(
  db: Database,
  core: Core,
  run: Omit<ForeignRun, "imported" | "created">,
  exchanges: readonly HarExchange[],
  from: { readonly file: string; readonly redact: string },
): void {
  const redactor = new Redactor(parseRedactRules(from.redact), []);
  // All keys are learned before anything is written: one that a header names may stand in an earlier body.
  const clean = exchanges.map((each) => ({
    headers: redactor.requestHeaders(each.headers),
    url: redactor.url(each.url),
    answered: redactor.responseHeaders(each.response?.headers ?? []),
  }));
  const created = exchanges[0]?.startedAt ?? 0;
  const steps = exchanges.flatMap((each, op) => stepsOf(each, op, clean[op]!, redactor));
  const imported: Imported = { format: "har", file: from.file, unknown: HAR_UNKNOWN };
  writeRun(db, core, { ...run, created, imported }, (at) => {
    // A stable sort: what one entry says of itself stays in its order.
    for (const step of steps.toSorted((a, b) => a.at - b.at)) at(step.at - created, step.write);
  });
}

interface Step {
  readonly at: number;
  readonly write: (log: LaneLog) => void;
}

function stepsOf(
  each: HarExchange,
  op: number,
  clean: {
    readonly headers: HarExchange["headers"];
    readonly url: string;
    readonly answered: HarExchange["headers"];
  },
  redactor: Redactor,
): Step[] {
  const { method, response, startedAt, headAt, endedAt } = each;
  const request: Step = {
    at: startedAt,
    write: (log) => {
      const body = each.body && log.requestBody(each.body, redactor);
      const { url, headers } = clean;
      log.event({ type: "request", op, method, url, headers, body, options: "" });
    },
  };
  if (response === undefined) {
    const message = redactor.text(each.error);
    const error = {
      class: "TypeError",
      name: "TypeError",
      message,
      stack: undefined,
      fields: "{}",
      cause: undefined,
      errors: [],
    };
    return [request, { at: endedAt, write: (log) => log.event({ type: "fail", op, error }) }];
  }
  const hasBody = response.body.length > 0;
  const { status, statusText } = response;
  const head: Step = {
    at: headAt,
    write: (log) =>
      log.event({
        type: "head",
        op,
        status,
        statusText,
        headers: clean.answered,
        url: undefined,
        redirected: false,
        kind: "basic",
        hasBody,
      }),
  };
  if (!hasBody) return [request, head];
  return [request, head, {
    at: endedAt,
    write: (log) => {
      log.event({ type: "chunk", op, body: log.answerBody(response.body, redactor) });
      log.event({ type: "end", op });
    },
  }];
}
