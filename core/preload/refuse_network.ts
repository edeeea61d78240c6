/**
 * Bun's own `fetch` (`Bun.fetch`, `fetch` of the module "bun") can't be replaced: in a replay it would ask the world.
 * But it reads the proxy variables at each call, so it is sent to a proxy that nobody serves, and fails with
 * ECONNREFUSED. The program sees the variables as they are. Not reached: a call that names a proxy or a Unix socket
 * itself.
 */

import { QUIRKS } from "../base/runtime.ts";

const NOWHERE = "http://127.0.0.1:1";
const PROXIES = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"];
const EXCEPTIONS = ["no_proxy", "NO_PROXY"];

/** Shuts the way past the patches. Before anything else looks at the environment. */
export function refuseNetwork(): void {
  if (!QUIRKS.fetchPastPatches) return;
  const target = globalThis.process;
  const native = target.env;
  const names = [...PROXIES, ...EXCEPTIONS];
  /** What the program sees of these names. */
  const shown: Record<string, string | undefined> = {};
  for (const name of names) if (native[name] !== undefined) shown[name] = native[name];
  for (const name of PROXIES) native[name] = NOWHERE;
  for (const name of EXCEPTIONS) delete native[name];
  const side = (key: string | symbol) => typeof key === "string" && names.includes(key) ? shown : native;
  target.env = new Proxy(native, {
    get: (_, key) => Reflect.get(side(key), key),
    has: (_, key) => Reflect.has(side(key), key),
    set: (_, key, value) => Reflect.set(side(key), key, side(key) === shown ? String(value) : value),
    deleteProperty: (_, key) => Reflect.deleteProperty(side(key), key),
    getOwnPropertyDescriptor: (_, key) => Reflect.getOwnPropertyDescriptor(side(key), key),
    ownKeys: () => [
      ...Reflect.ownKeys(native).filter((key) => side(key) === native),
      ...Reflect.ownKeys(shown),
    ],
  });
}
