/**
 * Clock, random and names that are drawn where no patched global is asked. A replay that doesn't cover one of them
 * shows it here: the value stands in `measured`. Whoever leaves one uncovered excludes it by its name, "beyond: …",
 * and says so in its list of seams.
 */
import { generateKeyPairSync, generateKeySync } from "node:crypto";
import process from "node:process";
import type { ContractCase, Runtime } from "./contract.ts";
import { loose } from "./cases_help.ts";

const key = async (): Promise<unknown> => {
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt"]);
  return (await crypto.subtle.exportKey("jwk", made as CryptoKey)).k;
};

const draws: Readonly<Record<string, () => unknown>> = {
  "performance.timeOrigin": () => performance.timeOrigin,
  "performance.toJSON": () => loose(performance.toJSON())["timeOrigin"],
  "performance.mark": () => performance.mark("beyond").startTime,
  "performance.measure": () => performance.measure("beyond").duration,
  "Event.timeStamp": () => new Event("beyond").timeStamp,
  "File.lastModified": () => new File([], "beyond").lastModified,
  "process.uptime": () => process.uptime(),
  "crypto.subtle.generateKey": key,
  "node:crypto generateKeySync": () => generateKeySync("hmac", { length: 64 }).export().toString("hex"),
  "node:crypto generateKeyPairSync": () =>
    generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }),
  "the boundary of a FormData": () => {
    const form = new FormData();
    form.append("a", "1");
    return new Response(form).headers.get("content-type");
  },
  "the name of a blob: URL": () => URL.createObjectURL(new Blob([])),
};

const ofBun: Readonly<Record<string, () => unknown>> = {
  "Bun.nanoseconds": () => (loose(loose(globalThis)["Bun"])["nanoseconds"] as () => number)(),
  "Bun.randomUUIDv7": () => (loose(loose(globalThis)["Bun"])["randomUUIDv7"] as () => string)(),
  "Bun.sleep": async () => {
    const start = performance.now();
    await (loose(loose(globalThis)["Bun"])["sleep"] as (ms: number) => Promise<void>)(5);
    return performance.now() - start;
  },
};

function drawn(runs: Readonly<Record<string, () => unknown>>, only?: readonly Runtime[]): ContractCase[] {
  return Object.entries(runs).map(([name, run]) => ({
    name: `beyond: ${name}`,
    ...(only === undefined ? {} : { only }),
    async run({ measured }) {
      const value = await run();
      measured["value"] = value;
      return typeof value;
    },
  }));
}

export const beyondCases: readonly ContractCase[] = [...drawn(draws), ...drawn(ofBun, ["bun"])];
