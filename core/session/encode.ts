/**
 * From what seams say to what a tape holds: asks and deliveries become events, with secrets taken out and
 * bodies put aside. Recorder and replayer both go through here.
 */

import type { ErrorShape, RequestEvent, TapeEvent } from "../tape/events.ts";
import type { LaneLog } from "./lane_log.ts";
import type { Redactor } from "./redact.ts";
import type { Ask, Delivery, RequestAsk } from "./session.ts";

function redactError(error: ErrorShape, redactor: Redactor): ErrorShape {
  return {
    ...error,
    message: error.message === undefined ? undefined : redactor.text(error.message),
    stack: error.stack === undefined ? undefined : redactor.text(error.stack),
    cause: error.cause && redactError(error.cause, redactor),
    errors: error.errors.map((each) => redactError(each, redactor)),
  };
}

function bodyOf(body: RequestAsk["body"], log: LaneLog, redactor: Redactor): RequestEvent["body"] {
  if (body === undefined || body === "later") return body;
  return log.requestBody(body instanceof Uint8Array ? body : body.text, redactor);
}

/** The event that stands for what the program asked for. */
export function encodeAsk(op: number, ask: Ask, log: LaneLog, redactor: Redactor): TapeEvent {
  if (ask.type === "timer") return { type: "timer", op, kind: ask.kind, delay: ask.delay };
  return {
    type: "request",
    op,
    method: ask.method,
    url: redactor.url(ask.url),
    headers: redactor.requestHeaders(ask.headers),
    body: bodyOf(ask.body, log, redactor),
    options: ask.options,
  };
}

/** The event that stands for what the program was given. */
export function encodeDelivery(op: number, delivery: Delivery, log: LaneLog, redactor: Redactor): TapeEvent {
  switch (delivery.type) {
    case "sent":
      return { type: "sent", op, body: log.requestBody(delivery.bytes, redactor) };
    case "head":
      return {
        ...delivery,
        op,
        headers: redactor.responseHeaders(delivery.headers),
        url: delivery.url === undefined ? undefined : redactor.url(delivery.url),
      };
    case "chunk":
      return { type: "chunk", op, body: log.answerBody(delivery.bytes, redactor) };
    case "end":
      return { type: "end", op };
    case "fail":
      return { type: "fail", op, error: redactError(delivery.error, redactor) };
    case "fire":
      return { type: "fire", op, value: delivery.value };
  }
}
