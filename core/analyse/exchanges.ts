/**
 * From a run's stored events to its exchanges: each request with its response, how that ended, and the draws
 * that the program was given on the way to its next request. Bodies and draws are read only when they are asked
 * for, so a list of a long run costs its event rows and no more.
 *
 * It takes events as they stand; whether they are what was recorded is for `verify` to say. Only a body is
 * checked, by whoever serves it.
 */

import {
  type BodyRef,
  decodeEvent,
  type ErrorShape,
  type HeadEvent,
  type RequestEvent,
  type TapeEvent,
} from "../tape/events.ts";
import { damaged, LaneDraws, type ShownDraw } from "./lane_draws.ts";

/** What is needed of a tape; `tapeSource` of the store gives it. */
export interface ExchangeSource {
  /** Events by lane, then in order. `at` is in microseconds since the run began. */
  events(): readonly {
    readonly lane: number;
    readonly seq: number;
    readonly at: number;
    readonly body: Uint8Array;
  }[];
  /** A body's bytes. Throws where they are missing or changed. */
  body(digest: Uint8Array): Uint8Array;
}

/** A piece of a response's body, as it was handed to the program. */
export interface ExchangeChunk {
  /** Bytes. */
  readonly size: number;
  /** Microseconds since the run began. */
  readonly at: number;
  readonly digest: Uint8Array;
}

/**
 * How an exchange ended. `cancelled`: the program gave it up. `unread`: the head came, and the program ended
 * without having read the body to its end. `open`: the recording was cut off first, or the program ended before
 * anything came.
 */
export type ExchangeEnd = "complete" | "failed" | "cancelled" | "unread" | "open";

/** A request with its response. Times are microseconds since the run began. */
export interface Exchange {
  /** Number among the run's exchanges, from 0, in the order in which they were issued, lane by lane. */
  readonly step: number;
  readonly lane: number;
  readonly op: number;
  readonly request: RequestEvent;
  /** Bytes of the request's body; undefined where it has none, or where it was never read. */
  readonly requestSize: number | undefined;
  /** The response's head; undefined where none came. */
  readonly head: HeadEvent | undefined;
  readonly chunks: readonly ExchangeChunk[];
  /** Bytes of all chunks. */
  readonly responseSize: number;
  readonly end: ExchangeEnd;
  /** What it failed with, where `end` is `failed`. */
  readonly error: ErrorShape | undefined;
  readonly startedAt: number;
  readonly headAt: number | undefined;
  /** Undefined where `end` is `unread` or `open`. */
  readonly endedAt: number | undefined;
  /** How many draws came between this request and the lane's next one. */
  readonly drawCount: number;
  /** Those draws. @throws TraceforkError TF_TAPE_DAMAGED where a pack of draws can't be read. */
  draws(): readonly ShownDraw[];
  /** @throws what the source throws: TF_TAPE_DAMAGED where the body is missing or changed. */
  requestBody(): Uint8Array | undefined;
  /** The response's body as far as it came, whole. @throws as `requestBody` does. */
  responseBody(): Uint8Array;
  /** One chunk's bytes. @throws as `requestBody` does. */
  chunkBody(chunk: ExchangeChunk): Uint8Array;
}

/** A run's exchanges, and the draws that came before a lane's first request. */
export interface RunExchanges {
  readonly exchanges: readonly Exchange[];
  readonly early: readonly { readonly lane: number; readonly count: number; draws(): readonly ShownDraw[] }[];
}

interface Growing {
  readonly step: number;
  readonly lane: number;
  readonly request: RequestEvent;
  readonly startedAt: number;
  sent: BodyRef | undefined;
  head: HeadEvent | undefined;
  headAt: number | undefined;
  readonly chunks: ExchangeChunk[];
  end: "complete" | "failed" | "cancelled" | undefined;
  error: ErrorShape | undefined;
  endedAt: number | undefined;
  readonly span: Span;
}

/** A stretch of a lane between two requests. */
interface Span {
  readonly packs: LaneDraws;
  readonly from: number;
  to: number;
  count: number;
}

function apply(exchange: Growing, event: TapeEvent, at: number): void {
  const finish = (end: Growing["end"]) => {
    // The first ending counts: nothing is handed to the program after it.
    if (exchange.end !== undefined) return;
    exchange.end = end;
    exchange.endedAt = at;
  };
  switch (event.type) {
    case "sent":
      exchange.sent = event.body;
      break;
    case "head":
      exchange.head = event;
      exchange.headAt = at;
      if (!event.hasBody) finish("complete");
      break;
    case "chunk":
      exchange.chunks.push({ size: event.body.size, at, digest: event.body.digest });
      break;
    case "end":
      finish("complete");
      break;
    case "fail":
      exchange.error = event.error;
      finish("failed");
      break;
    case "cancel":
      finish("cancelled");
      break;
  }
}

function finished(grown: Growing, closed: boolean, source: ExchangeSource): Exchange {
  const { step, lane, request, head, headAt, chunks, error, startedAt, endedAt, span } = grown;
  const sent = typeof request.body === "object" ? request.body : grown.sent;
  const read = (body: BodyRef) => {
    const bytes = source.body(body.digest);
    if (bytes.length === body.size) return bytes;
    throw damaged(`a body of step ${step}`, `it has ${bytes.length} bytes, its event says ${body.size}`);
  };
  const responseSize = chunks.reduce((sum, { size }) => sum + size, 0);
  return {
    step,
    lane,
    op: request.op,
    request,
    requestSize: sent?.size,
    head,
    chunks,
    responseSize,
    end: grown.end ?? (closed && head !== undefined ? "unread" : "open"),
    error,
    startedAt,
    headAt,
    endedAt,
    drawCount: span.count,
    draws: () => span.packs.shown(span.from, span.to),
    requestBody: () => sent && read(sent),
    responseBody() {
      const whole = new Uint8Array(responseSize);
      let offset = 0;
      for (const chunk of chunks) {
        whole.set(read(chunk), offset);
        offset += chunk.size;
      }
      return whole;
    },
    chunkBody: read,
  };
}

/** See the head of this file. @throws TraceforkError TF_TAPE_DAMAGED where an event can't be read. */
export function readExchanges(source: ExchangeSource): RunExchanges {
  const grown: Growing[] = [];
  const early: { lane: number; span: Span }[] = [];
  let ops = new Map<number, Growing>();
  let lane: number | undefined;
  let span: Span | undefined;
  let closed = false;
  for (const row of source.events()) {
    if (row.lane !== lane || span === undefined) {
      lane = row.lane;
      ops = new Map();
      span = { packs: new LaneDraws(lane), from: 0, to: 0, count: 0 };
      early.push({ lane, span });
    }
    let event: TapeEvent;
    try {
      event = decodeEvent(row.body);
    } catch (error) {
      throw damaged(`event ${row.seq} of lane ${row.lane}`, error);
    }
    if (event.type === "draws") {
      span.packs.add(event);
      span.to = span.packs.length;
      span.count += event.count;
    } else if (event.type === "request") {
      span = { packs: span.packs, from: span.to, to: span.to, count: 0 };
      const exchange: Growing = {
        step: grown.length,
        lane,
        request: event,
        startedAt: row.at,
        sent: undefined,
        head: undefined,
        headAt: undefined,
        chunks: [],
        end: undefined,
        error: undefined,
        endedAt: undefined,
        span,
      };
      grown.push(exchange);
      ops.set(event.op, exchange);
    } else if (event.type === "exit") {
      // A signal stopped the program where it was, so what it hadn't read tells nothing about it.
      closed = event.signal === undefined;
    } else if ("op" in event) {
      const exchange = ops.get(event.op);
      if (exchange !== undefined) apply(exchange, event, row.at);
    }
  }
  return {
    exchanges: grown.map((each) => finished(each, closed, source)),
    early: early.filter(({ span }) => span.count > 0).map(({ lane, span }) => ({
      lane,
      count: span.count,
      draws: () => span.packs.shown(span.from, span.to),
    })),
  };
}
