/**
 * What every seam gets: the registry to patch through, the platform's built-in modules, and the session to
 * speak to.
 */

import type { Session } from "../session/session.ts";
import type { Builtins } from "./builtins.ts";
import type { AnyFunction, PatchRegistry } from "./registry.ts";

/** The platform's own timers. */
export interface NativeTimers {
  readonly setTimeout: typeof globalThis.setTimeout;
  readonly clearTimeout: typeof globalThis.clearTimeout;
  readonly setInterval: typeof globalThis.setInterval;
  readonly setImmediate: (callback: () => void) => unknown;
}

/** See the head of this file. */
export interface SeamContext {
  readonly registry: PatchRegistry;
  readonly builtins: Builtins;
  /**
   * The session that holds this call, or undefined where it must pass through: none is running here, or the
   * platform's own code is calling inside a real call.
   */
  session(): Session | undefined;
  /** Runs a platform function so that what it calls itself passes through the patches. */
  quietly<T>(call: () => T): T;
  /** Counts a call that goes to the network for real: a replay says how many there were. */
  crossed(): void;
  /** The platform's own timers, taken before they were patched. */
  readonly nativeTimers: NativeTimers;
  /** `callback` bound to the present async context, as the platform binds what it calls later. */
  bindContext<F extends AnyFunction>(callback: F): F;
}

/** A seam: patches one surface. Called once. */
export type Seam = (context: SeamContext) => void;
