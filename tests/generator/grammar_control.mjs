/** The grammar's statements that hold blocks or end the program: lanes, loops, branches, errors, exits. */

import { DELAYS, request } from "./grammar_leaf.mjs";
import { SOURCES, STOPS, UNCAUGHT } from "./words.mjs";

/**
 * @typedef {import("./generate.mjs").Maker} Maker
 * @typedef {import("./generate.mjs").Scope} Scope
 * @typedef {import("./generate.mjs").Kind} Kind
 */

/** Lanes of a concurrent statement. @param {Maker} m @param {Scope} scope @param {number} count */
function lanes(m, scope, count, longest = 5) {
  const made = [];
  let ms = 0;
  for (let i = 0; i < count; i++) {
    const lane = m.block(m, inner(scope, 1), m.random.between(1, longest));
    made.push(lane.statements);
    ms = Math.max(ms, lane.ms);
  }
  return { made, ms };
}

/** @param {Scope} scope @param {number} deeper @returns {Scope} */
function inner(scope, deeper, room = scope.room) {
  return { lanes: scope.lanes + deeper, nesting: scope.nesting + 1, room, slots: [] };
}

/** @param {Maker} m @param {Scope} scope */
function combinator(m, scope) {
  const { made, ms } = lanes(m, scope, m.random.between(2, 4));
  return { fields: { lanes: made }, ms };
}

/** @type {Record<string, Kind>} */
export const CONTROL_KINDS = {
  interval_while: {
    weight: 3,
    room: 120,
    nests: 0,
    make: (m, scope) => {
      const body = m.block(m, inner(scope, 0), m.random.between(1, 4));
      return {
        fields: {
          ms: m.random.pick([3, 5, 10]),
          source: m.random.pick(SOURCES),
          unref: m.random.chance(0.3),
          // One tick in the middle may ask for something itself.
          ...(m.random.chance(0.3) ? { request: request(m, ["/json", "/near/N", "/mixed"]) } : {}),
          body: body.statements,
        },
        ms: body.ms,
      };
    },
  },
  all: { weight: 3, room: 150, nests: 1, make: combinator },
  race: { weight: 3, room: 150, nests: 1, make: combinator },
  any: { weight: 2, room: 150, nests: 1, make: combinator },
  settle: { weight: 3, room: 150, nests: 1, make: combinator },
  workers: {
    weight: 2,
    room: 250,
    nests: 1,
    make: (m, scope) => {
      const count = m.random.between(2, 3);
      const jobs = lanes(m, { ...scope, room: scope.room / 2 }, m.random.between(3, 5), 3);
      return { fields: { count, jobs: jobs.made }, ms: jobs.ms * 2 };
    },
  },
  spawn: {
    weight: 3,
    room: 100,
    nests: 1,
    make: (m, scope) => {
      const slot = m.nextId++;
      const body = m.block(m, inner(scope, 1), m.random.between(1, 5));
      scope.slots.push(slot);
      return { fields: { slot, body: body.statements }, ms: body.ms / 2 };
    },
  },
  join: {
    weight: 30,
    room: 0,
    make: (_, scope) => {
      const slot = scope.slots.pop();
      return slot === undefined ? undefined : { fields: { slot }, ms: 0 };
    },
  },
  branch: {
    weight: 4,
    room: 0,
    nests: 0,
    make: (m, scope) => {
      const arms = Array.from({ length: m.random.between(2, 3) }, () => {
        return m.block(m, inner(scope, 0), m.random.between(1, 3));
      });
      return {
        fields: {
          on: m.random.pick(["last", "pool", "history", "draw"]),
          source: m.random.pick(SOURCES),
          arms: arms.map((arm) => arm.statements),
        },
        ms: Math.max(...arms.map((arm) => arm.ms)),
      };
    },
  },
  loop: {
    weight: 2,
    room: 100,
    nests: 0,
    make: (m, scope) => {
      const times = m.random.between(2, 3);
      const body = m.block(m, inner(scope, 0, scope.room / times), m.random.between(1, 3));
      return {
        fields: { times, drawn: m.random.chance(0.5), source: m.random.pick(SOURCES), body: body.statements },
        ms: body.ms * times,
      };
    },
  },
  attempt: {
    weight: 3,
    room: 100,
    nests: 0,
    make: (m, scope) => {
      const body = m.block(m, inner(scope, 0, scope.room * 0.6), m.random.between(1, 4));
      const handler = m.block(m, inner(scope, 0, scope.room * 0.2), m.random.between(1, 2));
      const last = m.random.chance(0.4)
        ? m.block(m, inner(scope, 0, scope.room * 0.2), m.random.between(1, 2))
        : { statements: [], ms: 0 };
      return {
        fields: { body: body.statements, handler: handler.statements, last: last.statements },
        ms: body.ms + handler.ms + last.ms,
      };
    },
  },
  throw: {
    weight: 0.8,
    room: 0,
    // Outside a nest it would only shorten the program.
    make: (m, scope) =>
      scope.nesting === 0 ? undefined : { fields: { unless: m.random.between(0, 3) }, ms: 0 },
  },
  generator: {
    weight: 3,
    room: 120,
    nests: 0,
    make: (m, scope) => {
      const count = m.random.between(2, 4);
      const body = m.block(m, inner(scope, 0, scope.room / count), m.random.between(1, 2));
      return {
        fields: {
          count,
          stop: m.random.pick(STOPS),
          after: m.random.between(1, count),
          final_ms: m.random.pick([-1, 0, 2, 5]),
          // Asking for several items before the first has come queues the calls.
          ahead: m.random.chance(0.25),
          source: m.random.pick(SOURCES),
          body: body.statements,
        },
        ms: body.ms * count,
      };
    },
  },
  exit_code: {
    weight: 0.5,
    room: 0,
    make: (m) => ({ fields: { modulus: m.random.between(2, 6) }, ms: 0 }),
  },
  exit: {
    weight: 0.5,
    room: 0,
    make: (m) => {
      if (m.ends++ > 0) return undefined;
      return { fields: { code: m.random.pick([0, 0, 1, 3, 7]), modulus: m.random.between(1, 3) }, ms: 0 };
    },
  },
  uncaught: {
    weight: 0.8,
    room: 0,
    make: (m) => {
      if (m.ends++ > 0) return undefined;
      return {
        fields: { via: m.random.pick(UNCAUGHT), ms: m.random.pick(DELAYS), modulus: m.random.between(1, 3) },
        ms: 0,
      };
    },
  },
};
