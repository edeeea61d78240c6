/** A store with runs that were really recorded, made once for a file of tests; each test gets a copy. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { after } from "node:test";
import { agent, answer, Box } from "./box.ts";
import { withModel } from "./model.ts";
import { told } from "./process.ts";
import { runtimeNamed } from "./runtimes.ts";

export interface RecordedStore {
  readonly path: string;
  /** Ids by name. */
  readonly ids: Readonly<Record<string, string>>;
  /** Puts a copy of it in a box. */
  into(box: Box): void;
}

/**
 * Records under each name: `long` is a conversation that grows to bodies of many chunks, `other` another one, the
 * rest draw a few values.
 */
export async function recordedStore(...names: string[]): Promise<RecordedStore> {
  const box = new Box();
  after(() => box.remove());
  const node = runtimeNamed("node");
  await withModel(async ({ env }) => {
    for (const name of names) {
      const grows = name === "long" || name === "other";
      const command = grows ? node.command(agent("growing.mjs")) : node.command(agent("draws.mjs"), "3");
      const options = { env: { ...env, STEPS: "5", LINES: "40" } };
      const ran = await box.tracefork(["run", "--name", name, "--", ...command], options);
      assert.equal(ran.code, 0, told(ran));
    }
  }, { errorRate: 0 });
  const { runs } = answer<{ runs: { id: string; name: string }[] }>(await box.tracefork(["ls", "--json"]));
  return {
    path: box.store,
    ids: Object.fromEntries(runs.map(({ id, name }) => [name, id])),
    into: (other) => copyFileSync(box.store, other.store),
  };
}
