/**
 * Notices what crosses the boundary past all seams: raw sockets and what is built on them (`node:http`, `undici`
 * from npm, `node:http2`), datagrams, WebSockets, event sources, the runtimes' own `connect`; workers; child
 * processes. A recording notes it; a replay refuses it, so that nothing is sent or done twice, and
 * `network_calls: 0` is a fact.
 *
 * A child that is a JavaScript runtime carries the preload itself and is let through: it is a lane of its own.
 * Not noticed: DNS look-ups by themselves, native add-ons, `Deno.dlopen`, `bun:ffi`, listening servers; and on Deno `node:worker_threads` imported as ESM, and on Bun
 * `Bun.fetch` (the same as `fetch` of the module "bun") and `Bun.$`, which Bun does not let be replaced; the first can
 * reach nobody in a replay (`preload/refuse_network.ts`).
 */

import { QUIRKS } from "../base/runtime.ts";
import type { SeamContext } from "./context.ts";
import { type AnyFunction, plain, printsAs } from "./registry.ts";

type Constructor = new (...args: unknown[]) => object;

function describe(args: readonly unknown[]): string {
  const first = args[0] as { host?: unknown; hostname?: unknown; port?: unknown; path?: unknown } | undefined;
  if (Array.isArray(first)) return describe(first);
  if (first instanceof URL) return first.protocol === "file:" ? first.pathname : first.origin;
  if (typeof first === "object" && first !== null) {
    return String(first.path ?? `${first.hostname ?? first.host ?? "localhost"}:${first.port ?? ""}`);
  }
  return args.slice(0, 2).filter((each) => typeof each === "string" || typeof each === "number").join(":");
}

function watch(context: SeamContext, surface: string): (original: AnyFunction) => AnyFunction {
  return (original) =>
    plain(function (this: unknown, ...args: unknown[]) {
      pass(context, surface, args);
      return Reflect.apply(original, this, args);
    });
}

/** Notes a call that is about to be made for real, unless the session refuses it. */
function pass(context: SeamContext, surface: string, args: readonly unknown[]): void {
  context.session()?.boundary(surface, describe(args));
  if (surface.startsWith("network:")) context.crossed();
}

/** The class with its constructor watched. */
function watchClass<T>(context: SeamContext, surface: string): (native: T) => T {
  return (native) => {
    const watched = new Proxy(native as unknown as Constructor, {
      construct(target, args, newTarget) {
        pass(context, surface, args);
        return Reflect.construct(target, args, newTarget);
      },
    });
    return printsAs(watched, native as object) as unknown as T;
  };
}

/** The program that a command line starts, where it is a JavaScript runtime or one that starts one. */
const RUNTIME_COMMAND = /(?:^|[\\/])(?:node[-\d.]*|deno|bun|bunx|npm|npx|yarn|pnpm|tsx)(?:\.exe|\.cmd)?$/i;

function commandOf(args: readonly unknown[], form = ""): string {
  if (form === "fork") return globalThis.process.execPath;
  const first = args[0];
  if (first instanceof URL) return first.pathname;
  if (Array.isArray(first)) return String(first[0]);
  if (typeof first === "object" && first !== null) {
    const { cmd } = first as { cmd?: unknown };
    return Array.isArray(cmd) ? String(cmd[0]) : "";
  }
  return String(first).trim().split(/\s+/)[0] ?? "";
}

/**
 * True where the child gets the preload: it is a runtime, and the variables that carry it reach the child.
 * `merges` where a call's variables are added to the process's own (`Deno.Command`) instead of replacing them.
 */
function carriesPreload(command: string, options: unknown, merges = false): boolean {
  if ((options as { shell?: unknown } | undefined)?.shell) return false;
  if (!RUNTIME_COMMAND.test(command) && command !== globalThis.process.execPath) return false;
  const { env, clearEnv } = (options ?? {}) as {
    env?: Record<string, string | undefined>;
    clearEnv?: boolean;
  };
  const own = globalThis.process.env;
  const merged = merges && clearEnv !== true ? { ...pick(own), ...env } : env ?? pick(own);
  const name = /bunx?(?:\.exe)?$/i.test(command) ? "BUN_OPTIONS" : "NODE_OPTIONS";
  return /preload-[0-9a-f]{16}/.test(merged[name] ?? "") && Boolean(merged.TRACEFORK_RUN);
}

function pick(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const { NODE_OPTIONS, BUN_OPTIONS, TRACEFORK_RUN } = env;
  return { NODE_OPTIONS, BUN_OPTIONS, TRACEFORK_RUN };
}

/** True where Deno will refuse the child itself: then nothing crosses. */
function isForbidden(command: string): boolean {
  const { Deno } = globalThis as unknown as {
    Deno?: { permissions: { querySync(what: { name: "run"; command: string }): { state: string } } };
  };
  return Deno !== undefined && Deno.permissions.querySync({ name: "run", command }).state !== "granted";
}

/** A child process: noted, and refused on replay, unless it carries the preload. */
function watchChild(context: SeamContext, form = ""): (original: AnyFunction) => AnyFunction {
  return (original) =>
    plain(function (this: unknown, ...args: unknown[]) {
      const command = commandOf(args, form);
      const options = args.find((each) => typeof each === "object" && each !== null && !Array.isArray(each));
      // A shell line may start anything behind its first word.
      const line = SHELL_FORMS.has(form) && /[;&|`$<>(){}\n]/.test(String(args[0]));
      const allowed = context.quietly(() =>
        isForbidden(command) || (!line && carriesPreload(command, options))
      );
      const session = allowed ? undefined : context.session();
      session?.boundary("process:child", command);
      // The forms that are built on others are noted once.
      if (session === undefined) return Reflect.apply(original, this, args);
      return context.quietly(() => Reflect.apply(original, this, args));
    });
}

const SHELL_FORMS: ReadonlySet<string> = new Set(["exec", "execSync"]);

function guardProcesses(context: SeamContext): void {
  const { registry, builtins } = context;
  const watched = watchChild(context);
  const forms = ["fork", "spawn", "exec", "execFile", "spawnSync", "execSync", "execFileSync"];
  builtins.patch(
    registry,
    "node:child_process",
    Object.fromEntries(forms.map((form) => [form, watchChild(context, form)])),
  );
  const { Deno, Bun } = globalThis as unknown as { Deno?: Record<string, unknown>; Bun?: object };
  if (Bun !== undefined) { for (const key of ["spawn", "spawnSync"]) registry.method(Bun, key, watched); }
  if (Deno === undefined) return;
  registry.value(Deno, "Command", (Native: Constructor) => {
    const watched = new Proxy(Native, {
      construct(target, args, newTarget) {
        const command = commandOf(args);
        const allowed = context.quietly(() => isForbidden(command) || carriesPreload(command, args[1], true));
        if (!allowed) context.session()?.boundary("process:child", command);
        return Reflect.construct(target, args, newTarget);
      },
    });
    return printsAs(watched, Native);
  });
}

/** Patches what opens a connection, a worker or a child process. */
export function guardSeam(context: SeamContext): void {
  const { registry, builtins } = context;
  const net = builtins.get<{ Socket: { prototype: object } }>("node:net");
  if (net !== undefined) registry.method(net.Socket.prototype, "connect", watch(context, "network:socket"));
  builtins.patch(registry, "node:dgram", { createSocket: watch(context, "network:datagrams") });
  const { Deno, Bun } = globalThis as unknown as { Deno?: object; Bun?: object };
  if (Deno !== undefined) {
    for (const key of ["connect", "connectTls", "startTls", "listenDatagram"]) {
      registry.method(Deno, key, watch(context, `network:Deno.${key}`));
    }
  }
  if (Bun !== undefined) {
    for (const key of ["connect", "udpSocket"]) {
      registry.method(Bun, key, watch(context, `network:Bun.${key}`));
    }
    // Bun's own HTTP client for `node:http` opens its sockets past `node:net`.
    for (const name of ["node:http", "node:https"]) {
      builtins.patch(registry, name, {
        request: watch(context, `network:${name}`),
        get: watch(context, `network:${name}`),
      });
    }
  }
  registry.value(globalThis, "Worker", watchClass(context, "worker:Worker"));
  // Deno panics when the import of `node:worker_threads` is sent elsewhere: its ESM import is not noticed there.
  if (QUIRKS.workerThreadsRedirect) builtins.touch("node:worker_threads");
  const threads = builtins.get<object>("node:worker_threads");
  if (threads !== undefined) {
    registry.value(threads, "Worker", watchClass(context, "worker:node:worker_threads"));
  }
  guardProcesses(context);
  // Node's are built on `node:net`, and even to look at them loads all of undici: 27 ms.
  if (QUIRKS.webSocketUsesSockets) return;
  for (const key of ["WebSocket", "EventSource", "WebSocketStream"]) {
    registry.value(globalThis, key, watchClass(context, `network:${key}`));
  }
}
