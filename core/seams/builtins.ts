/**
 * Reaches the functions of built-in modules however a program imports them. Assigning on the module object
 * serves `require` everywhere; named ESM imports need another way on each runtime (`docs/discoveries.md`):
 * Node copies the object over when told, Deno resolves the import to a module that reads the object, Bun has
 * its module mocked.
 */

import { RUNTIME } from "../base/runtime.ts";
import type { AnyFunction, PatchRegistry } from "./registry.ts";

type ModuleObject = Record<string, unknown>;

interface NodeModule {
  syncBuiltinESMExports(): void;
  registerHooks(hooks: {
    resolve(
      specifier: string,
      context: { conditions?: readonly string[] },
      next: (specifier: string, context: unknown) => unknown,
    ): unknown;
  }): void;
}

const TABLE = Symbol.for("tracefork.builtins");

function load<T>(name: string): T | undefined {
  return (globalThis.process as unknown as { getBuiltinModule(name: string): T | undefined })
    .getBuiltinModule(name);
}

/** The built-in modules of this process. */
export class Builtins {
  readonly #touched = new Map<string, ModuleObject>();

  /** The live module object, such as `node:crypto`. Undefined where the runtime has none. */
  get<T = ModuleObject>(name: string): T | undefined {
    return load<T>(name);
  }

  /** Replaces functions of a built-in module. Those that the module lacks are passed over. */
  patch(
    registry: PatchRegistry,
    name: string,
    replacements: Record<string, (original: AnyFunction) => AnyFunction>,
  ): void {
    const object = load<ModuleObject>(name);
    if (object === undefined) return;
    for (const [key, make] of Object.entries(replacements)) {
      if (typeof object[key] === "function") registry.method(object, key, make);
    }
    this.#touched.set(name, object);
  }

  /** Marks a module whose functions were patched elsewhere, so that its named imports are reached too. */
  touch(name: string): void {
    const object = load<ModuleObject>(name);
    if (object !== undefined) this.#touched.set(name, object);
  }

  /** Makes what was patched visible to ESM imports. Once, after all patches. */
  publish(registry: PatchRegistry): void {
    const module = load<NodeModule>("node:module")!;
    if (RUNTIME === "node") module.syncBuiltinESMExports();
    else if (RUNTIME === "deno") this.#publishToDeno(registry, module);
    else this.#publishToBun();
  }

  #publishToDeno(registry: PatchRegistry, module: NodeModule): void {
    const table = this.#touched;
    registry.add(globalThis, TABLE, table);
    module.registerHooks({
      resolve(specifier, context, next) {
        const name = specifier.startsWith("node:") ? specifier : `node:${specifier}`;
        const object = table.get(name);
        // `require` takes the object itself, and can't be given a data: URL.
        if (object === undefined || context.conditions?.includes("require")) return next(specifier, context);
        const names = Object.keys(object).filter((key) =>
          /^[A-Za-z_$][\w$]*$/.test(key) && key !== "default"
        );
        const source = [
          `const m = globalThis[Symbol.for("tracefork.builtins")].get(${JSON.stringify(name)});`,
          "export default m;",
          ...names.map((key) => `export const ${key} = m.${key};`),
        ].join("");
        return {
          url: `data:text/javascript,${encodeURIComponent(source)}`,
          format: "module",
          shortCircuit: true,
        };
      },
    });
  }

  #publishToBun(): void {
    // `require` keeps the bundler from following it; `bun:test` works outside of tests.
    const { mock } = (globalThis.process as unknown as { getBuiltinModule(name: string): unknown })
      .getBuiltinModule("bun:test") as { mock: { module(name: string, make: () => ModuleObject): void } } ??
      bunTest();
    for (const [name, object] of this.#touched) mock.module(name, () => ({ ...object, default: object }));
  }
}

function bunTest(): { mock: { module(name: string, make: () => ModuleObject): void } } {
  const { createRequire } = load<{ createRequire(path: string): (name: string) => unknown }>("node:module")!;
  return createRequire("/")("bun:test") as ReturnType<typeof bunTest>;
}
