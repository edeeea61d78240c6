/**
 * How the contract looks at things: errors, responses, headers, bytes. Everything comes out JSON-able and holds
 * nothing that changes from run to run; stacks are left out, and ports are masked when a case is printed.
 */

/** The name of what made the value, `null` and `undefined` included. */
export function className(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return (value as object).constructor?.name ?? "(no constructor)";
}

export function tag(value: unknown): string {
  return Object.prototype.toString.call(value);
}

/** Keys that say where an error was made; Bun has them on some errors, depending on the code around. */
const placeKeys = new Set(["stack", "line", "column", "originalLine", "originalColumn", "sourceURL"]);

/** An error, whole: what a handler could branch on. A non-error comes as its type and value. */
export function describeError(error: unknown, depth = 0): unknown {
  if (typeof error !== "object" || error === null) return { thrown: typeof error, value: String(error) };
  const held = error as Record<string, unknown>;
  const extra: Record<string, unknown> = {};
  for (const key of ["code", "errno", "syscall", "hostname", "address", "path"]) {
    if (key in held) extra[key] = held[key];
  }
  if (held["cause"] !== undefined && depth < 4) extra["cause"] = describeError(held["cause"], depth + 1);
  if (Array.isArray(held["errors"])) {
    extra["errors"] = held["errors"].map((one) => describeError(one, depth + 1));
  }
  return {
    class: className(error),
    name: held["name"],
    message: held["message"],
    isError: error instanceof Error,
    isDomException: error instanceof DOMException,
    tag: tag(error),
    ownKeys: Object.getOwnPropertyNames(error).filter((key) => !placeKeys.has(key)).sort(),
    ...extra,
  };
}

/** `{ value }` or `{ threw }`, and whether it threw before a promise was there. */
export async function outcome(run: () => unknown): Promise<unknown> {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    return { threwAtOnce: describeError(error) };
  }
  try {
    return { value: await result };
  } catch (error) {
    return { threw: describeError(error) };
  }
}

/** The error of a promise or function that has to fail; says so when it doesn't. */
export async function failure(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return "did not fail";
}

export function describeHeaders(headers: Headers): unknown {
  return { entries: [...headers], cookies: headers.getSetCookie() };
}

/** What a caller sees of a response before reading it. */
export function describeResponse(response: Response): Record<string, unknown> {
  return {
    status: response.status,
    statusText: response.statusText,
    ok: response.ok,
    url: response.url,
    redirected: response.redirected,
    type: response.type,
    bodyUsed: response.bodyUsed,
    body: className(response.body),
    headers: [...response.headers],
  };
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Every byte as a character of its own, so that a cut character shows. */
export function decodeLatin1(bytes: Uint8Array | undefined): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** Length and a position-dependent sum: enough to tell two bodies apart without printing them. */
export function summary(bytes: Uint8Array): { length: number; sum: number } {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return { length: bytes.length, sum };
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Every chunk of a stream, as it came. */
export async function readChunks(stream: ReadableStream<Uint8Array>): Promise<Uint8Array[]> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks;
    chunks.push(value);
  }
}

/** Reads at least `length` bytes and hands back the reader, so that a case knows what has arrived. */
export async function readAtLeast(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  length: number,
): Promise<string> {
  let text = "";
  while (text.length < length) {
    const { done, value } = await reader.read();
    if (done) return `${text}(end)`;
    text += new TextDecoder("latin1").decode(value);
  }
  return text;
}

/** A property as code that reflects sees it. */
export function describeProperty(holder: object, key: PropertyKey): unknown {
  const found = Object.getOwnPropertyDescriptor(holder, key);
  if (found === undefined) return "none";
  const { writable, enumerable, configurable, get, set } = found;
  const kind = get !== undefined || set !== undefined ? "accessor" : typeof found.value;
  return { kind, writable, enumerable, configurable, getter: get?.name, setter: set?.name };
}

/** A function as code that reflects sees it. The source text stands in a case of its own. */
export function describeFunction(value: unknown): unknown {
  if (typeof value !== "function") return { type: typeof value };
  return {
    name: value.name,
    length: value.length,
    ownKeys: Reflect.ownKeys(value).map(String).sort(),
    class: className(value),
    hasPrototype: Object.hasOwn(value, "prototype"),
    nameProperty: describeProperty(value, "name"),
    lengthProperty: describeProperty(value, "length"),
  };
}
