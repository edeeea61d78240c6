/**
 * Loads a tape as a replay does, before the agent's first line, and prints how long that took and how much memory it
 * left in use, as JSON.
 *
 *   agent_load.ts TAPE
 */

import process from "node:process";
import { openDatabase } from "../../core/store/database.ts";
import { listRuns } from "../../core/store/runs.ts";
import { tapeSource } from "../../core/store/tape_reader.ts";
import { createWasmCore } from "../../wasm/mod.ts";
import { CLOCK } from "./own_clock.ts";

const path = process.argv[2]!;
const memoryBefore = process.memoryUsage.rss();
const before = CLOCK.now();
const db = openDatabase(path, "read");
const core = createWasmCore();
const run = listRuns(db)[0]!;
const rows = tapeSource(db, core, run.key).events(0);
const ms = CLOCK.now() - before;
console.log(JSON.stringify({ ms, memory: process.memoryUsage.rss() - memoryBefore, events: rows.length }));
db.close();
