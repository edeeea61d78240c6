/**
 * Errors as data: what a program can see of an error, and an error built from that. The class is found by
 * name among the globals; one that is private to a platform (undici's `SocketError`) becomes a subclass of
 * Error with the same name.
 */

import type { ErrorShape } from "../tape/events.ts";

const MAX_DEPTH = 8;
const SKIP = new Set(["cause", "errors", "name", "message", "stack", "constructor"]);

interface Fields {
  /** In order; an entry without a value is a field that holds undefined. */
  readonly own: readonly (readonly [key: string, value?: unknown])[];
  readonly hidden: Record<string, unknown>;
  readonly inherited: Record<string, unknown>;
}

/** True for what JSON keeps: scalars, and small plain objects of them (undici's `socket`). */
function plain(value: unknown): boolean {
  if (["string", "number", "boolean"].includes(typeof value) || value === null) return true;
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value as object).every((each) =>
    each === undefined || (typeof each !== "object" && plain(each))
  );
}

function fieldsOf(error: object): string {
  const own: [string, unknown?][] = [];
  const fields: Fields = { own, hidden: {}, inherited: {} };
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(error))) {
    if (SKIP.has(key) || "get" in descriptor) continue;
    const { value, enumerable } = descriptor;
    if (enumerable && value === undefined) own.push([key]);
    else if (!plain(value)) continue;
    else if (enumerable) own.push([key, value]);
    else fields.hidden[key] = value;
  }
  const { code } = error as { code?: unknown };
  if (!(error instanceof DOMException) && !Object.hasOwn(error, "code") && plain(code)) {
    fields.inherited.code = code;
  }
  return JSON.stringify(fields);
}

/** What is to be known of a thrown value. A thrown value that is no error keeps its text. */
export function describeError(error: unknown, depth = 0): ErrorShape {
  if (typeof error !== "object" || error === null) {
    return {
      class: "",
      name: typeof error,
      message: String(error),
      stack: undefined,
      fields: '{"own":[],"hidden":{},"inherited":{}}',
      cause: undefined,
      errors: [],
    };
  }
  const { name, message, stack, cause, errors } = error as Error & { errors?: unknown };
  const nested = depth < MAX_DEPTH;
  return {
    class: error.constructor?.name ?? "Object",
    name: String(name),
    message: message === "" && !Object.hasOwn(error, "message") ? undefined : String(message),
    stack: typeof stack === "string" ? stack : undefined,
    fields: fieldsOf(error),
    cause: nested && cause !== undefined ? describeError(cause, depth + 1) : undefined,
    errors: nested && Array.isArray(errors) ? errors.map((each) => describeError(each, depth + 1)) : [],
  };
}

type ErrorClass = new (message?: string) => Error;

function setFields(made: object, { own, hidden: quiet, inherited }: Fields): void {
  for (const [key, value] of own) (made as Record<string, unknown>)[key] = value;
  for (const [key, value] of Object.entries(quiet)) hidden(made, key, value);
  if (Object.keys(inherited).length > 0) {
    const prototype = Object.create(Object.getPrototypeOf(made)) as object;
    for (const [key, value] of Object.entries(inherited)) hidden(prototype, key, value);
    Object.setPrototypeOf(made, prototype);
  }
}

function standIn(name: string): ErrorClass {
  const made = class extends Error {};
  Object.defineProperty(made, "name", { value: name });
  return made;
}

function hidden(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false });
}

function sameShape(a: ErrorShape, b: ErrorShape): boolean {
  return a.class === b.class && a.name === b.name && a.message === b.message;
}

/**
 * Makes an error that knows of no place: what a runtime prints of an uncaught error (frames, a source line) comes
 * from where it was made, whatever its `stack` says, and that place is tracefork's.
 */
function placeless<T>(make: () => T): T {
  const before = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit");
  if (before !== undefined && before.writable !== true) return make();
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    if (before !== undefined) Object.defineProperty(Error, "stackTraceLimit", before);
  }
}

/**
 * An error that a program can't tell from the one described. `own` is an error of the program's that may be
 * the very one, or its cause: then that object itself is used.
 */
export function buildError(shape: ErrorShape, own?: { reason: unknown }): unknown {
  return placeless(() => build(shape, own));
}

function build(shape: ErrorShape, own?: { reason: unknown }): unknown {
  if (own !== undefined && sameShape(shape, describeError(own.reason))) return own.reason;
  if (shape.class === "") return shape.name === "undefined" ? undefined : shape.message;
  if (shape.class === "DOMException") {
    const made = new DOMException(shape.message ?? "", shape.name);
    if (shape.stack !== undefined) hidden(made, "stack", shape.stack);
    if (shape.cause !== undefined) hidden(made, "cause", build(shape.cause, own));
    return made;
  }
  const found = (globalThis as unknown as Record<string, unknown>)[shape.class];
  const isError = typeof found === "function" &&
    (found === Error || Object.prototype.isPrototypeOf.call(Error, found));
  const made: Error = shape.class === "AggregateError"
    ? new AggregateError(shape.errors.map((each) => build(each)), shape.message)
    : new (isError ? found as ErrorClass : standIn(shape.class))(shape.message);
  if (made.name !== shape.name) hidden(made, "name", shape.name);
  if (shape.cause !== undefined) hidden(made, "cause", build(shape.cause, own));
  setFields(made, JSON.parse(shape.fields) as Fields);
  if (shape.stack === undefined) delete made.stack;
  else hidden(made, "stack", shape.stack);
  return made;
}
