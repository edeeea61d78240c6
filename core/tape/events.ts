/**
 * Every event that a tape can hold, with its one canonical encoding, writer beside reader. This file, the
 * draws and `format.ts` are what `docs/format.md` explains. Nothing here does I/O.
 *
 * Times are not part of an encoding: a replay must come to the same bytes at another time of day. Bodies are
 * not either: an event names a body by its SHA-256 and length, wherever its bytes are kept.
 */

import { Reader, Writer } from "../base/bytes.ts";

/** Type bytes; never reused for another meaning. */
export const TYPE = {
  draws: 1,
  request: 2,
  sent: 3,
  head: 4,
  chunk: 5,
  end: 6,
  fail: 7,
  cancel: 8,
  timer: 9,
  fire: 10,
  exit: 11,
  boundary: 12,
} as const;

/** A body by its SHA-256 (32 bytes) and its length in bytes. */
export interface BodyRef {
  readonly digest: Uint8Array;
  readonly size: number;
}

/** Header name and value, in order, repeats kept. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/**
 * What timers there are. `bytes` is a callback that waits for random bytes, `work` something that the platform does on
 * its own threads: a `sent` event without a body marks its result's place.
 */
export type TimerKind = "timeout" | "interval" | "immediate" | "sleep" | "work" | "signal" | "bytes";

/** An error as a program saw it: enough to build one that it can't tell apart. */
export interface ErrorShape {
  /** The constructor's name, such as `TypeError` or `DOMException`. */
  readonly class: string;
  readonly name: string;
  /** Undefined where the error has none of its own. */
  readonly message: string | undefined;
  readonly stack: string | undefined;
  /** Fields besides these, as JSON: `own` enumerable ones (`code`, `errno`, …), `hidden` and `inherited` ones. */
  readonly fields: string;
  readonly cause: ErrorShape | undefined;
  /** An AggregateError's errors. */
  readonly errors: readonly ErrorShape[];
}

/** Values handed out between two other events, packed. */
export interface DrawsEvent {
  readonly type: "draws";
  readonly count: number;
  readonly data: Uint8Array;
}

/** An exchange begins: the program asked for it. `body` is undefined where there is none. */
export interface RequestEvent {
  readonly type: "request";
  readonly op: number;
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
  /** `later` means that the body had to be read first; a `sent` event names it. */
  readonly body: BodyRef | "later" | undefined;
  /** What a caller may set besides: `redirect`, and others that change what is sent. */
  readonly options: string;
}

/** A body that had to be read first is known now. */
export interface SentEvent {
  readonly type: "sent";
  readonly op: number;
  readonly body: BodyRef;
}

/** A response's head was handed to the program. */
export interface HeadEvent {
  readonly type: "head";
  readonly op: number;
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderList;
  /** Undefined where it is the request's own URL. */
  readonly url: string | undefined;
  readonly redirected: boolean;
  readonly kind: string;
  readonly hasBody: boolean;
}

/** One chunk of a response's body was handed to the program. */
export interface ChunkEvent {
  readonly type: "chunk";
  readonly op: number;
  readonly body: BodyRef;
}

/** A body ended, or a callback without a value was called. */
export interface EndEvent {
  readonly type: "end";
  readonly op: number;
}

/** An op failed. */
export interface FailEvent {
  readonly type: "fail";
  readonly op: number;
  readonly error: ErrorShape;
}

/** The program gave an op up: abort, cancel, clearTimeout. */
export interface CancelEvent {
  readonly type: "cancel";
  readonly op: number;
}

/** The program asked for a timer. Delay in milliseconds as given, after the platform's own coercion. */
export interface TimerEvent {
  readonly type: "timer";
  readonly op: number;
  readonly kind: TimerKind;
  readonly delay: number;
}

/** A timer fired; `value` is what came with it (random bytes), else empty. */
export interface FireEvent {
  readonly type: "fire";
  readonly op: number;
  readonly value: Uint8Array;
}

/** The run ended. Written by whoever started the process, once it is over. */
export interface ExitEvent {
  readonly type: "exit";
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** What it was given and what it wrote, where that was captured. */
  readonly stdin: BodyRef | undefined;
  readonly stdout: BodyRef | undefined;
  readonly stderr: BodyRef | undefined;
  /** Last links of the run's other lanes, in their order. */
  readonly lanes: readonly Uint8Array[];
}

/** Something crossed the boundary that tracefork does not hold. */
export interface BoundaryEvent {
  readonly type: "boundary";
  readonly surface: string;
  readonly detail: string;
}

/** Any event. */
export type TapeEvent =
  | DrawsEvent
  | RequestEvent
  | SentEvent
  | HeadEvent
  | ChunkEvent
  | EndEvent
  | FailEvent
  | CancelEvent
  | TimerEvent
  | FireEvent
  | ExitEvent
  | BoundaryEvent;

/** Events that the world decides on, as against those that the program's own code causes. */
export type DeliveryEvent = SentEvent | HeadEvent | ChunkEvent | EndEvent | FailEvent | FireEvent;

const DELIVERIES = new Set<string>(["sent", "head", "chunk", "end", "fail", "fire"]);

/** True for events that the world decides on. */
export function isDelivery(event: TapeEvent): event is DeliveryEvent {
  return DELIVERIES.has(event.type);
}

/** The op that an event belongs to, or undefined. */
export function opOf(event: TapeEvent): number | undefined {
  return "op" in event ? event.op : undefined;
}

/** The body that an event names, if it names one. Output, which the closing event names, is no body. */
export function bodyOf(event: TapeEvent): BodyRef | undefined {
  return "body" in event && typeof event.body === "object" ? event.body : undefined;
}

const TIMER_KINDS: readonly TimerKind[] = [
  "timeout",
  "interval",
  "immediate",
  "sleep",
  "work",
  "signal",
  "bytes",
];

function writeBody(to: Writer, body: BodyRef): void {
  to.raw(body.digest).varint(body.size);
}

function readBody(from: Reader): BodyRef {
  return { digest: from.raw(32).slice(), size: from.varint() };
}

function writeOptional<T>(to: Writer, value: T | undefined, write: (to: Writer, value: T) => void): void {
  to.u8(value === undefined ? 0 : 1);
  if (value !== undefined) write(to, value);
}

function readOptional<T>(from: Reader, read: (from: Reader) => T): T | undefined {
  return from.u8() === 0 ? undefined : read(from);
}

const writeText = (to: Writer, text: string) => void to.text(text);
const readText = (from: Reader) => from.text();

function writeHeaders(to: Writer, headers: HeaderList): void {
  to.varint(headers.length);
  for (const [name, value] of headers) to.text(name).text(value);
}

function readHeaders(from: Reader): HeaderList {
  return Array.from({ length: from.varint() }, () => [from.text(), from.text()] as const);
}

function writeError(to: Writer, error: ErrorShape): void {
  to.text(error.class).text(error.name);
  writeOptional(to, error.message, writeText);
  writeOptional(to, error.stack, writeText);
  to.text(error.fields);
  writeOptional(to, error.cause, writeError);
  to.varint(error.errors.length);
  for (const each of error.errors) writeError(to, each);
}

function readError(from: Reader): ErrorShape {
  return {
    class: from.text(),
    name: from.text(),
    message: readOptional(from, readText),
    stack: readOptional(from, readText),
    fields: from.text(),
    cause: readOptional(from, readError),
    errors: Array.from({ length: from.varint() }, () => readError(from)),
  };
}

/** Appends the canonical encoding of `event`. */
export function writeEvent(to: Writer, event: TapeEvent): void {
  to.u8(TYPE[event.type]);
  if ("op" in event) to.varint(event.op);
  switch (event.type) {
    case "draws":
      to.varint(event.count).raw(event.data);
      break;
    case "request":
      to.text(event.method).text(event.url);
      writeHeaders(to, event.headers);
      to.u8(event.body === undefined ? 0 : event.body === "later" ? 2 : 1);
      if (typeof event.body === "object") writeBody(to, event.body);
      to.text(event.options);
      break;
    case "sent":
    case "chunk":
      writeBody(to, event.body);
      break;
    case "head":
      to.varint(event.status).text(event.statusText);
      writeHeaders(to, event.headers);
      writeOptional(to, event.url, writeText);
      to.u8(event.redirected ? 1 : 0).text(event.kind).u8(event.hasBody ? 1 : 0);
      break;
    case "fail":
      writeError(to, event.error);
      break;
    case "timer":
      to.u8(TIMER_KINDS.indexOf(event.kind)).f64(event.delay);
      break;
    case "fire":
      to.bytes(event.value);
      break;
    case "exit":
      writeOptional(to, event.code, (w, code) => void w.zigzag(code));
      writeOptional(to, event.signal, writeText);
      writeOptional(to, event.stdin, writeBody);
      writeOptional(to, event.stdout, writeBody);
      writeOptional(to, event.stderr, writeBody);
      to.varint(event.lanes.length);
      for (const link of event.lanes) to.raw(link);
      break;
    case "boundary":
      to.text(event.surface).text(event.detail);
      break;
    case "end":
    case "cancel":
      break;
  }
}

/** The canonical encoding of `event`. */
export function encodeEvent(event: TapeEvent): Uint8Array {
  const to = new Writer();
  writeEvent(to, event);
  return to.copy();
}

const NAMES = new Map<number, TapeEvent["type"]>(
  Object.entries(TYPE).map(([name, code]) => [code, name as TapeEvent["type"]]),
);

function readFields(type: TapeEvent["type"], from: Reader): TapeEvent {
  if (type === "draws") return { type, count: from.varint(), data: new Uint8Array(0) };
  if (type === "exit") {
    return {
      type,
      code: readOptional(from, (r) => r.zigzag()),
      signal: readOptional(from, readText),
      stdin: readOptional(from, readBody),
      stdout: readOptional(from, readBody),
      stderr: readOptional(from, readBody),
      lanes: Array.from({ length: from.varint() }, () => from.raw(32).slice()),
    };
  }
  if (type === "boundary") return { type, surface: from.text(), detail: from.text() };
  const op = from.varint();
  switch (type) {
    case "request": {
      const [method, url, headers] = [from.text(), from.text(), readHeaders(from)];
      const tag = from.u8();
      const body = tag === 0 ? undefined : tag === 2 ? "later" : readBody(from);
      return { type, op, method, url, headers, body, options: from.text() };
    }
    case "sent":
    case "chunk":
      return { type, op, body: readBody(from) };
    case "head":
      return {
        type,
        op,
        status: from.varint(),
        statusText: from.text(),
        headers: readHeaders(from),
        url: readOptional(from, readText),
        redirected: from.u8() === 1,
        kind: from.text(),
        hasBody: from.u8() === 1,
      };
    case "fail":
      return { type, op, error: readError(from) };
    case "timer":
      return { type, op, kind: TIMER_KINDS[from.u8()] ?? "timeout", delay: from.f64() };
    case "fire":
      return { type, op, value: from.bytes().slice() };
    default:
      return { type, op };
  }
}

/**
 * Reads one event; throws a RangeError where `bytes` is no canonical encoding of one. `from` reads those bytes; a
 * `TextlessReader` where texts are not wanted.
 */
export function decodeEvent(bytes: Uint8Array, from: Reader = new Reader(bytes)): TapeEvent {
  const code = from.u8();
  const type = NAMES.get(code);
  if (type === undefined) throw new RangeError(`Cannot read an event: type ${code} is unknown`);
  const event = readFields(type, from);
  if (event.type === "draws") return { ...event, data: from.raw(bytes.length - from.offset) };
  if (!from.done) throw new RangeError(`Cannot read a ${type} event: bytes are left over`);
  return event;
}
