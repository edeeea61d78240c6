/**
 * What the growing conversation costs where bodies are kept whole, for comparison: SHA-256 by the host, one row of
 * SQLite for each different body, committed before the next. Prints the microseconds of each step as JSON.
 *
 *   whole_bodies.ts FILE STEPS
 */

import { createHash } from "node:crypto";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { CLOCK } from "./own_clock.ts";
import { growing } from "./texts.ts";

const [file, steps] = process.argv.slice(2) as [string, string];
const db = new DatabaseSync(file);
db.exec(
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE bodies (digest BLOB PRIMARY KEY, data BLOB)",
);
const insert = db.prepare("INSERT OR IGNORE INTO bodies (digest, data) VALUES (?, ?)");
const times: number[] = [];
for (const body of growing(Number(steps))) {
  const before = CLOCK.now();
  const bytes = new TextEncoder().encode(body);
  insert.run(createHash("sha256").update(bytes).digest(), bytes);
  times.push((CLOCK.now() - before) * 1000);
}
db.close();
console.log(JSON.stringify({ times }));
