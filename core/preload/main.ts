/**
 * What runs inside the agent before its first line: reads its orders, puts the seams in place, starts a
 * session. Bundled into one plain JavaScript file; has no dependency.
 *
 * It must not import `node:crypto`, `node:timers` or `node:http` by name: in Deno and Bun that would bind the
 * agent's own named imports to the unpatched functions.
 */

import { QUIRKS } from "../base/runtime.ts";
import { messageOf, TraceforkError } from "../base/errors.ts";
import { isSecretEnv, parseRedactRules, Redactor } from "../session/redact.ts";
import { Turns } from "../session/turns.ts";
import { installSeams, takePlatform } from "../seams/install.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { watchEnding, watchUncaught } from "./ending.ts";
import { startForking } from "./forking.ts";
import { hostCore } from "./host_core.ts";
import { type Orders, readOrders } from "./orders.ts";
import { startRecording } from "./recording.ts";
import { startReplaying } from "./replaying.ts";

const LOADED = Symbol.for("tracefork.preload");

/** Programs that only start others: they are let alone, and their children carry the preload. */
const LAUNCHERS = /[\\/](?:npm-cli|npx-cli|npm|npx|yarn|yarnpkg|pnpm|pnpx|corepack)(?:\.[cm]?js)?$/;

function isWorker(): boolean {
  const { getBuiltinModule } = process as unknown as { getBuiltinModule?: (name: string) => unknown };
  const threads = getBuiltinModule?.("node:worker_threads") as { isMainThread?: boolean } | undefined;
  return threads?.isMainThread === false;
}

function fail(error: unknown): never {
  const known = error instanceof TraceforkError;
  const code = known ? ` (${error.code})` : "";
  console.error(`tracefork: ${messageOf(error)}${code}`);
  if (known && error.hint !== undefined) console.error(`  ${error.hint}`);
  return process.exit(known ? error.exitCode : 1);
}

function start(orders: Orders, mode: Exclude<Orders["mode"], "off">): void {
  const platform = takePlatform();
  const core = hostCore(createWasmCore(), platform);
  const redactor = new Redactor(parseRedactRules(orders.get("TRACEFORK_REDACT") ?? ""), orders.secrets);
  const begin = { record: startRecording, replay: startReplaying, fork: startForking }[mode];
  const turns = new Turns(platform.timers.setImmediate, platform.beginTurn);
  const running = begin(core, platform, orders, redactor, turns);
  const { registry } = installSeams(platform, () => running.session);
  watchEnding(registry, running.flush, running.end);
  watchUncaught({
    pause() {
      turns.pause();
      // Whether anything keeps the loop alive decides on Bun whether `beforeExit` comes: that must not hang on a timer
      // of tracefork's own, which there is in a recording only. Nothing is resumed there.
      if (QUIRKS.livesOnAfterError) platform.neutral(() => platform.timers.setInterval(() => {}, 0x7fffffff));
    },
    resume: () => turns.resume(),
  }, platform.timers.setImmediate);
}

function main(): void {
  const marked = globalThis as unknown as Record<symbol, unknown>;
  if (marked[LOADED] === true) return;
  Object.defineProperty(globalThis, LOADED, { value: true });
  if (LAUNCHERS.test(process.argv[1] ?? "") || isWorker()) return;
  try {
    const orders = readOrders(isSecretEnv);
    if (orders.mode !== "off") start(orders, orders.mode);
  } catch (error) {
    fail(error);
  }
}

main();
