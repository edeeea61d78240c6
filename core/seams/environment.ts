/**
 * Environment variables: which ones the program reads, and what it got. They don't change by themselves, so
 * they have no place in the order of events: the tape keeps each name once, and a replay starts with them.
 * Values of secret variables are never kept.
 */

import type { SeamContext } from "./context.ts";
import { plain } from "./registry.ts";

/** Patches `process.env` and `Deno.env`. */
export function environmentSeam(context: SeamContext): void {
  const { registry, session } = context;
  const seen = new Set<string>();
  const note = (name: string, value: string | undefined) => {
    if (seen.has(name)) return;
    const held = session();
    if (held === undefined) return;
    seen.add(name);
    held.environment(name, value);
  };
  const target = globalThis.process;
  const native = target.env;
  // What the program sets itself is its own doing, not its surroundings.
  const proxy = new Proxy(native, {
    get(env, key) {
      const value = Reflect.get(env, key) as string | undefined;
      if (typeof key === "string" && (value === undefined || typeof value === "string")) note(key, value);
      return value;
    },
    has(env, key) {
      const there = Reflect.has(env, key);
      if (typeof key === "string") note(key, there ? env[key] : undefined);
      return there;
    },
    // Asked for by `Object.hasOwn`, `Object.keys` and copies.
    getOwnPropertyDescriptor(env, key) {
      const found = Reflect.getOwnPropertyDescriptor(env, key);
      if (typeof key === "string") note(key, found === undefined ? undefined : env[key]);
      return found;
    },
    set(env, key, value) {
      if (typeof key === "string") seen.add(key);
      return Reflect.set(env, key, value);
    },
    deleteProperty(env, key) {
      if (typeof key === "string") seen.add(key);
      return Reflect.deleteProperty(env, key);
    },
  });
  registry.value(target, "env", () => proxy);
  const { Deno } = globalThis as unknown as { Deno?: { env: object } };
  if (Deno === undefined) return;
  registry.method(
    Deno.env,
    "get",
    (original) =>
      plain(function (this: unknown, name: string) {
        const value = Reflect.apply(original, this, [name]) as string | undefined;
        note(name, value);
        return value;
      }),
  );
  registry.method(
    Deno.env,
    "has",
    (original) =>
      plain(function (this: unknown, name: string) {
        const there = Reflect.apply(original, this, [name]) as boolean;
        note(name, there ? native[name] : undefined);
        return there;
      }),
  );
  registry.method(
    Deno.env,
    "toObject",
    (original) =>
      plain(function (this: unknown) {
        const all = Reflect.apply(original, this, []) as Record<string, string>;
        for (const [name, value] of Object.entries(all)) note(name, value);
        return all;
      }),
  );
  registry.method(
    Deno.env,
    "set",
    (original) =>
      plain(function (this: unknown, name: string, value: string) {
        seen.add(name);
        return Reflect.apply(original, this, [name, value]);
      }),
  );
}
