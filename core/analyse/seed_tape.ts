/** A run as a tape of the Python original: what that can hold of it, and its fingerprint. */

import { SEED_BOUNDARY, type SeedTape } from "../tape/seed.ts";
import type { Run } from "../store/runs.ts";
import type { RunExchanges } from "./exchanges.ts";
import type { ShownDraw } from "./lane_draws.ts";

/** A draw of an imported run is a JSON list of the seed's own kind and value. */
function importedDraw({ value }: ShownDraw): readonly [string, string] {
  return JSON.parse(JSON.parse(value) as string) as [string, string];
}

/** The seed writes times with an offset, and ids without hyphens. */
function ownDraw({ kind, value }: ShownDraw): readonly [string, string] {
  if (kind === "clock") return [kind, value.replace(/Z$/, "+00:00")];
  return [kind, kind === "uuid" ? value.replaceAll("-", "") : value];
}

/**
 * See the head of this file. Draws come first, as in the seed's files. An imported run gives back what it was made
 * of; of an imported branch that is the part from its fork on.
 */
export function seedTapeOf(run: Run, found: RunExchanges): SeedTape {
  const { imported } = run.about;
  const isSeed = imported?.format === "seed";
  const groups = [...found.early, ...found.exchanges].toSorted((a, b) => a.lane - b.lane);
  const draws = groups.flatMap((group) => group.draws()).map(isSeed ? importedDraw : ownDraw);
  const from = isSeed ? run.forkStep ?? 0 : 0;
  return {
    draws,
    exchanges: found.exchanges.slice(from).map((each) =>
      [each.requestBody() ?? new Uint8Array(0), each.responseBody()] as const
    ),
    boundary: imported?.seed_meta?.boundary ?? SEED_BOUNDARY,
    agentName: imported?.seed_meta?.agent_name ?? run.name ?? "",
  };
}
