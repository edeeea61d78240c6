/** What several case files need: gated streams, echoes, a port that refuses, and observation of many failures. */
import type { CaseEnv } from "./contract.ts";
import { outcome } from "./observe.ts";

/**
 * Opens a stream whose pieces come one by one as `release` asks for them. Boundaries and the place of an error
 * are then fixed by what the case has read, not by the clock.
 */
export function gatedUrl(env: CaseEnv, key: string, chunks: readonly string[], end = "finish"): string {
  return `${env.url}/gated?${new URLSearchParams({ key, chunks: chunks.join("|"), end })}`;
}

export async function release(env: CaseEnv, key: string): Promise<void> {
  await (await fetch(`${env.url}/release?key=${key}`)).text();
}

/** Resolves when the origin has seen the gated connection close. */
export async function gone(env: CaseEnv, key: string): Promise<string> {
  return await (await fetch(`${env.url}/gone?key=${key}`)).text();
}

/** An URL of 127.0.0.1 where nobody listens. */
export async function refusedUrl(env: CaseEnv): Promise<string> {
  const port = await (await fetch(`${env.url}/refused`)).text();
  env.hide(port, "REFUSED");
  return `http://127.0.0.1:${port}`;
}

/** Posts to the echo and gives back what reached the wire, with a multipart boundary put in general terms. */
export async function echoed(env: CaseEnv, init: RequestInit & { duplex?: "half" }): Promise<unknown> {
  const response = await fetch(`${env.url}/echo`, { method: "POST", ...init });
  const text = await response.text();
  const boundary = /boundary=("?)([^"\\]+)\1/.exec(text)?.[2];
  if (boundary === undefined) return JSON.parse(text);
  env.measured["boundary"] = boundary;
  const { sum: _, length: __, hex, ...seen } = JSON.parse(text) as Record<string, unknown>;
  const body = typeof hex === "string" ? latin1OfHex(hex) : seen["text"];
  // Deno's boundaries differ in length, and the body's length with them.
  const headers = (seen["headers"] as [string, string][]).filter(([name]) =>
    name.toLowerCase() !== "content-length"
  );
  return JSON.parse(JSON.stringify({ ...seen, headers, text: body }).replaceAll(boundary, "BOUNDARY"));
}

function latin1OfHex(hex: string): string {
  return hex.replaceAll(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)));
}

/** Runs each function in turn and gives its value or error under its name. */
export async function outcomes(
  runs: Readonly<Record<string, () => unknown>>,
): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  for (const [name, run] of Object.entries(runs)) seen[name] = await outcome(run);
  return seen;
}

/** A promise with its handles, as every runtime has it. */
export function deferred<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  return Promise.withResolvers<T>();
}

/** Something looked at as a bag of members, for reflection that types would forbid. */
export type Loose = Record<PropertyKey, unknown>;

export function loose(value: unknown): Loose {
  return value as Loose;
}
