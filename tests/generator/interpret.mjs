/**
 * Runs a program tree: control flow, lanes and endings. Every kind of the grammar has one entry in RUN; what is
 * about time, draws and requests stands in the files of those names.
 */

import process from "node:process";
import { draw, drawLater, drawQuietly } from "./draws.mjs";
import { nearRace, prepare, request, retry, send, twins } from "./requests.mjs";
import { abortSleep, clearTimer, interval, pause, sameDelay, sleep, unrefTimer } from "./timers.mjs";
import { choose, describe, digest, fault, forkLane, take, voice } from "./world.mjs";

/**
 * Joins promises in one of the four ways and tells how it went.
 * @param {string} how @param {Promise<unknown>[]} promises
 */
async function join(how, promises) {
  if (how === "all") return (await Promise.all(promises)).join(" ");
  if (how === "race") return String(await Promise.race(promises));
  if (how === "any") return String(await Promise.any(promises));
  const settled = await Promise.allSettled(promises);
  return settled.map((one) => one.status === "fulfilled" ? one.value : describe(one.reason)).join(" ");
}

/** Lanes of one statement, joined; losers of a race go on by themselves. */
async function concurrently({ say, st, lane }, how) {
  const forks = st.lanes.map((body) => {
    const own = forkLane(lane);
    return runBlock(own, body).then(
      () => `${own.label}=${digest(own.last)}`,
      (error) => {
        say(`lane ${own.label} failed ${describe(error)}`);
        throw error;
      },
    );
  });
  const result = await join(how, forks);
  say(`${how} ${result}`);
  take(lane, result);
}

/** Hops from queue to queue; every hop draws. */
function hop(chain, index, visit) {
  if (index === chain.length) return;
  const next = () => {
    visit(index, chain[index]);
    hop(chain, index + 1, visit);
  };
  switch (chain[index]) {
    case "micro":
      return queueMicrotask(next);
    case "tick":
      return process.nextTick(next);
    case "then":
      return void Promise.resolve().then(next);
    case "await":
      return void (async () => {
        await undefined;
        await null;
        next();
      })();
    case "immediate":
      return void setImmediate(next);
    default:
      return void setTimeout(next, 0);
  }
}

async function microMix({ say, st, lane }) {
  let left = st.chains.flat().length;
  await new Promise((resolve) => {
    st.chains.forEach((chain, number) =>
      hop(chain, 0, (index, queue) => {
        draw(lane, say, st.source, `hop ${number}.${index} ${queue}`);
        if (--left === 0) resolve(undefined);
      })
    );
    if (!st.wait) resolve(undefined);
  });
  say("mixed");
}

async function intervalWhile({ say, st, lane }) {
  let ticks = 0;
  const timer = setInterval(() => {
    draw(lane, say, st.source, `meanwhile ${ticks++}`);
    if (ticks === 2 && st.request) {
      const own = forkLane(lane);
      send(voice(own, st.id), own, st.request, prepare(own, st.request))
        .catch((error) => say(`meanwhile failed ${describe(error)}`));
    }
    // The body may have no end of its own soon: a race's losers go on.
    if (ticks === 60) clearInterval(timer);
  }, st.ms);
  if (st.unref) timer.unref();
  try {
    await runBlock(lane, st.body);
  } finally {
    clearInterval(timer);
    say(`ticked ${ticks}`);
  }
}

/** Jobs shared by workers: who takes which depends on who is done first. */
async function workers({ say, st, lane }) {
  let next = 0;
  const work = async (own) => {
    while (next < st.jobs.length) {
      const job = next++;
      say(`${own.label} takes ${job}`);
      try {
        await runBlock(own, st.jobs[job]);
      } catch (error) {
        say(`job ${job} failed ${describe(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: st.count }, () => work(forkLane(lane))));
  say("jobs done");
}

function spawn({ say, st, lane }) {
  const own = forkLane(lane);
  lane.world.spawned.set(
    st.slot,
    runBlock(own, st.body).then(
      () => say(`spawned ${own.label} done`),
      (error) => say(`spawned ${own.label} failed ${describe(error)}`),
    ),
  );
}

async function generator({ say, st, lane }) {
  async function* items() {
    try {
      for (let i = 0; i < st.count; i++) {
        await runBlock(lane, st.body);
        yield `${i}:${drawQuietly(lane, st.source)}`;
      }
    } finally {
      if (st.final_ms >= 0) await pause(st.final_ms);
      draw(lane, say, st.source, "generator closed");
    }
  }
  const iterator = items();
  if (st.ahead) {
    const asked = await Promise.allSettled([iterator.next(), iterator.next(), iterator.return("early")]);
    say(
      `asked ahead ${asked.map((one) => one.status === "fulfilled" ? one.value.value : "failed").join(" ")}`,
    );
    return;
  }
  if (st.stop === "return" || st.stop === "throw") {
    for (let i = 0; i < st.after; i++) say(`item ${(await iterator.next()).value}`);
    try {
      const ended =
        await (st.stop === "return" ? iterator.return("over") : iterator.throw(fault("thrown in")));
      say(`ended ${ended.done} ${ended.value}`);
    } catch (error) {
      say(`ended by ${describe(error)}`);
    }
    return;
  }
  let count = 0;
  for await (const item of iterator) {
    say(`item ${item}`);
    if (++count === st.after && st.stop === "break") break;
  }
}

async function branch({ say, st, lane }) {
  const { world } = lane;
  const asked = {
    last: () => lane.last,
    pool: () => world.pool.join(),
    history: () => world.history,
    draw: () => drawQuietly(lane, st.source),
  };
  const arm = choose(asked[st.on](), st.arms.length);
  say(`arm ${arm} by ${st.on}`);
  await runBlock(lane, st.arms[arm]);
}

async function loop({ say, st, lane }) {
  const times = st.drawn ? 1 + choose(drawQuietly(lane, st.source), st.times) : st.times;
  for (let i = 0; i < times; i++) {
    say(`round ${i} of ${times}`);
    await runBlock(lane, st.body);
  }
}

async function attempt({ say, st, lane }) {
  try {
    await runBlock(lane, st.body);
  } catch (error) {
    say(`caught ${describe(error)}`);
    await runBlock(lane, st.handler);
  } finally {
    await runBlock(lane, st.last);
  }
}

/** An error that nobody catches, raised in the queue that `via` names. */
async function uncaught({ say, st, lane }) {
  if (choose(lane.last, st.modulus) !== 0) return;
  say(`about to fail in a ${st.via}`);
  const fail = () => {
    throw fault(`uncaught in a ${st.via}`);
  };
  if (st.via === "rejection") void Promise.reject(fault("uncaught rejection"));
  else if (st.via === "microtask") queueMicrotask(fail);
  else if (st.via === "tick") process.nextTick(fail);
  else if (st.via === "immediate") setImmediate(fail);
  else setTimeout(fail, st.ms);
}

/** @type {Record<string, (at: any) => void | Promise<void>>} */
const RUN = {
  draw: ({ say, st, lane }) => void draw(lane, say, st.source),
  draw_callback: async ({ say, st, lane }) => {
    const drawn = drawLater(lane, say, st.source);
    if (st.wait) await drawn;
  },
  note: ({ say, st, lane }) => {
    const { pool, history } = lane.world;
    say(`pool ${digest(pool.join())} history ${history}`);
    if (st.to === "err") console.error(`${lane.label} #${st.id} ${lane.last}`);
  },
  micro_mix: microMix,
  sleep,
  same_delay: sameDelay,
  clear_timer: clearTimer,
  unref_timer: unrefTimer,
  interval,
  interval_while: intervalWhile,
  abort_sleep: abortSleep,
  request,
  retry,
  twins: (at) => twins({ ...at, join }),
  near_race: nearRace,
  all: (at) => concurrently(at, "all"),
  race: (at) => concurrently(at, "race"),
  any: (at) => concurrently(at, "any"),
  settle: (at) => concurrently(at, "settle"),
  workers,
  spawn,
  join: async ({ say, st, lane }) => {
    await lane.world.spawned.get(st.slot);
    say("joined");
  },
  branch,
  loop,
  attempt,
  throw: ({ st, lane }) => {
    if (st.unless === 0 || choose(lane.last, st.unless + 1) === 0) throw fault(`thrown by #${st.id}`);
  },
  generator,
  exit_code: ({ say, st, lane }) => {
    process.exitCode = choose(lane.last, st.modulus);
    say(`exit code set to ${process.exitCode}`);
  },
  exit: ({ say, st, lane }) => {
    if (choose(lane.last, st.modulus) !== 0) return;
    say(`exiting with ${st.code}`);
    process.exit(st.code);
  },
  uncaught,
};

/** Kinds that are implemented. */
export const RUN_KINDS = Object.keys(RUN);

/** @param {any} lane @param {any[]} statements */
async function runBlock(lane, statements) {
  for (const st of statements) {
    if (!lane.world.drop.has(st.id)) await RUN[st.kind]({ say: voice(lane, st.id), st, lane });
  }
}

/** Runs all of `program` in `lane`. @param {any} program @param {any} lane */
export async function runProgram(program, lane) {
  const { end } = program;
  const say = voice(lane, "end");
  if (end.exit_listener) {
    process.on("exit", (code) => say(`exit ${code} ${drawQuietly(lane, "hrtime_bigint")}`));
  }
  if (end.before_exit) {
    process.once("beforeExit", () => {
      draw(lane, say, "date_now", "before exit");
      setTimeout(() => draw(lane, say, "math_random", "after the end"), 2);
    });
  }
  try {
    await runBlock(lane, program.body);
    say("done");
    if (end.code === "fixed") process.exitCode = 3;
    if (end.code === "drawn") process.exitCode = choose(lane.world.history, 4);
  } catch (error) {
    say(`failed ${describe(error)}`);
    // Wrapped: the stack of a platform's error tells of its insides.
    if (end.crash) throw fault(`the program failed: ${describe(error)}`);
    process.exitCode = 1;
  }
}
