/**
 * The words that programs are made of, in one place: the grammar picks from these lists, the interpreter has
 * an implementation for each, and the test demands that each turns up. `N` in a path is a latency in ms.
 */

/** Values that the program asks for and gets at once. */
export const SOURCES = [
  "date_now",
  "new_date",
  "date_call",
  "performance_now",
  "math_random",
  "random_uuid",
  "random_values",
  "node_random_uuid",
  "random_bytes",
  "random_int",
  "random_fill",
  "node_random_values",
  "hrtime",
  "hrtime_bigint",
  "intl_now",
  "temporal_now",
];

/** Values that arrive later through a callback of `node:crypto`. */
export const CALLBACK_SOURCES = ["random_bytes_callback", "random_int_callback", "random_fill_callback"];

/** Ways to wait. */
export const SLEEPS = [
  "timeout",
  "timeout_arguments",
  "timeout_named",
  "timeout_promises",
  "timeout_promisified",
  "timeout_refreshed",
  "immediate",
  "immediate_promises",
  "scheduler_wait",
  "scheduler_yield",
];

/** Ways in which a timer is cleared. */
export const CLEARS = [
  "at_once",
  "in_microtask",
  "in_tick",
  "fired",
  "twice",
  "crossed",
  "primitive",
  "nothing",
  "immediate",
];

/** Queues that a `micro_mix` hops through. */
export const QUEUES = ["micro", "tick", "then", "await", "immediate", "timeout"];

/** What the origin answers under, see `origin.ts`. */
export const PATHS = [
  "/json",
  "/echo",
  "/text",
  "/sse",
  "/slow",
  "/big",
  "/empty",
  "/gzip",
  "/redirect",
  "/flaky",
  "/reset",
  "/cut",
  "/mixed",
  "/near/N",
];

/** What a program does with a response's body. */
export const READS = [
  "text",
  "json",
  "bytes",
  "blob",
  "twice",
  "late",
  "fast",
  "slow",
  "ahead",
  "byob",
  "iterate",
  "iterate_break",
  "partial_cancel",
  "relock",
  "pipe",
  "events",
  "events_return",
  "tee",
  "tee_cancel",
  "tee_lopsided",
  "clone",
  "clone_unread",
  "cancel",
  "unread",
];

/** What a request sends. */
export const BODIES = ["none", "json", "bytes", "params", "form", "blob", "stream", "stream_timed"];

/** Values that a request carries, so that every wrong value or order shows in a later request. */
export const CARRIES = ["nothing", "last", "pool", "history", "draw"];

/** When a request is aborted. */
export const ABORTS = [
  "none",
  "before",
  "sync",
  "micro",
  "head",
  "body",
  "body_timer",
  "late",
  "timeout",
  "any",
];

/** What `abort()` is given. */
export const REASONS = ["default", "error", "text"];

/** How an uncaught error is raised. */
export const UNCAUGHT = ["timer", "rejection", "microtask", "tick", "immediate"];

/** How the consumer of an async generator ends it. */
export const STOPS = ["drain", "break", "return", "throw"];
