/**
 * What replayed and forked processes tell their launcher, in files of a folder: reading it, noticing one that has
 * gone silent, and putting that into words.
 */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LaneReport } from "../preload/replaying.ts";
import type { Divergence } from "../session/divergence.ts";

/** Said where nothing carried the preload. */
export const NOT_STARTED =
  "the command started no JavaScript runtime with the preload in it; only Deno, Bun and Node can be recorded and replayed";

/** A divergence that the launcher found. */
export function divergenceOf(fields: Omit<Divergence, "where" | "hint"> & { hint?: string }): Divergence {
  return {
    where: "",
    hint: "`tracefork show` lists what was recorded; a value that no seam holds may have come into play",
    ...fields,
  };
}

/** The time zone here. */
export function hereZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What the processes of a run have told, by lane. */
export function readReports<T extends LaneReport = LaneReport>(folder: string): T[] {
  const names = readdirSync(folder).filter((name) => /^lane-\d+\.json$/.test(name));
  return names.flatMap((name) => {
    try {
      return [JSON.parse(readFileSync(join(folder, name), "utf8")) as T];
    } catch {
      // Just being written.
      return [];
    }
  }).sort((a, b) => a.lane - b.lane);
}

/** A process that has not turned for so many seconds: it is in an endless loop, or blocked. */
export function silentLane<T extends LaneReport>(
  folder: string,
  seconds: number,
  isLive: (report: T) => boolean = () => false,
): T | undefined {
  for (const report of readReports<T>(folder)) {
    if (report.divergence !== undefined || isLive(report)) continue;
    const path = join(folder, `lane-${report.lane}.json`);
    const beat = Math.max(
      statSync(path).mtimeMs,
      statSync(`${path}.at`, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    );
    const exchanges = existsSync(`${path}.at`) ? Number(readFileSync(`${path}.at`, "utf8")) : 0;
    // Loading a large program may take its time before the first event.
    const loading = report.events.done === 0 && exchanges === 0;
    if ((Date.now() - beat) / 1000 <= (loading ? Math.max(seconds, 30) : seconds)) continue;
    const seen = Math.max(exchanges, report.counts.exchanges);
    return { ...report, counts: { ...report.counts, exchanges: seen, matched: seen } };
  }
  return undefined;
}

/** What a silent process is told as. */
export function stuckDivergence({ counts, leftOver }: LaneReport, seconds: number): Divergence {
  return divergenceOf({
    step: counts.exchanges,
    kind: "stall",
    cause: "stalled",
    expected: leftOver?.expected ?? "the end of the run",
    got: `a process that has not turned for ${seconds} s`,
    hint:
      "the agent computes in one go, or is blocked (execSync): if it only needs longer, give --stall-after SECONDS",
  });
}
