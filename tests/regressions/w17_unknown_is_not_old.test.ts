/**
 * W17 of the Python original: pruning by age takes every run of which it does not know the time, because an empty time
 * sorts before any other. Here a run of unknown time is never taken for old, by any rule.
 */
import assert from "node:assert/strict";
import { usedBytes } from "../../core/store/collect.ts";
import { answer, type Box, boxed } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { GOLDEN, writeSeedStore } from "../helpers/seed.ts";
import { conversation, makeRun, NEW_YEAR, opened } from "../helpers/stores.ts";

const UNKNOWN = "aaaaaaaaaaaa";
const KNOWN = "bbbbbbbbbbbb";
const OURS = "cccccccccccc";

/** A run of unknown time and one of 2020, both from a store of the original; and one of ours of 2026. */
async function fill(box: Box): Promise<void> {
  writeSeedStore(box.path("seed.db"), [
    { id: UNKNOWN, tape: GOLDEN },
    { id: KNOWN, tape: { ...GOLDEN, draws: [] }, created: "2020-01-01T00:00:00+00:00" },
  ]);
  const ran = await box.tracefork(["import", box.path("seed.db")]);
  assert.equal(ran.code, 0, told(ran));
  opened(box.store, (db) => makeRun(db, box.store, OURS, conversation("ours", 8), { created: NEW_YEAR }));
}

const RULES: readonly (readonly [rule: string, args: (box: Box) => string[], gone: string[]])[] = [
  // Longer ago than 1970: what has no time would be older still.
  ["an age of 100 years", () => ["--older-than", "5200w"], []],
  ["an age", () => ["--older-than", "52w"], [KNOWN]],
  ["the smallest age", () => ["--older-than", "0m"], [OURS, KNOWN]],
  ["a number", () => ["--keep", "1"], [KNOWN]],
  ["no number at all", () => ["--keep", "0"], [OURS, KNOWN]],
  ["a size", (box) => ["--max-size", `${opened(box.store, usedBytes) - 2_500}`], [KNOWN, OURS]],
];

for (const [rule, args, gone] of RULES) {
  boxed(`a run of unknown time is not taken for old by ${rule}`, async (box) => {
    await fill(box);
    const ran = await box.tracefork(["prune", ...args(box), "--yes", "--json"]);
    assert.equal(ran.code, 0, told(ran));
    assert.deepEqual(answer<{ removed: string[] }>(ran).removed, gone, told(ran));
    const { runs } = answer<{ runs: { id: string; created: string | null }[] }>(
      await box.tracefork(["ls", "--json"]),
    );
    assert.equal(runs.at(-1)!.id, UNKNOWN);
    assert.equal(runs.at(-1)!.created, null, "and it says that it does not know");
  });
}

boxed("it goes when it is named", async (box) => {
  await fill(box);
  const ran = await box.tracefork(["rm", UNKNOWN, "--yes", "--json"]);
  assert.deepEqual(answer<{ removed: string[] }>(ran).removed, [UNKNOWN]);
});
