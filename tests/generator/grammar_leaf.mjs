/** The grammar's statements that hold no other statements: draws, waits, requests. */

import {
  ABORTS,
  BODIES,
  CALLBACK_SOURCES,
  CARRIES,
  CLEARS,
  PATHS,
  QUEUES,
  READS,
  REASONS,
  SLEEPS,
  SOURCES,
} from "./words.mjs";

/** Short delays, often the same ones: timers of equal delay are where orders go wrong. */
export const DELAYS = [0, 0, 1, 1, 2, 5, 5, 10, 10, 12, 20];

/**
 * @typedef {import("./generate.mjs").Maker} Maker
 * @typedef {import("./generate.mjs").Scope} Scope
 * @typedef {import("./generate.mjs").Kind} Kind
 */

/** Fields of a delay: fixed, or drawn when the program runs. @param {Maker} m */
function delay(m) {
  const ms = m.random.pick(DELAYS);
  return m.random.chance(0.3)
    ? {
      ms,
      spread: m.random.between(1, 12),
      source: m.random.pick(["math_random", "random_int", "random_bytes"]),
    }
    : { ms };
}

/** @param {Maker} m @param {string[]} [paths] */
export function request(m, paths = PATHS) {
  const { random } = m;
  const near = random.pick([5, 10, 12, 15, 20]);
  const path = random.pick(paths).replace("N", String(near));
  const body = path === "/echo" || random.chance(0.35) ? random.pick(BODIES) : "none";
  const method = body === "none"
    ? random.weighted([["GET", 8], ["HEAD", 0.5], ["DELETE", 0.5]])
    : random.pick(["POST", "POST", "PUT"]);
  const abort = random.chance(0.3) ? random.pick(ABORTS) : "none";
  const streams = path === "/sse" && random.chance(0.6) ? ["events", "events", "events_return"] : READS;
  return {
    path,
    method,
    body,
    carry: random.pick(CARRIES),
    read: random.pick(streams),
    redirect: path === "/redirect" ? random.pick(["follow", "follow", "manual", "error"]) : "follow",
    as_request: random.chance(0.2),
    abort: {
      how: abort,
      // A delay next to the path's latency makes the abort and the answer a close race.
      ms: path.startsWith("/near") ? near : random.pick([1, 5, 10, 20]),
      reason: random.pick(REASONS),
      listen: random.chance(0.5),
    },
  };
}

/** How long a request may take, body included. @param {{ path: string, read: string }} fields */
function requestMs({ path, read }) {
  const waits = path === "/slow"
    ? 160
    : path === "/sse" || path === "/mixed"
    ? 90
    : path.startsWith("/near")
    ? 25
    : 45;
  return waits + (["slow", "late", "tee_lopsided"].includes(read) ? 25 : 0);
}

/** @type {Record<string, Kind>} */
export const LEAF_KINDS = {
  draw: {
    weight: 8,
    room: 0,
    make: (m) => ({ fields: { source: m.random.pick(SOURCES) }, ms: 0 }),
  },
  draw_callback: {
    weight: 3,
    room: 0,
    make: (m) => ({
      fields: { source: m.random.pick(CALLBACK_SOURCES), wait: m.random.chance(0.6) },
      ms: 1,
    }),
  },
  note: {
    weight: 1,
    room: 0,
    make: (m) => ({ fields: { to: m.random.pick(["out", "out", "err"]) }, ms: 0 }),
  },
  micro_mix: {
    weight: 4,
    room: 0,
    make: (m) => ({
      fields: {
        chains: Array.from(
          { length: m.random.between(2, 5) },
          () => Array.from({ length: m.random.between(1, 3) }, () => m.random.pick(QUEUES)),
        ),
        source: m.random.pick(SOURCES),
        wait: m.random.chance(0.6),
      },
      ms: 2,
    }),
  },
  sleep: {
    weight: 5,
    room: 20,
    make: (m) => {
      const wait = delay(m);
      return { fields: { via: m.random.pick(SLEEPS), ...wait }, ms: wait.ms + 8 };
    },
  },
  same_delay: {
    weight: 4,
    room: 20,
    make: (m) => {
      const ms = m.random.pick(DELAYS);
      const vias = ["timeout", "timeout", "timeout_named", "timeout_promises", "interval", "abort_timeout"];
      if (ms === 0) vias.push("immediate");
      return {
        fields: {
          ms,
          timers: Array.from({ length: m.random.between(2, 5) }, () => m.random.pick(vias)),
          // The first that fires clears the last, which is due at the same moment.
          clears: m.random.chance(0.4),
          source: m.random.pick(SOURCES),
        },
        ms: ms + 5,
      };
    },
  },
  clear_timer: {
    weight: 2,
    room: 20,
    make: (m) => ({
      fields: { how: m.random.pick(CLEARS), ms: m.random.pick([0, 1, 2, 5]) },
      ms: 8,
    }),
  },
  unref_timer: {
    weight: 1.5,
    room: 0,
    make: (m) => ({
      fields: {
        ms: m.random.pick([1, 5, 10, 20]),
        repeats: m.random.chance(0.4),
        source: m.random.pick(SOURCES),
      },
      ms: 0,
    }),
  },
  interval: {
    weight: 2,
    room: 50,
    make: (m) => {
      const ms = m.random.pick([1, 2, 5, 10]);
      const ticks = m.random.between(1, 4);
      return {
        fields: { ms, ticks, via: m.random.pick(["timers", "iterator"]), source: m.random.pick(SOURCES) },
        ms: (ms + 2) * ticks,
      };
    },
  },
  abort_sleep: {
    weight: 2,
    room: 30,
    make: (m) => {
      const ms = m.random.pick([1, 5, 10]);
      return {
        fields: {
          ms,
          abort_ms: m.random.chance(0.6) ? ms : m.random.pick([0, 1, 20]),
          via: m.random.pick(["controller", "timeout"]),
          reason: m.random.pick(REASONS),
        },
        ms: 25,
      };
    },
  },
  request: {
    weight: 14,
    room: 120,
    make: (m) => {
      const fields = request(m);
      return { fields: { ...fields, swallow: m.random.chance(0.75) }, ms: requestMs(fields) };
    },
  },
  retry: {
    weight: 4,
    room: 200,
    make: (m) => ({
      fields: {
        request: request(m, ["/flaky", "/flaky", "/reset", "/cut", "/mixed"]),
        attempts: m.random.between(2, 4),
        base_ms: m.random.pick([2, 5, 10]),
        jitter: m.random.pick(["math_random", "random_int", "random_bytes"]),
        drain: m.random.pick(["text", "unread", "cancel"]),
        swallow: m.random.chance(0.8),
      },
      ms: 200,
    }),
  },
  twins: {
    weight: 4,
    room: 120,
    make: (m) => {
      const fields = request(m, ["/json", "/near/N", "/mixed", "/flaky", "/sse", "/echo"]);
      return {
        fields: {
          request: fields,
          count: m.random.between(2, 5),
          join: m.random.pick(["all", "settle", "race", "any"]),
          swallow: m.random.chance(0.8),
        },
        ms: requestMs(fields),
      };
    },
  },
  near_race: {
    weight: 4,
    room: 80,
    make: (m) => {
      const ms = m.random.pick([5, 10, 12, 15, 20]);
      return {
        fields: {
          ms,
          request: {
            ...request(m, [`/near/${ms}`]),
            method: "GET",
            body: "none",
            // A slow read would decide the race beforehand.
            read: m.random.pick(["text", "json", "fast", "iterate", "unread"]),
          },
          via: m.random.pick(["timeout", "timeout_promises", "abort_timeout"]),
          // The loser goes on and draws; with `cuts`, a timer that wins aborts the request instead.
          cuts: m.random.chance(0.4),
          source: m.random.pick(SOURCES),
          swallow: m.random.chance(0.85),
        },
        ms: ms + 15,
      };
    },
  },
};
