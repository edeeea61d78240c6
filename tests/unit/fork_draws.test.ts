/** What a fork draws behind its step: clocks that go on, and random values that a seed decides. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ForkDraws } from "../../core/session/fork_draws.ts";
import { BYTES, CLOCK, INSTANT, MONOTONIC, PERFORMANCE, RANDOM, UUID } from "../../core/tape/draws.ts";
import { createWasmCore } from "../../wasm/mod.ts";

function draws(seed = 1, lane = 0): { draws: ForkDraws; pass(ms: number): void } {
  let now = 1000;
  const made = new ForkDraws({
    core: createWasmCore(),
    seed: new Uint8Array(32).fill(seed),
    lane,
    now: () => now,
    created: 1_700_000_000_000_000,
    forkedAt: 250_000,
  });
  made.start();
  return { draws: made, pass: (ms) => now += ms };
}

const never = (): never => assert.fail("the platform's value was asked for");

test("clocks go on from what was served last", () => {
  const { draws: own, pass } = draws();
  own.served(CLOCK, 5000);
  own.served(PERFORMANCE, 12.5);
  own.served(MONOTONIC, 7_000_000n);
  own.served(INSTANT, 5_000_000_000n);
  pass(1.5);
  assert.equal(own.value(CLOCK, never), 5001);
  assert.equal(own.value(PERFORMANCE, never), 14);
  assert.equal(own.value(MONOTONIC, never), 8_500_000n);
  assert.equal(own.value(INSTANT, never), 5_001_500_000n);
  assert.equal(own.elapsed(), 251_500);
});

test("a clock that was not read before goes on from the run's time", () => {
  const { draws: own, pass } = draws();
  pass(10);
  assert.equal(own.value(CLOCK, never), 1_700_000_000_260);
  assert.equal(own.value(INSTANT, never), 1_700_000_000_260_000_000n);
  assert.equal(own.value(PERFORMANCE, () => 30), 280);
});

test("one seed gives one series, another seed or lane another", () => {
  const series = ({ draws: own }: ReturnType<typeof draws>) => [
    own.value(RANDOM, never),
    own.value(UUID, () => "00000000-0000-4000-8000-000000000000"),
    String(own.value(BYTES, () => new Uint8Array(70))),
  ];
  const first = series(draws());
  assert.deepEqual(series(draws()), first);
  assert.notDeepEqual(series(draws(2)), first);
  assert.notDeepEqual(series(draws(1, 1)), first);
});

test("values have the shape of the platform's", () => {
  const { draws: own } = draws();
  for (let i = 0; i < 200; i++) {
    const random = own.value(RANDOM, never);
    assert.ok(random >= 0 && random < 1);
    assert.match(
      own.value(UUID, () => "00000000-0000-4000-8000-000000000000"),
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.match(
      own.value(UUID, () => "01890a5d-ac96-774b-bcce-b302099a8057"),
      /^01890a5d-ac96-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  }
});
