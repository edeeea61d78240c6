/**
 * Deno's `node:http` server keeps a list of its connections, and reads the global `performance.now` in it: when
 * a request comes in, and at an interval of the platform's own. None of this is the program's doing, so the list
 * reads the clock past the tape. Other runtimes' servers don't read the patched clock.
 */

import { QUIRKS } from "../base/runtime.ts";
import type { SeamContext } from "./context.ts";
import { plain } from "./registry.ts";

interface HttpModule {
  readonly Server: new (options: object) => {
    emit(event: string): boolean;
    close(callback: () => void): void;
  };
}

/** The class of the list, which no module exports: a server that never listens is told that it does. */
function connectionsList(http: HttpModule): object | undefined {
  const probe = new http.Server({ connectionsCheckingInterval: 0x7fffffff });
  probe.emit("listening");
  // Its interval is cleared; that it was not listening is told to the callback only.
  probe.close(() => {});
  for (const key of Object.getOwnPropertySymbols(probe)) {
    const value = (probe as unknown as Record<symbol, unknown>)[key];
    if (typeof value !== "object" || value === null) continue;
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype !== null && Object.hasOwn(prototype, "expired")) return prototype;
  }
  return undefined;
}

/** Patches the list once the program's first server listens: before, `node:http` need not be loaded. */
export function serverClockSeam(context: SeamContext): void {
  if (!QUIRKS.serverReadsClock) return;
  const { registry, builtins } = context;
  const net = builtins.get<{ Server: { prototype: object } }>("node:net");
  if (net === undefined) return;
  let patched = false;
  const patchOnce = () => {
    if (patched) return;
    patched = true;
    const list = context.quietly(() => connectionsList(builtins.get<HttpModule>("node:http")!));
    for (const key of list === undefined ? [] : Reflect.ownKeys(list)) {
      if (key === "constructor") continue;
      registry.method(list!, key, (original) =>
        plain(function (this: unknown, ...args: unknown[]) {
          return context.quietly(() => Reflect.apply(original, this, args));
        }));
    }
  };
  registry.method(
    net.Server.prototype,
    "listen",
    (original) =>
      plain(function (this: unknown, ...args: unknown[]) {
        if (context.session() !== undefined) patchOnce();
        return Reflect.apply(original, this, args);
      }),
  );
}
