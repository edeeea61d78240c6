/**
 * Proves a run from its file alone, without its agent: every event's encoding, every link, every body's
 * digest, the closing event against what is stored, the seal over times and surroundings. Names the first
 * place that is wrong in each of these.
 */

import { sameBytes, TextlessReader } from "../base/bytes.ts";
import { messageOf } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import {
  bodyOf,
  type BodyRef,
  decodeEvent,
  type ExitEvent,
  isDelivery,
  type TapeEvent,
  TYPE,
} from "../tape/events.ts";
import { chainHeader } from "../tape/format.ts";
import type { Core } from "../../wasm/core.ts";
import type { Database } from "./database.ts";
import { lanesOf, type Run, sealOf } from "./runs.ts";
import { BodyProver } from "./body_prover.ts";
import { outputOf, type StoredEvent, tapeSource } from "./tape_reader.ts";

/** One thing that is wrong. */
export interface Flaw {
  readonly what: "event" | "link" | "body" | "output" | "closing" | "seal" | "order";
  readonly lane: number;
  /** Number of the event, where it is one. */
  readonly seq: number | undefined;
  /** Number of the exchange that it belongs to, or that came next. */
  readonly step: number;
  readonly message: string;
}

/** What a verification found. */
export interface Verification {
  readonly intact: boolean;
  readonly flaws: readonly Flaw[];
  readonly events: number;
  readonly bodies: number;
  readonly exchanges: number;
  readonly draws: number;
  readonly deliveries: number;
  /** The recomputed last link. */
  readonly fingerprint: Uint8Array;
}

const MAX_FLAWS = 20;

/** The first event that names a body, with what it says of it. */
interface Named extends BodyRef {
  readonly lane: number;
  readonly seq: number;
  readonly step: number;
}

/** A run whose events were read and whose bodies are still to be proven. */
export interface OpenVerification {
  /** The bodies that its events name, by digest in hex. */
  readonly named: ReadonlyMap<string, BodyRef>;
  /** Takes what `BodyProver.prove` says of them, and draws the conclusions. */
  conclude(bodyFlaws: ReadonlyMap<string, string>): Verification;
}

/**
 * See the head of this file. `prover` may be shared by runs of one file: what they have in common is then proven
 * once.
 */
export function verifyRun(
  db: Database,
  core: Core,
  run: Run,
  prover: BodyProver = new BodyProver(db, core),
): Verification {
  const open = verifyEvents(db, core, run);
  return open.conclude(prover.prove(open.named));
}

/** The first part of `verifyRun`: everything but the bodies. */
export function verifyEvents(db: Database, core: Core, run: Run): OpenVerification {
  const source = tapeSource(db, core, run.key);
  const rows = source.events();
  const flaws: Flaw[] = [];
  const named = new Map<string, Named>();
  const links = new Map<number, Uint8Array>();
  const counts = { exchanges: 0, draws: 0, deliveries: 0 };
  const requestOps = new Map<string, number>();
  let closing: ExitEvent | undefined;
  let expectedSeq = 0;
  let lane = -1;

  const flaw = (what: Flaw["what"], seq: number | undefined, step: number, message: string) => {
    if (flaws.length < MAX_FLAWS) flaws.push({ what, lane: Math.max(0, lane), seq, step, message });
  };

  for (const row of rows) {
    if (row.lane !== lane) {
      lane = row.lane;
      expectedSeq = 0;
      links.set(lane, core.sha256(chainHeader(lane)));
    }
    if (row.seq !== expectedSeq) flaw("order", row.seq, counts.exchanges, `event ${expectedSeq} is missing`);
    expectedSeq = row.seq + 1;
    const link = core.chainNext(links.get(lane)!, row.body);
    let step = counts.exchanges;
    let event: TapeEvent | undefined;
    try {
      // Of texts only the closing event's are looked at.
      const whole = row.body[0] === TYPE.exit;
      event = whole ? decodeEvent(row.body) : decodeEvent(row.body, new TextlessReader(row.body));
    } catch (error) {
      flaw("event", row.seq, step, messageOf(error));
    }
    if (event !== undefined) {
      if (event.type === "request") {
        requestOps.set(`${lane}:${event.op}`, counts.exchanges);
        counts.exchanges++;
      } else if ("op" in event) step = requestOps.get(`${lane}:${event.op}`) ?? step;
      if (TYPE[event.type] !== row.type) flaw("event", row.seq, step, "its type column says something else");
      if (event.type === "draws") counts.draws += event.count;
      if (isDelivery(event)) counts.deliveries++;
      if (event.type === "exit") closing = event;
    }
    if (!sameBytes(link, row.link)) {
      flaw("link", row.seq, step, "the chain breaks here: this event is not what was recorded");
    }
    links.set(lane, row.link);
    const body = event && bodyOf(event);
    const name = body && toHex(body.digest);
    if (body !== undefined && !named.has(name!)) named.set(name!, { ...body, lane, seq: row.seq, step });
  }
  const conclude = (bodyFlaws: ReadonlyMap<string, string>): Verification => {
    for (const [name, message] of bodyFlaws) {
      const at = named.get(name)!;
      lane = at.lane;
      flaw("body", at.seq, at.step, message);
    }
    lane = 0;
    const fingerprint = links.get(0) ?? core.sha256(chainHeader(0));
    if (run.state === "complete" || run.fingerprint !== undefined) {
      checkClosing(
        db,
        core,
        run,
        closing,
        links,
        fingerprint,
        rows,
        (what, message) => flaw(what, undefined, counts.exchanges, message),
      );
    }
    return {
      intact: flaws.length === 0,
      flaws,
      events: rows.length,
      bodies: named.size,
      ...counts,
      fingerprint,
    };
  };
  return { named, conclude };
}

function checkClosing(
  db: Database,
  core: Core,
  run: Run,
  closing: ExitEvent | undefined,
  links: ReadonlyMap<number, Uint8Array>,
  fingerprint: Uint8Array,
  rows: readonly StoredEvent[],
  flaw: (what: Flaw["what"], message: string) => void,
): void {
  if (closing === undefined) return flaw("closing", "the closing event is missing");
  if (run.fingerprint === undefined || !sameBytes(run.fingerprint, fingerprint)) {
    flaw("closing", "the run's fingerprint is not its last link");
  }
  if (closing.code !== run.exitCode || closing.signal !== run.exitSignal) {
    flaw("closing", "the run's exit status is not that of its closing event");
  }
  const others = lanesOf(db, run.key).filter((each) => each.lane > 0);
  const header = (lane: number) => core.sha256(chainHeader(lane));
  const ok = closing.lanes.length === others.length &&
    others.every((each, i) => sameBytes(closing.lanes[i]!, links.get(each.lane) ?? header(each.lane)));
  if (!ok) flaw("closing", "the other lanes do not end with the links that the closing event names");
  const streams = ["stdin", "stdout", "stderr"] as const;
  for (const [stream, name] of streams.entries()) {
    const said = closing[name];
    if (said === undefined) continue;
    const kept = outputOf(db, run.key, stream as 0 | 1 | 2);
    if (kept.length !== said.size || !sameBytes(core.sha256(kept), said.digest)) {
      flaw("output", `${name} is not what was recorded`);
    }
  }
  if (run.seal === undefined || !sameBytes(run.seal, sealOf(db, core, run.key, fingerprint, rows))) {
    flaw("seal", "the times or what the run says about itself are not what was recorded");
  }
}
