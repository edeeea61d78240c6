/**
 * tracefork as a library: the parts that other programs may rely on.
 */

export { TraceforkError } from "./core/base/errors.ts";
export type { ErrorCode } from "./core/base/errors.ts";
export { VERSION } from "./core/base/version.ts";
export { FORMAT } from "./core/tape/format.ts";
export { decodeEvent, encodeEvent } from "./core/tape/events.ts";
export type { TapeEvent } from "./core/tape/events.ts";
export type { Cause, Divergence } from "./core/session/divergence.ts";
