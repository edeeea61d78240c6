/** What reflection sees of every function that stands at the boundary. */
import * as nodeCrypto from "node:crypto";
import * as filePromises from "node:fs/promises";
import * as perfHooks from "node:perf_hooks";
import { createRequire } from "node:module";
import process from "node:process";
import * as nodeTimers from "node:timers";
import * as timersPromises from "node:timers/promises";
import * as streamWeb from "node:stream/web";
import type { ContractCase } from "./contract.ts";
import { loose } from "./cases_help.ts";
import { describeFunction, describeProperty, tag } from "./observe.ts";

/** Where each boundary function lives. Own properties are described there, inherited ones on their prototype. */
const holders: Readonly<Record<string, readonly [holder: () => object, keys: readonly string[]]>> = {
  "globalThis": [() => globalThis, [
    "fetch",
    "setTimeout",
    "setInterval",
    "setImmediate",
    "clearTimeout",
    "clearInterval",
    "clearImmediate",
    "queueMicrotask",
    "Date",
    "Response",
    "Request",
    "Headers",
    "AbortSignal",
    "crypto",
    "performance",
    "Math",
    "Intl",
    "Worker",
    "WebSocket",
    "EventSource",
  ]],
  "Date": [() => Date, ["now", "parse", "UTC", "prototype"]],
  "Date.prototype": [() => Date.prototype, ["constructor", "getTime", "toISOString"]],
  "Math": [() => Math, ["random", "floor"]],
  "crypto": [() => Object.getPrototypeOf(crypto), ["randomUUID", "getRandomValues", "subtle"]],
  "performance": [() => performance, ["now", "timeOrigin"]],
  "Performance.prototype": [() => Object.getPrototypeOf(performance), ["now", "timeOrigin"]],
  "AbortSignal": [() => AbortSignal, ["timeout", "abort", "any"]],
  "Response.prototype": [() => Response.prototype, [
    "url",
    "redirected",
    "type",
    "status",
    "statusText",
    "ok",
    "headers",
    "body",
    "bodyUsed",
    "text",
    "json",
    "arrayBuffer",
    "bytes",
    "blob",
    "formData",
    "clone",
  ]],
  "Headers.prototype": [() => Headers.prototype, [
    "get",
    "set",
    "append",
    "delete",
    "getSetCookie",
    "entries",
  ]],
  "Intl.DateTimeFormat": [() => Intl.DateTimeFormat, ["prototype", "supportedLocalesOf"]],
  "Intl.DateTimeFormat.prototype": [() => Intl.DateTimeFormat.prototype, [
    "format",
    "formatToParts",
    "constructor",
  ]],
  "process": [() => process, ["hrtime", "nextTick", "uptime", "pid", "kill", "exit", "env"]],
  "Deno": [() => loose(globalThis)["Deno"] as object ?? {}, [
    "pid",
    "exit",
    "kill",
    "readTextFile",
    "Command",
  ]],
  "node:fs/promises": [() => filePromises, ["readFile", "writeFile", "stat", "mkdir", "access"]],
  "crypto.subtle": [() => Object.getPrototypeOf(crypto.subtle), ["digest", "sign", "generateKey"]],
  "node:timers": [() => nodeTimers, [
    "setTimeout",
    "setInterval",
    "setImmediate",
    "clearTimeout",
    "promises",
  ]],
  "node:timers/promises": [() => timersPromises, ["setTimeout", "setInterval", "setImmediate", "scheduler"]],
  "node:crypto": [
    () => nodeCrypto,
    [
      "randomUUID",
      "randomBytes",
      "randomInt",
      "randomFill",
      "randomFillSync",
      "getRandomValues",
      "webcrypto",
    ],
  ],
};

/** The functions that a property holds or is read through; a getter of a prototype throws on the prototype itself. */
function functionsOf(holder: object, key: string): Record<string, unknown> {
  const getter = Object.getOwnPropertyDescriptor(holder, key)?.get;
  if (getter === undefined) return { value: loose(holder)[key] };
  try {
    return { getter, value: loose(holder)[key] };
  } catch {
    return { getter };
  }
}

function mapValues(held: Record<string, unknown>, map: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(held).map(([key, value]) => [key, map(value)]));
}

const sourceText = (value: unknown): string =>
  typeof value === "function" ? Function.prototype.toString.call(value) : tag(value);

const functions: ContractCase[] = Object.entries(holders).flatMap((
  [name, [holder, keys]],
): ContractCase[] => [
  {
    name: `identity of functions: ${name}`,
    run: async () =>
      keys.map((key) => {
        const found = mapValues(functionsOf(holder(), key), describeFunction);
        return [key, describeProperty(holder(), key), found];
      }),
  },
  {
    name: `identity of source texts: ${name}`,
    run: async () => keys.map((key) => [key, mapValues(functionsOf(holder(), key), sourceText)]),
  },
]);

const relations: ContractCase = {
  name: "identity: which names mean the same function",
  run: async () => ({
    nodeSetTimeout: nodeTimers.setTimeout as unknown === globalThis.setTimeout,
    nodeSetInterval: nodeTimers.setInterval as unknown === globalThis.setInterval,
    nodeSetImmediate: nodeTimers.setImmediate as unknown === globalThis.setImmediate,
    promisesOfTimers: nodeTimers.promises.setTimeout === timersPromises.setTimeout,
    defaultExport:
      (nodeTimers as unknown as { default: typeof nodeTimers }).default.setTimeout === nodeTimers.setTimeout,
    performance: perfHooks.performance as unknown === globalThis.performance,
    webcrypto: nodeCrypto.webcrypto as unknown === globalThis.crypto,
    randomUUID: nodeCrypto.randomUUID as unknown === globalThis.crypto.randomUUID,
    self: [globalThis.globalThis === globalThis, "fetch" in globalThis],
    dateConstructor: Date.prototype.constructor === Date,
    process: process === loose(globalThis)["process"],
  }),
};

/** A built-in module by every road: each has to lead to the same functions. */
const roads: ContractCase = {
  name: "identity: every road to a built-in module",
  run: async () => {
    const seen: Record<string, unknown> = {};
    const require = createRequire(import.meta.url);
    const builtin = (process as unknown as { getBuiltinModule(name: string): object }).getBuiltinModule;
    for (
      const [name, key] of [["timers", "setTimeout"], ["crypto", "randomUUID"], [
        "timers/promises",
        "setTimeout",
      ]] as const
    ) {
      const dynamic = loose(await import(`node:${name}`));
      const modules: Record<string, unknown> = {
        named: dynamic[key],
        default: loose(dynamic["default"])[key],
        required: loose(require(`node:${name}`))[key],
        bare: loose(require(name))[key],
        builtin: loose(builtin.call(process, `node:${name}`))[key],
      };
      seen[name] = Object.entries(modules).map(([road, fn]) => [road, fn === modules["named"]]);
    }
    const performances = [
      globalThis.performance,
      perfHooks.performance,
      loose(require("node:perf_hooks"))["performance"],
    ];
    return {
      ...seen,
      performance: new Set(performances).size,
      streams: streamWeb.ReadableStream as unknown === ReadableStream,
    };
  },
};

export const identityCases: readonly ContractCase[] = [...functions, relations, roads];
