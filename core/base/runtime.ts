/**
 * Which JavaScript runtime this is. Together with `core/seams/builtins.ts` this is the only place that may
 * tell Deno, Bun and Node apart by name.
 */

export type RuntimeName = "deno" | "bun" | "node";

interface Globals {
  Deno?: { version: { deno: string }; pid: number };
  Bun?: { version: string };
  process?: { versions?: { node?: string }; platform?: string; arch?: string };
}

const globals = globalThis as unknown as Globals;

/** The runtime that runs this code. */
export const RUNTIME: RuntimeName = globals.Deno ? "deno" : globals.Bun ? "bun" : "node";

/**
 * Where the runtimes' own behaviour differs in what a program can see, as measured on Deno 2.9.6, Bun 1.4.5 and
 * Node 24.21 (`docs/discoveries.md`).
 */
export const QUIRKS = {
  /** A listener of `AbortSignal.timeout` runs in the async context in which the signal was made. */
  signalKeepsContext: RUNTIME === "node",
  /** The loop goes on for a while after an error that nobody caught, and asks what keeps it alive. */
  livesOnAfterError: RUNTIME === "bun",
  /** An error that nobody caught is an event first, and what is due is still handed over after it. */
  errorsAreEvents: RUNTIME === "deno",
  /** There is a `fetch` that can't be replaced. */
  fetchPastPatches: RUNTIME === "bun",
  /** `fetch` asks the network about URLs of schemes that it does not know: their names are taken for hosts. */
  strangeSchemesGoOut: RUNTIME === "bun",
  /** A response's body takes bring-your-own-buffer readers. */
  byteBodies: RUNTIME !== "bun",
  /** `randomInt` calls its callback before it returns, with null for no error. */
  randomIntAtOnce: RUNTIME === "deno",
  /** `json()` of an empty answer is null. */
  emptyJsonIsNull: RUNTIME === "bun",
  /** A blob made of an answer has a type even where there is no `content-type`. */
  typedBlobs: RUNTIME === "bun",
  /** `response.url` keeps the request's fragment. */
  urlKeepsFragment: RUNTIME === "bun",
  /** The stack of a failed `fetch` names the function that called it. */
  failuresNameCaller: RUNTIME !== "node",
  /** An uncaught error is printed with the frames of where it was made, not with those that its `stack` names. */
  printsOwnFrames: RUNTIME === "deno",
  /** Where microtasks are drained from depends on whether another immediate waits. */
  pairedImmediates: RUNTIME === "node",
  /** Standard output and error don't wait for the reader of a pipe. */
  pipesDontWait: RUNTIME === "node",
  /** A `node:http` server reads the global `performance.now` for its own use. */
  serverReadsClock: RUNTIME === "deno",
  /** A rejection that nobody handles is told of when the next immediate runs, else only after `beforeExit`. */
  rejectionsWait: RUNTIME === "bun",
  /** `WebSocket` opens its connection through `node:net`. */
  webSocketUsesSockets: RUNTIME === "node",
  /** The ESM import of `node:worker_threads` can be sent to another module without harm. */
  workerThreadsRedirect: RUNTIME !== "deno",
  /** How `console.timeEnd` prints, where it reads a clock of the runtime's own: by `console.info`, or in brackets. */
  consoleTimes: RUNTIME === "deno" ? "info" : RUNTIME === "bun" ? "brackets" : undefined,
  /** What the reason of `AbortSignal.timeout` says. */
  timeoutMessage: RUNTIME === "bun" ? "The operation timed out." : "The operation was aborted due to timeout",
} as const;

/** Its version, such as `2.9.6`. */
export const RUNTIME_VERSION: string = globals.Deno?.version.deno ?? globals.Bun?.version ??
  globals.process?.versions?.node ?? "unknown";

/** `linux-x64` and the like. */
export const PLATFORM = `${globals.process?.platform ?? "unknown"}-${globals.process?.arch ?? "unknown"}`;
