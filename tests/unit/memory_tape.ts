/** A tape in memory, written by the log that the recorder writes through, for tests of what reads tapes. */

import type { ExchangeSource } from "../../core/analyse/exchanges.ts";
import { TraceforkError } from "../../core/base/errors.ts";
import { toHex } from "../../core/base/hex.ts";
import { LaneLog, type Sink } from "../../core/session/lane_log.ts";
import { parseRedactRules, Redactor } from "../../core/session/redact.ts";
import { createRefCore } from "../../wasm/ref.ts";

const core = createRefCore();
/** Takes nothing out. */
export const OPEN = new Redactor(parseRedactRules("off"), []);

/** A stored event. */
export interface Row {
  readonly lane: number;
  readonly seq: number;
  readonly at: number;
  body: Uint8Array;
}

/** A tape in memory. Each event comes 1000 µs after the one before, over all lanes. */
export class MemoryTape implements ExchangeSource {
  readonly rows: Row[] = [];
  readonly bodies = new Map<string, Uint8Array>();
  reads = 0;

  lane(lane: number): LaneLog {
    const sink: Sink = {
      append: (seq, _type, body) => {
        const known = this.rows.findIndex((row) => row.lane === lane && row.seq === seq);
        const at = this.rows.length * 1000;
        if (known >= 0) this.rows[known]!.body = body.slice();
        else this.rows.push({ lane, seq, at, body: body.slice() });
      },
      body: (digest, body) => void this.bodies.set(toHex(digest), body.bytes()),
    };
    return new LaneLog(core, sink, lane);
  }

  events(): Row[] {
    return this.rows.toSorted((a, b) => a.lane - b.lane || a.seq - b.seq);
  }

  body(digest: Uint8Array): Uint8Array {
    this.reads++;
    const bytes = this.bodies.get(toHex(digest));
    if (bytes === undefined) throw new TraceforkError("TF_TAPE_DAMAGED", "Cannot read body: it is missing");
    return bytes;
  }
}

/** A request with `body`, to a path of its own. */
export function request(log: LaneLog, op: number, body?: string | "later", path = `/${op}`): void {
  log.event({
    type: "request",
    op,
    method: body === undefined ? "GET" : "POST",
    url: `http://api.example${path}`,
    headers: [["accept", "*/*"]],
    body: body === undefined || body === "later" ? body : log.requestBody(body, OPEN),
    options: "",
  });
}

/** An answer's head: 200 with an event stream, or 204. */
export function head(log: LaneLog, op: number, hasBody = true): void {
  log.event({
    type: "head",
    op,
    status: hasBody ? 200 : 204,
    statusText: hasBody ? "OK" : "No Content",
    headers: [["content-type", "text/event-stream"]],
    url: undefined,
    redirected: false,
    kind: "basic",
    hasBody,
  });
}

/** A piece of the answer. */
export const chunk = (log: LaneLog, op: number, bytes: Uint8Array) =>
  log.event({ type: "chunk", op, body: log.answerBody(bytes, OPEN) });
/** The answer's end. */
export const end = (log: LaneLog, op: number) => log.event({ type: "end", op });
