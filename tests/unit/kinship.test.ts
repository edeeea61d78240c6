/** How two runs are related, and what of it their links prove. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { kinshipOf, type Lineage, type LinkedRow } from "../../core/analyse/kinship.ts";
import { utf8 } from "../../core/base/bytes.ts";
import { TYPE } from "../../core/tape/events.ts";
import { createRefCore } from "../../wasm/ref.ts";

const core = createRefCore();
const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** Rows of a lane, linked as docs/format.md says. Words that begin with `?` are requests. */
function chain(words: readonly string[], lane = 0): LinkedRow[] {
  let link = sha256(utf8(`tracefork tape 1 lane ${lane}\n`));
  return words.map((word) => {
    const body = utf8(word);
    link = sha256(link, sha256(body));
    return { lane, type: word.startsWith("?") ? TYPE.request : TYPE.head, body, link };
  });
}

const run = (id: string, rows: readonly LinkedRow[], parent?: string, forkStep?: number) => ({
  id,
  parent,
  forkStep,
  rows,
});
const lineage = (id: string, parent?: string, forkStep?: number): Lineage => ({ id, parent, forkStep });

const PARENT = chain(["?0", "a", "?1", "b", "?2", "c"]);
const FORKED = chain(["?0", "a", "?1", "B", "?2'", "c"]);

test("a branch is proven by the links that it shares with its parent up to the request of the fork", () => {
  const found = kinshipOf(core, run("a", PARENT), run("b", FORKED, "a", 1), []);
  const { relation, forkStep, events, steps, proven, link } = found;
  assert.deepEqual({ relation, forkStep, events, steps, proven }, {
    relation: "branch",
    forkStep: 1,
    events: 3,
    steps: 2,
    proven: true,
  });
  assert.equal(link, PARENT[2]!.link.reduce((hex, byte) => hex + byte.toString(16).padStart(2, "0"), ""));
  assert.equal(kinshipOf(core, run("b", FORKED, "a", 1), run("a", PARENT), []).relation, "parent");
});

test("a parent that was changed since is no proof, nor is a link that is wrong in both files", () => {
  const changed = chain(["?0", "A", "?1", "b"]);
  const found = kinshipOf(core, run("a", changed), run("b", FORKED, "a", 1), []);
  assert.deepEqual([found.relation, found.events, found.proven], ["branch", 1, false]);
  const forge = (rows: readonly LinkedRow[]) => rows.with(1, { ...rows[1]!, link: rows[0]!.link });
  const forged = kinshipOf(core, run("a", forge(PARENT)), run("b", forge(FORKED), "a", 1), []);
  assert.deepEqual([forged.events, forged.proven], [1, false]);
  const later = kinshipOf(core, run("a", PARENT), run("b", FORKED, "a", 2), []);
  assert.equal(later.proven, false, "it says that it was forked later than its events say");
});

test("two branches, and a branch of a branch, are found through their ancestors", () => {
  const known = [lineage("root"), lineage("a", "root", 4), lineage("b", "root", 2), lineage("c", "a", 6)];
  const relate = (x: Lineage, y: Lineage) => {
    const { relation, forkStep } = kinshipOf(core, { ...x, rows: [] }, { ...y, rows: [] }, known);
    return [relation, forkStep];
  };
  const [root, a, b, c] = known as [Lineage, Lineage, Lineage, Lineage];
  assert.deepEqual(relate(a, b), ["siblings", 2]);
  assert.deepEqual(relate(c, b), ["siblings", 2]);
  assert.deepEqual(relate(root, c), ["branch", 4]);
  assert.deepEqual(relate(c, a), ["parent", 6]);
  assert.deepEqual(relate(a, a), ["same", undefined]);
  assert.deepEqual(relate(a, lineage("x")), ["none", undefined]);
  // An ancestor that is in neither file is known by its id alone.
  assert.deepEqual(relate(lineage("x", "gone", 1), lineage("y", "gone", 3)), ["siblings", 1]);
  // Two that name each other end the search.
  const [x, y] = [lineage("x", "y", 1), lineage("y", "x", 1)];
  assert.equal(kinshipOf(core, { ...x, rows: [] }, { ...lineage("z"), rows: [] }, [x, y]).relation, "none");
});

test("a fork in another process is proven by that process's links", () => {
  const other = chain(["?0", "x", "?1", "y"], 1);
  const a = run("a", [...chain(["?0", "a"]), ...other]);
  const b = run("b", [...chain(["?0", "a"]), ...chain(["?0", "x", "?1", "Y"], 1)], "a", 2);
  assert.equal(kinshipOf(core, a, b, []).proven, true);
  const early = run("b", [...chain(["?0", "a"]), ...chain(["?0", "X", "?1", "Y"], 1)], "a", 2);
  assert.equal(kinshipOf(core, a, early, []).proven, false);
});
