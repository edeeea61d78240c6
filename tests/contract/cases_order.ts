/** In which order things run: microtasks, ticks, immediates, timers. Only orders that a runtime promises. */
import process from "node:process";
import type { ContractCase } from "./contract.ts";
import { deferred } from "./cases_help.ts";

/** Collects names until `count` of them came. */
function orderOf(count: number, start: (note: (name: string) => () => void) => void): Promise<string[]> {
  const order: string[] = [];
  const done = deferred<string[]>();
  start((name) => () => {
    order.push(name);
    if (order.length === count) done.resolve(order);
  });
  return done.promise;
}

export const orderCases: readonly ContractCase[] = [
  {
    name: "order: sync, tick, microtask, timer",
    run: () =>
      orderOf(6, (note) => {
        setTimeout(note("timer"), 0);
        process.nextTick(note("tick"));
        queueMicrotask(note("microtask"));
        void Promise.resolve().then(note("promise"));
        process.nextTick(note("tick 2"));
        note("sync")();
      }),
  },
  {
    name: "order: timers by their delay, then by their turn",
    run: () =>
      orderOf(6, (note) => {
        setTimeout(note("60"), 60);
        setTimeout(note("20 a"), 20);
        setTimeout(note("40"), 40);
        setTimeout(note("20 b"), 20);
        setTimeout(note("1 a"), 1);
        setTimeout(note("1 b"), 1);
      }),
  },
  {
    name: "order: microtasks run between two timers of one time",
    run: () =>
      orderOf(6, (note) => {
        for (const name of ["a", "b"]) {
          setTimeout(() => {
            note(`timer ${name}`)();
            queueMicrotask(note(`microtask of ${name}`));
            process.nextTick(note(`tick of ${name}`));
          }, 1);
        }
      }),
  },
  {
    name: "order: immediates run in turn, each with its microtasks",
    run: () =>
      orderOf(5, (note) => {
        setImmediate(() => {
          note("immediate a")();
          void Promise.resolve().then(note("microtask of a"));
          setImmediate(note("immediate of a"));
        });
        setImmediate(() => {
          note("immediate b")();
          void Promise.resolve().then(note("microtask of b"));
        });
      }),
  },
  {
    name: "order: an immediate comes before a later timer",
    run: () =>
      orderOf(2, (note) => {
        setTimeout(note("timer 50"), 50);
        setImmediate(note("immediate"));
      }),
  },
  {
    name: "order: a timer set in a timer comes later",
    run: () =>
      orderOf(3, (note) => {
        setTimeout(() => {
          note("outer")();
          setTimeout(note("inner"), 0);
          queueMicrotask(note("microtask"));
        }, 0);
      }),
  },
  {
    name: "order: a timer cleared by one of the same time",
    async run() {
      const order: string[] = [];
      const second: { handle?: ReturnType<typeof setTimeout> } = {};
      setTimeout(() => {
        order.push("first");
        clearTimeout(second.handle);
      }, 5);
      second.handle = setTimeout(() => order.push("second"), 5);
      await new Promise((resolve) => setTimeout(resolve, 40));
      return order;
    },
  },
  {
    name: "order: await takes microtasks only",
    async run() {
      let fired = false;
      const timer = setTimeout(() => fired = true, 0);
      for (let i = 0; i < 100; i++) await undefined;
      clearTimeout(timer);
      return { fired };
    },
  },
  {
    name: "order: fetch answers in a later turn",
    async run({ url }) {
      const order: string[] = [];
      const call = fetch(`${url}/json`).then((response) => {
        order.push("answer");
        return response.text();
      });
      for (let i = 0; i < 50; i++) await undefined;
      order.push("microtasks");
      await call;
      order.push("text");
      return order;
    },
  },
  {
    name: "order: a body that has arrived is read by microtasks or turns",
    async run({ url, measured }) {
      const response = await fetch(`${url}/json`);
      let turns = 0;
      let running = true;
      const count = (): void => {
        turns++;
        if (running) setImmediate(count);
      };
      setImmediate(count);
      const text = await response.text();
      running = false;
      measured["turns"] = turns > 0;
      await new Promise((resolve) => setImmediate(resolve));
      return text.length;
    },
  },
  {
    name: "order: an interval against timers",
    async run({ measured }) {
      const order: string[] = [];
      const interval = setInterval(() => order.push("i"), 10);
      for (const ms of [5, 15, 25]) setTimeout(() => order.push(`t${ms}`), ms);
      await new Promise((resolve) => setTimeout(resolve, 60));
      clearInterval(interval);
      measured["order"] = order;
      return order.filter((name) => name !== "i");
    },
  },
];
