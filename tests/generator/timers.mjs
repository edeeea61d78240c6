/**
 * The statements about time: waits of every kind, timers of the same delay, intervals, clears. The named imports
 * are wanted: a program reaches timers by the globals, by `node:timers` and by `node:timers/promises`.
 */

import process from "node:process";
import { clearTimeout as clearNamed, setTimeout as setNamed } from "node:timers";
import {
  scheduler,
  setImmediate as immediatePromise,
  setInterval as intervalPromise,
  setTimeout as timeoutPromise,
} from "node:timers/promises";
import { promisify } from "node:util";
import { draw, drawBelow } from "./draws.mjs";
import { describe, fault } from "./world.mjs";

/** @param {{ ms: number, spread?: number, source?: string }} st */
const msOf = (st) => st.spread ? st.ms + drawBelow(st.source ?? "", st.spread) : st.ms;

/** @type {Record<string, (ms: number) => Promise<unknown>>} */
const SLEEPERS = {
  timeout: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  timeout_arguments: (ms) =>
    new Promise((resolve) => setTimeout((a, b) => resolve(`${a}${b}`), ms, "a", "b")),
  timeout_named: (ms) => new Promise((resolve) => setNamed(resolve, ms)),
  timeout_promises: (ms) => timeoutPromise(ms, "value"),
  timeout_promisified: (ms) => promisify(setTimeout)(ms, "value"),
  timeout_refreshed: (ms) =>
    new Promise((resolve) => {
      const timer = setNamed(resolve, ms);
      timer.refresh();
    }),
  immediate: () => new Promise((resolve) => setImmediate(resolve, "now")),
  immediate_promises: () => immediatePromise("now"),
  scheduler_wait: (ms) => scheduler.wait(ms),
  scheduler_yield: () => scheduler.yield(),
};

/** A plain wait without a line. @param {number} ms */
export const pause = (ms) => SLEEPERS.timeout(ms);

export async function sleep({ say, st }) {
  const ms = msOf(st);
  const value = await SLEEPERS[st.via](ms);
  say(`slept ${st.via} ${ms} -> ${value}`);
}

/** What `abort()` is given. @param {string} reason */
export function reasonOf(reason) {
  return reason === "error" ? fault("aborted on purpose") : reason === "text" ? "enough" : undefined;
}

/** Timers that are due at the same moment, of several kinds. */
export async function sameDelay({ say, st, lane }) {
  const stops = [];
  const fire = (index, via) => {
    draw(lane, say, st.source, `fired ${index} ${via}`);
    if (st.clears && index === 0) {
      stops.at(-1)();
      say(`cleared ${stops.length - 1}`);
    }
  };
  await Promise.all(st.timers.map((via, index) =>
    new Promise((resolve, reject) => {
      const done = () => {
        fire(index, via);
        resolve(undefined);
      };
      if (via === "interval") {
        const timer = setInterval(() => {
          clearInterval(timer);
          done();
        }, st.ms);
        stops.push(() => (clearInterval(timer), resolve(undefined)));
      } else if (via === "timeout_named") {
        const timer = setNamed(done, st.ms);
        stops.push(() => (clearNamed(timer), resolve(undefined)));
      } else if (via === "immediate") {
        const timer = setImmediate(done);
        stops.push(() => (clearImmediate(timer), resolve(undefined)));
      } else if (via === "timeout_promises") {
        const controller = new AbortController();
        timeoutPromise(st.ms, undefined, { signal: controller.signal }).then(done, (error) => {
          say(`stopped ${index} ${describe(error)}`);
          resolve(undefined);
        }).catch(reject);
        stops.push(() => controller.abort());
      } else if (via === "abort_timeout") {
        const signal = AbortSignal.timeout(st.ms);
        lane.world.kept.push(signal);
        signal.addEventListener("abort", done, { once: true });
        // The signal alone keeps no process alive, and a promise that never settles ends a program early.
        const anchor = setTimeout(() => {}, st.ms + 3);
        signal.addEventListener("abort", () => clearTimeout(anchor), { once: true });
        stops.push(() => (signal.removeEventListener("abort", done), resolve(undefined)));
      } else {
        const timer = setTimeout(done, st.ms);
        stops.push(() => (clearTimeout(timer), resolve(undefined)));
      }
    })
  ));
  say("same delay over");
}

export async function clearTimer({ say, st }) {
  const { ms, how } = st;
  const fired = () => say(`fired although cleared ${how}`);
  if (how === "immediate") {
    clearImmediate(setImmediate(fired));
  } else if (how === "nothing") {
    clearTimeout(undefined);
    clearInterval(undefined);
  } else if (how === "fired") {
    await new Promise((resolve) => {
      const timer = setTimeout(() => (clearTimeout(timer), resolve(undefined)), ms);
    });
  } else if (how === "crossed") {
    clearInterval(setTimeout(fired, ms));
    clearTimeout(setInterval(fired, ms + 1));
  } else if (how === "primitive") {
    clearTimeout(Number(setTimeout(fired, ms)));
  } else {
    const timer = setTimeout(fired, ms);
    const clear = () => (clearTimeout(timer), say("cleared"));
    if (how === "in_microtask") queueMicrotask(clear);
    else if (how === "in_tick") process.nextTick(clear);
    else clear();
    if (how === "twice") clear();
  }
  await pause(ms);
  say(`clear ${how} over`);
}

/** Nobody waits for these: how often they fire depends on how long the process lives. */
export function unrefTimer({ say, st, lane }) {
  let ticks = 0;
  const tick = () => draw(lane, say, st.source, `unref ${ticks++}`);
  if (!st.repeats) return void setNamed(tick, st.ms).unref();
  const timer = setInterval(() => {
    tick();
    if (ticks === 5) clearInterval(timer);
  }, st.ms);
  timer.unref();
}

export async function interval({ say, st, lane }) {
  let ticks = 0;
  if (st.via === "iterator") {
    for await (const value of intervalPromise(st.ms, "tick")) {
      draw(lane, say, st.source, `${value} ${ticks}`);
      if (++ticks === st.ticks) break;
    }
    return;
  }
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      draw(lane, say, st.source, `tick ${ticks}`);
      if (++ticks < st.ticks) return;
      clearInterval(timer);
      resolve(undefined);
    }, st.ms);
  });
}

/** A wait and its abort, often due at the same moment. */
export async function abortSleep({ say, st, lane }) {
  const controller = new AbortController();
  const signal = st.via === "timeout" ? AbortSignal.timeout(st.abort_ms) : controller.signal;
  lane.world.kept.push(signal);
  const timer = st.via === "timeout" ? undefined : setTimeout(() => {
    controller.abort(reasonOf(st.reason));
    say("aborting");
  }, st.abort_ms);
  try {
    await timeoutPromise(st.ms, undefined, { signal });
    say("slept to the end");
  } catch (error) {
    say(`sleep aborted ${describe(error)}`);
  } finally {
    clearTimeout(timer);
  }
}
