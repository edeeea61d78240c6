/**
 * Errors that a fork serves in place of an answer, in the shape in which each runtime's `fetch` gives them: a
 * connection that was reset, and one that took too long.
 */

import type { ErrorShape } from "../tape/events.ts";

/** What may go wrong in place of an answer. */
export type FailureKind = "reset" | "timeout";

function shape(
  name: string,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
  cause?: ErrorShape,
): ErrorShape {
  return {
    class: name,
    name: name === "DOMException" ? "TimeoutError" : name,
    message,
    stack: `${name}: ${message}`,
    fields: JSON.stringify({ own: Object.entries(fields), hidden: {}, inherited: {} }),
    cause,
    errors: [],
  };
}

/** The error, as runtime `runtime` would give it for a request to `url`. */
export function failureShape(kind: FailureKind, runtime: string, url: string): ErrorShape {
  if (runtime === "node") {
    const cause = kind === "reset"
      ? shape("Error", "read ECONNRESET", { errno: -104, code: "ECONNRESET", syscall: "read" })
      : shape("HeadersTimeoutError", "Headers Timeout Error", { code: "UND_ERR_HEADERS_TIMEOUT" });
    return shape("TypeError", "fetch failed", {}, cause);
  }
  if (runtime === "bun") {
    return kind === "timeout" ? shape("DOMException", "The operation timed out.") : shape(
      "Error",
      "The socket connection was closed unexpectedly. For more information, pass `verbose: true` in the second argument to fetch()",
      { code: "ECONNRESET", path: url, errno: 0 },
    );
  }
  const why = kind === "reset"
    ? "client error (SendRequest): connection error: Connection reset by peer (os error 104)"
    : "client error (Connect): tcp connect error: Connection timed out (os error 110)";
  return shape("TypeError", `error sending request for url (${url}): ${why}`);
}

/** What a request gets that a fork may not send. */
export function offlineShape(method: string, url: string): ErrorShape {
  return shape("TypeError", `fork --tail offline: ${method} ${url} is not on the tape`);
}

/** What a program gets that reads on where a recorded answer was not read to its end. */
export function endOfTapeShape(url: string): ErrorShape {
  return shape(
    "TypeError",
    `fork: the tape has no more of the answer from ${url}: it was not read to its end`,
  );
}
