/**
 * Loaded before tracefork's preload, and in bare runs too: keeps the platform's own clocks, taken before anything
 * is patched, so that a bench agent can time itself without drawing. A patch replaces a property; it does not
 * reach a function that was taken from there earlier.
 */

const { performance, process } = globalThis;
const nanoseconds = process.hrtime.bigint.bind(process.hrtime);

globalThis[Symbol.for("tracefork.bench")] = {
  /** Milliseconds since some moment. */
  now: performance.now.bind(performance),
  /** Microseconds of processor time of this process: user and system, all threads. */
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  /** Microseconds of the monotonic clock, which the time stamps of Node's CPU profiles are of. */
  monotonic: () => Number(nanoseconds() / 1000n),
};
