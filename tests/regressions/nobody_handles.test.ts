/**
 * An error that nobody handles ends the process in the middle of everything: with requests on their way and results
 * waiting to be handed over. What still happens then, and what is printed, is the same in a replay. Without
 * `watchUncaught` and `hold` those on Bun diverge; with `AsyncLocalStorage.run` for real calls the microtask on Node.
 */
import assert from "node:assert/strict";
import { assertExact, onEachRuntime } from "../helpers/box.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const WAYS: Readonly<Record<string, string>> = {
  "a rejection": `Promise.reject(new Error("nobody"));`,
  "an async function": `(async () => { await null; throw new Error("nobody"); })();`,
  "a tick": `process.nextTick(() => { throw new Error("nobody"); });`,
  "a microtask": `queueMicrotask(() => { throw new Error("nobody"); });`,
  "an immediate": `setImmediate(() => { throw new Error("nobody"); });`,
};

for (const [way, fails] of Object.entries(WAYS)) {
  onEachRuntime(`an error in ${way}, with requests on their way, replays exact`, async (box, runtime) => {
    const script = writeAgent(
      box,
      `process.on("beforeExit", () => console.log("before", Math.random()));
      process.on("exit", (code) => console.log("exit", code, Math.random()));
      for (let i = 0; i < 3; i++) fetch(url + "/never").then(() => console.log("answered"));
      for (let i = 0; i < 40; i++) setTimeout(() => console.log("timer", i, Math.random()), i % 4);
      await (await fetch(url + "/now")).text();
      setTimeout(() => {
        for (let i = 0; i < 40; i++) setImmediate(() => console.log("immediate", i, Math.random()));
        ${fails}
      }, 2);
      setInterval(() => console.log("tick", Math.random()), 1);`,
    );
    const held: { destroy(): void }[] = [];
    try {
      for (let i = 0; i < 3; i++) {
        const tape = await withServer((request, response) => {
          if (request.url === "/now") return void response.end("fine");
          held.push(response);
        }, (url) => box.record(`${i}.tape`, runtime.command(script), { env: { SERVICE_URL: url }, code: 1 }));
        const replayed = await box.replay(tape);
        assertExact(replayed);
        assert.ok(replayed.exchanges.recorded === 4, `${replayed.exchanges.recorded} requests`);
      }
    } finally {
      for (const response of held) response.destroy();
    }
  });
}

for (const [way, fails] of Object.entries(WAYS)) {
  onEachRuntime(`an error in ${way}, with nothing else to wait for, replays exact`, async (box, runtime) => {
    const script = writeAgent(
      box,
      `import { scheduler } from "node:timers/promises";
      process.on("beforeExit", () => console.log("before", Date.now()));
      process.on("exit", (code) => console.log("exit", code, process.hrtime.bigint()));
      (async () => {
        console.log(await (await fetch(url)).text(), Math.random());
        ${fails}
        await scheduler.yield();
        console.log("went on", Math.random());
      })();`,
    );
    const tape = await withServer(
      (_, response) => void response.end("fine"),
      (url) => box.record("last.tape", runtime.command(script), { env: { SERVICE_URL: url }, code: 1 }),
    );
    for (let i = 0; i < 2; i++) assertExact(await box.replay(tape));
  });
}

/** Errors that end nothing: the program handles them, or has made them up. Each ends with three lines more. */
const HANDLED: Readonly<Record<string, string>> = {
  "an error that process handles":
    `process.on("uncaughtException", (error) => console.log("caught", error.message));
     setTimeout(() => { throw new Error("mine"); }, 1);`,
  "a rejection that process handles":
    `process.on("unhandledRejection", (error) => console.log("caught", error.message));
     setTimeout(() => { Promise.reject(new Error("mine")); }, 1);`,
  "an error event that is prevented":
    `globalThis.addEventListener?.("error", (event) => event.preventDefault());
     process.on("uncaughtException", () => {});
     setTimeout(() => { throw new Error("mine"); }, 1);`,
  "events that are only called so": `setTimeout(() => ["error", "unhandledrejection"].forEach((name) =>
       globalThis.dispatchEvent?.(new Event(name))), 1);`,
};

for (const [what, text] of Object.entries(HANDLED)) {
  onEachRuntime(`${what}: the program goes on, and replays exact`, async (box, runtime) => {
    const script = writeAgent(
      box,
      `${text}
      setTimeout(async () => {
        for (let i = 0; i < 3; i++) {
          await new Promise((resolve) => setTimeout(resolve, 2));
          console.log("alive", i, Math.random());
        }
      }, 3);`,
    );
    const replayed = await box.replay(await box.record("handled.tape", runtime.command(script)), [
      "--output",
    ]);
    assertExact(replayed);
    assert.match(replayed.ran.err, /alive 0 [^]*alive 1 [^]*alive 2 /);
  });
}
