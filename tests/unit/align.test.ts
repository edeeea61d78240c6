/** Which steps of two runs stand for each other. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AlignedStep, alignSteps } from "../../core/analyse/align.ts";
import { GAP, orderedPairs } from "../../core/analyse/align_order.ts";
import { requestLikeness, sketchRequest } from "../../core/analyse/likeness.ts";
import { utf8 } from "../../core/base/bytes.ts";

/** A request about something, in one of several wordings. */
interface Topic {
  readonly key: string;
  readonly lane: number;
  readonly topic: number;
}

const step = (topic: number, wording = 0, lane = 0): Topic => ({ key: `${topic}.${wording}`, lane, topic });
/** Another wording is much alike, another topic hardly. */
const similarity = (a: Topic, b: Topic) => a.topic === b.topic ? 0.9 : 0.2;

const pairsOf = (steps: readonly AlignedStep[]) =>
  steps.flatMap(({ a, b }) => a === undefined || b === undefined ? [] : [[a, b]] as [number, number][]);
const onlyA = (steps: readonly AlignedStep[]) => steps.flatMap(({ a, b }) => b === undefined ? [a!] : []);
const onlyB = (steps: readonly AlignedStep[]) => steps.flatMap(({ a, b }) => a === undefined ? [b!] : []);
const indices = (length: number) => Array.from({ length }, (_, i) => i);

const someStep = fc.record({
  topic: fc.integer({ min: 0, max: 6 }),
  wording: fc.integer({ min: 0, max: 2 }),
  lane: fc.integer({ min: 0, max: 2 }),
}).map(({ topic, wording, lane }) => step(topic, wording, lane));
/** Steps are numbered lane by lane. */
const someRun = fc.array(someStep, { maxLength: 24 }).map((steps) =>
  steps.toSorted((a, b) => a.lane - b.lane)
);

test("a run is aligned with itself step by step, without a comparison", () => {
  fc.assert(fc.property(fc.array(someStep.map(({ topic }) => step(topic))), (run) => {
    const steps = alignSteps(run, [...run], () => assert.fail("nothing to compare"));
    assert.deepEqual(steps, run.map((_, i) => ({ a: i, b: i, moved: false })));
  }));
});

test("every step of both runs stands in the alignment once", () => {
  fc.assert(fc.property(someRun, someRun, (a, b) => {
    const steps = alignSteps(a, b, similarity);
    const numbers = (side: "a" | "b") => steps.map((each) => each[side]).filter((each) => each !== undefined);
    assert.deepEqual(numbers("a").toSorted((x, y) => x - y), indices(a.length));
    assert.deepEqual(numbers("b").toSorted((x, y) => x - y), indices(b.length));
  }));
});

test("which run is the first one makes no difference", () => {
  fc.assert(fc.property(someRun, someRun, (a, b) => {
    const there = pairsOf(alignSteps(a, b, similarity)).toSorted(([x], [y]) => x - y);
    const back = pairsOf(alignSteps(b, a, similarity)).map(([x, y]) => [y, x] as const);
    assert.deepEqual(there, back.toSorted(([x], [y]) => x - y));
  }));
});

test("steps that were put in or left out are found, wherever, though all others have changed too", () => {
  const edits = fc.array(fc.constantFrom("keep", "drop", "insert"), { maxLength: 40 });
  let naive = 0;
  fc.assert(fc.property(edits, (each) => {
    const a: Topic[] = [];
    const b: Topic[] = [];
    const expected: { pairs: [number, number][]; dropped: number[]; inserted: number[] } = {
      pairs: [],
      dropped: [],
      inserted: [],
    };
    each.forEach((edit, topic) => {
      if (edit === "keep") expected.pairs.push([a.length, b.length]);
      else if (edit === "drop") expected.dropped.push(a.length);
      else expected.inserted.push(b.length);
      if (edit !== "insert") a.push(step(topic, 0));
      if (edit !== "drop") b.push(step(topic, 1));
    });
    const steps = alignSteps(a, b, similarity);
    assert.deepEqual(pairsOf(steps), expected.pairs);
    assert.deepEqual(onlyA(steps), expected.dropped);
    assert.deepEqual(onlyB(steps), expected.inserted);
    assert.ok(steps.every(({ moved }) => !moved));
    // The control: side by side by number, most of these runs have wrong counterparts.
    if (expected.pairs.some(([i, j]) => i !== j)) naive++;
  }));
  assert.ok(naive > 20, `numbers alone must fail often, failed ${naive} times`);
});

test("requests that were in flight at once are found in another order, and are said to have moved", () => {
  const blocks = fc.array(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 5 }), {
    maxLength: 8,
  });
  fc.assert(fc.property(blocks, fc.boolean(), (sizes, reworded) => {
    let topic = 0;
    const a: Topic[] = [];
    const b: Topic[] = [];
    for (const weights of sizes) {
      const block = weights.map((weight) => ({ weight, topic: topic++ }));
      a.push(...block.map((each) => step(each.topic)));
      b.push(
        ...block.toSorted((x, y) => x.weight - y.weight).map((each) => step(each.topic, reworded ? 1 : 0)),
      );
    }
    const steps = alignSteps(a, b, similarity);
    assert.deepEqual([onlyA(steps), onlyB(steps)], [[], []]);
    for (const [i, j] of pairsOf(steps)) assert.equal(a[i]!.topic, b[j]!.topic);
    const inOrder = a.every((each, i) => each.topic === b[i]!.topic);
    assert.equal(steps.some(({ moved }) => moved), !inOrder);
  }));
});

test("an equal request that went far away is found there", () => {
  const a = indices(100).map((topic) => step(topic));
  const b = [...a.slice(1), a[0]!];
  const steps = alignSteps(a, b, similarity);
  assert.deepEqual(steps.filter(({ moved }) => moved), [{ a: 0, b: 99, moved: true }]);
  assert.equal(pairsOf(steps).length, 100);
});

test("processes that started in another order find each other, and nothing has moved by that", () => {
  const of = (lane: number, topics: readonly number[]) => topics.map((topic) => step(topic, 0, lane));
  const a = [
    ...of(0, [1, 2]),
    ...of(1, indices(40).map((i) => 100 + i)),
    ...of(2, indices(40).map((i) => 200 + i)),
  ];
  const b = [
    ...of(0, [1, 2]),
    ...of(1, indices(40).map((i) => 200 + i)),
    ...of(2, indices(40).map((i) => 100 + i)),
  ];
  const steps = alignSteps(a, b, similarity);
  for (const [i, j] of pairsOf(steps)) assert.equal(a[i]!.topic, b[j]!.topic);
  assert.ok(steps.every((each) => each.a !== undefined && each.b !== undefined && !each.moved));
});

test("what has nothing in common is no pair", () => {
  const steps = alignSteps([step(1), step(2)], [step(3), step(4)], () => 0.1);
  assert.deepEqual([onlyA(steps), onlyB(steps)], [[0, 1], [0, 1]]);
  // The control: a little more in common, and they are.
  assert.equal(pairsOf(alignSteps([step(1), step(2)], [step(3), step(4)], () => 0.5)).length, 2);
});

test("a thousand steps with some more take some comparisons a step, not a thousand", () => {
  const a = indices(1000).map((topic) => step(topic));
  const b = a.map(({ topic }) => step(topic, 1));
  for (const at of [10, 400, 401, 900]) b.splice(at, 0, step(5000 + at));
  let asked = 0;
  const steps = alignSteps(a, b, (x, y) => {
    asked++;
    return x.topic === y.topic ? 0.99 : 0.4;
  });
  for (const [i, j] of pairsOf(steps)) assert.equal(a[i]!.topic, b[j]!.topic);
  assert.deepEqual(onlyB(steps), [10, 400, 401, 900]);
  assert.ok(asked >= 1000, "they were compared");
  assert.ok(asked < 150_000, `asked ${asked} times`);
});

test("a thousand steps that have little in common take a table of all pairs and no more than a few", () => {
  const [a, b] = [
    indices(1000).map((topic) => step(topic)),
    indices(1000).map((topic) => step(2000 + topic)),
  ];
  let asked = 0;
  alignSteps(a, b, () => {
    asked++;
    return 0;
  });
  assert.ok(asked < 5_000_000, `asked ${asked} times`);
});

test("the cheapest way is found, though only near the diagonal", () => {
  const costs = fc.array(fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 12, maxLength: 12 }), {
    minLength: 1,
    maxLength: 40,
  });
  /** The least cost by the textbook, over the whole table. */
  const least = (rows: readonly (readonly number[])[], m: number) => {
    let above = indices(m + 1).map((j) => j * GAP);
    for (const row of rows) {
      const next = [above[0]! + GAP];
      for (let j = 1; j <= m; j++) {
        next.push(Math.min(above[j - 1]! + row[j - 1]! / 10, above[j]! + GAP, next[j - 1]! + GAP));
      }
      above = next;
    }
    return above[m]!;
  };
  fc.assert(fc.property(costs, fc.integer({ min: 0, max: 12 }), (rows, m) => {
    const cost = (i: number, j: number) => rows[i]![j]! / 10;
    const pairs = orderedPairs(rows.length, m, cost);
    const paid = pairs.reduce((sum, [i, j]) => sum + cost(i, j), 0);
    const total = paid + (rows.length + m - 2 * pairs.length) * GAP;
    assert.ok(Math.abs(total - least(rows, m)) < 1e-9, `paid ${total}, the least is ${least(rows, m)}`);
  }));
});

test("a growing conversation's steps are told apart by what is new in each", () => {
  const said = (turn: number) =>
    `turn ${turn}: ${"abcdefgh".split("").map((c) => `${c}${turn * 7919 % 977}`).join(" ")}`;
  const conversation = (turns: number, note: string) => ({
    model: "m",
    system: `You are helpful. ${"rules ".repeat(50)}`,
    messages: indices(turns).map((turn) => ({ role: "user", content: `${said(turn)} ${note}` })),
  });
  const sketches = (note: string) =>
    indices(30).map((i) =>
      sketchRequest("POST", "http://127.0.0.1:1/v1/messages", utf8(JSON.stringify(conversation(i + 1, note))))
    );
  const [a, b] = [sketches("on Monday"), sketches("on Tuesday")];
  for (const [i, sketch] of a.entries()) {
    const scores = b.map((other) => requestLikeness(sketch, other));
    assert.equal(scores.indexOf(Math.max(...scores)), i);
    assert.equal(requestLikeness(sketch, sketch), 1);
    assert.equal(requestLikeness(sketch, b[i]!), requestLikeness(b[i]!, sketch));
  }
});
