/**
 * Tapes of the Python original (tracefork 0.1 to 0.3): what they hold, their fingerprint, and their JSON form. Pure.
 *
 * A seed tape knows a request's body and an answer's body, and the values drawn in their order. It does not know
 * method, URL, headers, status, times, errors, pieces of a stream, or between which exchanges a value was drawn.
 */

import { fromBase64 } from "../base/base64.ts";
import { utf8 } from "../base/bytes.ts";
import { toHex } from "../base/hex.ts";
import type { Core } from "../../wasm/core.ts";

/** A seed tape. */
export interface SeedTape {
  readonly draws: readonly (readonly [kind: string, value: string])[];
  readonly exchanges: readonly (readonly [request: Uint8Array, response: Uint8Array])[];
  readonly boundary: string;
  readonly agentName: string;
}

/** What the seed writes where nothing was said. */
export const SEED_BOUNDARY = "single-process-asyncio-v1";

/** What is unknown of a run that comes from a seed tape. */
export const SEED_UNKNOWN = [
  "method",
  "URL",
  "headers",
  "status",
  "times",
  "pieces of streamed answers",
  "failed requests",
  "where among the exchanges a value was drawn",
  "output and exit code",
] as const;

/**
 * The seed's fingerprint: one SHA-256 over a line `D:kind:value` for each draw and then a line `X:request:response`,
 * both SHA-256 in hex, for each exchange.
 */
export function seedFingerprint(
  core: Core,
  { draws, exchanges }: Pick<SeedTape, "draws" | "exchanges">,
): string {
  const hasher = core.hasher();
  for (const [kind, value] of draws) hasher.update(utf8(`D:${kind}:${value}\n`));
  for (const [request, response] of exchanges) {
    hasher.update(utf8(`X:${toHex(core.sha256(request))}:${toHex(core.sha256(response))}\n`));
  }
  return toHex(hasher.digest());
}

/** True for a JSON value that could be a seed tape. */
export function looksLikeSeed(value: unknown): boolean {
  const { exchanges, draws } = (value ?? {}) as Record<string, unknown>;
  return Array.isArray(exchanges) && Array.isArray(draws);
}

/** Reads what the seed's `to_bytes` wrote. @throws TypeError where it is something else. */
export function parseSeedJson(value: unknown): SeedTape {
  if (!looksLikeSeed(value)) throw new TypeError("`exchanges` and `draws` are missing");
  const { exchanges, draws, boundary, agent_name } = value as Record<string, unknown[]>;
  const pairOf = (each: unknown): [unknown, unknown] => {
    if (Array.isArray(each) && each.length === 2) return each as [unknown, unknown];
    throw new TypeError("an exchange or a draw is no pair");
  };
  return {
    exchanges: exchanges!.map(pairOf).map(([request, response]) =>
      [fromBase64(request), fromBase64(response)] as const
    ),
    draws: draws!.map(pairOf).map(([kind, drawn]) => {
      if (typeof kind !== "string" || typeof drawn !== "string") throw new TypeError("a draw is no text");
      return [kind, drawn] as const;
    }),
    boundary: typeof boundary === "string" ? boundary : SEED_BOUNDARY,
    agentName: typeof agent_name === "string" ? agent_name : "",
  };
}
