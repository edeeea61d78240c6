/**
 * What a running program has: the transcript, the values it has drawn, its lanes. Every line goes into a rolling
 * digest (`history`) which requests carry and branches ask, so that one line out of order changes all that follows.
 * Nothing here looks at the platform: a difference between two runs comes from outside.
 */

/**
 * @typedef {{ origin: string, history: string, pool: string[], kept: unknown[], drop: Set<number>,
 *   spawned: Map<number, Promise<void>> }} World
 * @typedef {{ world: World, label: string, last: string, forks: number }} Lane
 * @typedef {(text: string) => void} Say
 */

/** FNV-1a, 32 bits, as 8 hex digits. @param {string | Uint8Array} data @param {string} [from] */
export function digest(data, from = "811c9dc5") {
  let hash = parseInt(from, 16);
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

/** A number below `modulus` that depends on all of `text`. @param {string} text @param {number} modulus */
export function choose(text, modulus) {
  return parseInt(digest(text), 16) % modulus;
}

/** @param {string} origin @param {Set<number>} drop @returns {World} */
export function createWorld(origin, drop) {
  return { origin, history: digest("tracefork"), pool: ["0"], kept: [], drop, spawned: new Map() };
}

/** @param {World} world @returns {Lane} */
export function mainLane(world) {
  return { world, label: "0", last: "0", forks: 0 };
}

/** A lane below `lane`. @param {Lane} lane @returns {Lane} */
export function forkLane(lane) {
  return { world: lane.world, label: `${lane.label}.${lane.forks++}`, last: lane.last, forks: 0 };
}

/**
 * The voice of one statement: its lines bear the lane's label and the statement's id.
 * @param {Lane} lane @param {number | string} id @returns {Say}
 */
export function voice(lane, id) {
  return (text) => {
    const line = `${lane.label} #${id} ${text}`;
    lane.world.history = digest(line, lane.world.history);
    console.log(line);
  };
}

/** Keeps a value for later requests and branches. @param {Lane} lane @param {unknown} value */
export function take(lane, value) {
  lane.last = String(value);
  lane.world.pool.push(lane.last);
  if (lane.world.pool.length > 6) lane.world.pool.shift();
}

/** An error of the program's own. Its stack is fixed: frames name the platform's insides. @param {string} message */
export function fault(message) {
  const error = new Error(message);
  error.name = "AgentFault";
  error.stack = `AgentFault: ${message}`;
  return error;
}

/** All that a program can tell about an error. @param {any} error @returns {string} */
export function describe(error) {
  if (!(error instanceof Error)) {
    // A DOMException is no Error in every runtime.
    return error && typeof error === "object" && "name" in error
      ? `${error.name}/${error.code}: ${error.message}`
      : `${typeof error} ${String(error)}`;
  }
  const code = "code" in error ? `/${error.code}` : "";
  const many = error instanceof AggregateError ? ` of [${error.errors.map(describe).join("; ")}]` : "";
  const cause = error.cause === undefined ? "" : ` <- ${describe(error.cause)}`;
  return `${error.name}${code}: ${error.message}${many}${cause}`;
}
