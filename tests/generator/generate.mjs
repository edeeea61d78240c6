/**
 * From a seed to a program tree of plain data. Choices come from `random.mjs` alone, so a seed names a program on
 * every machine. Each kind of statement is one entry of the two grammar files. Kinds estimate how long they may take,
 * and a block stops taking slow statements when its room is spent: that keeps every run under about 1.5 s.
 */

import { CONTROL_KINDS } from "./grammar_control.mjs";
import { LEAF_KINDS } from "./grammar_leaf.mjs";
import { seededRandom } from "./random.mjs";

const MAX_LANE_DEPTH = 3;
const MAX_NESTING = 6;
const PROGRAM_MS = 900;

/**
 * What a program is made with: `left` counts the statements still to make, `ends` those that end the process.
 * @typedef {{ random: ReturnType<typeof seededRandom>, left: number, nextId: number, ends: number,
 *   block: (m: Maker, scope: Scope, wanted: number) => Block }} Maker
 */

/**
 * Where a block stands: lanes and blocks around it, ms that it may take, spawned lanes that it can join.
 * @typedef {{ lanes: number, nesting: number, room: number, slots: number[] }} Scope
 */

/** @typedef {{ statements: { id: number, kind: string }[], ms: number }} Block */

/**
 * `room` is the least room in ms with which a kind is considered; `nests` is how many levels of lanes it opens
 * (`undefined`: it holds no block). `make` may decline.
 * @typedef {{ weight: number, room: number, nests?: number,
 *   make: (m: Maker, scope: Scope) => { fields: Record<string, unknown>, ms: number } | undefined }} Kind
 */

/** @type {Record<string, Kind>} */
const KINDS = { ...LEAF_KINDS, ...CONTROL_KINDS };

/** Every kind of statement there is. */
export const STATEMENT_KINDS = Object.keys(KINDS);

/** @param {Maker} m @param {Scope} scope @param {number} wanted @returns {Block} */
function block(m, scope, wanted) {
  const statements = [];
  let ms = 0;
  while (statements.length < wanted && m.left > 0) {
    const room = Math.max(0, scope.room - ms);
    const open = Object.entries(KINDS).filter(([, kind]) =>
      kind.room <= room &&
      (kind.nests === undefined || scope.nesting < MAX_NESTING && scope.lanes + kind.nests <= MAX_LANE_DEPTH)
    );
    const name = m.random.weighted(open.map(([name, kind]) => [name, kind.weight]));
    const id = m.nextId++;
    m.left--;
    const made = KINDS[name].make(m, { ...scope, room });
    if (!made) {
      m.left++;
      m.nextId = id;
      continue;
    }
    statements.push({ id, kind: name, ...made.fields });
    ms += made.ms;
  }
  return { statements, ms };
}

/**
 * The program of `seed`, of about `size` statements (10 to 60 when the seed chooses).
 * @param {number} seed @param {number} [size]
 */
export function generateProgram(seed, size) {
  const random = seededRandom(seed);
  const chosen = random.between(10, 60);
  const m = { random, left: size ?? chosen, nextId: 0, ends: 0, block };
  const scope = { lanes: 0, nesting: 0, room: PROGRAM_MS, slots: [] };
  const { statements } = block(m, scope, Infinity);
  return {
    seed,
    size: size ?? chosen,
    body: statements,
    end: {
      code: random.pick(["zero", "fixed", "drawn"]),
      // An error that reaches the top is reported, or left to the runtime.
      crash: random.chance(0.4),
      exit_listener: random.chance(0.5),
      before_exit: random.chance(0.15),
    },
  };
}
