/**
 * Standard output and error, where the runtime writes to a pipe without waiting for the reader (Node). What is not
 * read when the program calls `process.exit` is lost then, and `drain` comes when the reader happens to be done:
 * chance in a recording, and again in a replay. Pipes are made to wait, as files and terminals do.
 */

import { QUIRKS } from "../base/runtime.ts";
import type { SeamContext } from "./context.ts";

interface Stream {
  readonly _handle?: { setBlocking?(on: boolean): void };
}

/** Makes the pipes wait when the program first asks for them. */
export function stdioSeam({ registry }: SeamContext): void {
  if (!QUIRKS.pipesDontWait) return;
  for (const key of ["stdout", "stderr"]) {
    let ready = false;
    registry.getter(globalThis.process, key, (original) =>
      function (this: unknown) {
        const stream = Reflect.apply(original, this, []) as Stream;
        if (!ready) stream._handle?.setBlocking?.(true);
        ready = true;
        return stream;
      });
  }
}
