/** The values that a program draws: one function for each source, each giving the text that it prints and passes on. */

import * as nodeCrypto from "node:crypto";
import { randomBytes, randomFill, randomFillSync, randomInt, randomUUID } from "node:crypto";
import { Buffer } from "node:buffer";
import process from "node:process";
import { fault, take } from "./world.mjs";

/** @param {Uint8Array} bytes */
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @type {Record<string, () => string>} */
const READERS = {
  date_now: () => String(Date.now()),
  new_date: () => new Date().toISOString(),
  date_call: () => Date(),
  performance_now: () => String(performance.now()),
  math_random: () => String(Math.random()),
  random_uuid: () => crypto.randomUUID(),
  random_values: () => hex(crypto.getRandomValues(new Uint8Array(6))),
  node_random_uuid: () => randomUUID(),
  random_bytes: () => randomBytes(5).toString("hex"),
  random_int: () => String(randomInt(1_000_000)),
  random_fill: () => hex(randomFillSync(Buffer.alloc(7))),
  node_random_values: () => hex(new Uint8Array(nodeCrypto.getRandomValues(new Uint32Array(2)).buffer)),
  hrtime: () => process.hrtime().join("."),
  hrtime_bigint: () => String(process.hrtime.bigint()),
  intl_now: () =>
    new Intl.DateTimeFormat("en-GB", {
      minute: "2-digit",
      second: "2-digit",
      fractionalSecondDigits: 3,
      timeZone: "UTC",
    }).format(),
  // Node 24 has no Temporal without a flag.
  temporal_now: () =>
    "Temporal" in globalThis ? globalThis.Temporal.Now.instant().toString() : String(Date.now()),
};

/** @type {Record<string, (done: (error: Error | null, value: string) => void) => void>} */
const CALLBACKS = {
  random_bytes_callback: (done) => randomBytes(6, (error, bytes) => done(error, error ? "" : hex(bytes))),
  random_int_callback: (done) =>
    randomInt(50, 1_000_000, (error, value) => done(error ?? null, String(value))),
  random_fill_callback: (done) =>
    randomFill(new Uint8Array(8), (error, bytes) => done(error, error ? "" : hex(bytes))),
};

/** Draws without a line of its own. @param {import("./world.mjs").Lane} lane @param {string} source */
export function drawQuietly(lane, source) {
  const read = READERS[source];
  if (!read) throw fault(`no source ${source}`);
  const value = read();
  take(lane, value);
  return value;
}

/** @param {import("./world.mjs").Lane} lane @param {import("./world.mjs").Say} say @param {string} source */
export function draw(lane, say, source, label = "draw") {
  const value = drawQuietly(lane, source);
  say(`${label} ${source} ${value}`);
  return value;
}

/** @param {import("./world.mjs").Lane} lane @param {import("./world.mjs").Say} say @param {string} source */
export function drawLater(lane, say, source) {
  return new Promise((resolve, reject) => {
    CALLBACKS[source]((error, value) => {
      if (error) return reject(error);
      take(lane, value);
      say(`drawn ${source} ${value}`);
      resolve(undefined);
    });
  });
}

/** A number below `limit` for delays and jitter. @param {string} source @param {number} limit */
export function drawBelow(source, limit) {
  if (source === "random_int") return randomInt(limit);
  if (source === "random_bytes") return randomBytes(1)[0] % limit;
  return Math.floor(Math.random() * limit);
}

/** Names of the sources that are implemented. */
export const DRAWN = [...Object.keys(READERS), ...Object.keys(CALLBACKS)];
