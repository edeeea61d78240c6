/** How a request's own body is consumed: pulled, failed, cancelled. */
import type { ContractCase } from "./contract.ts";
import { describeError, failure, outcome } from "./observe.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A stream that logs what its consumer does to it. */
function logged(parts: readonly (string | Error)[], log: string[]): ReadableStream<Uint8Array> {
  const left = [...parts];
  return new ReadableStream({
    pull(controller) {
      const part = left.shift();
      log.push(part === undefined ? "close" : part instanceof Error ? "error" : part);
      if (part === undefined) controller.close();
      else if (part instanceof Error) controller.error(part);
      else controller.enqueue(encode(part));
    },
    cancel(reason) {
      log.push(`cancel ${reason}`);
    },
  }, { highWaterMark: 0 });
}

function send(url: string, body: BodyInit, more: RequestInit = {}): Promise<Response> {
  return fetch(url, { method: "POST", body, duplex: "half", ...more } as RequestInit);
}

export const uploadCases: readonly ContractCase[] = [
  {
    name: "upload: a stream is pulled to its end, once",
    async run({ url }) {
      const log: string[] = [];
      const stream = logged(["a", "b", "c"], log);
      const response = await send(`${url}/echo`, stream);
      return { text: (await response.json()).text, log, locked: stream.locked };
    },
  },
  {
    name: "upload: an empty chunk is no end",
    async run({ url }) {
      return (await (await send(`${url}/echo`, logged(["a", "", "b"], []))).json()).text;
    },
  },
  {
    name: "upload: a stream that fails fails the fetch",
    async run({ url }) {
      const mine = new RangeError("my stream broke");
      const error = await failure(() => send(`${url}/echo`, logged(["a", mine], [])));
      return { same: error === mine, error: describeError(error) };
    },
  },
  {
    name: "upload: a stream of strings",
    run({ url }) {
      const stream = new ReadableStream({
        start(controller) {
          controller.enqueue("text");
          controller.close();
        },
      });
      return outcome(async () => (await (await send(`${url}/echo`, stream)).json()).text);
    },
  },
  {
    name: "upload: a locked or used stream",
    async run({ url }) {
      const locked = logged(["a"], []);
      locked.getReader();
      const used = logged(["a", "b"], []);
      const reader = used.getReader();
      await reader.read();
      reader.releaseLock();
      return [
        await outcome(() => send(`${url}/echo`, locked)),
        await outcome(() => send(`${url}/echo`, used)),
      ];
    },
  },
  {
    name: "upload: an abort cancels the stream with the reason",
    async run({ url }) {
      const controller = new AbortController();
      const cancelled = Promise.withResolvers<unknown>();
      const stream = new ReadableStream({
        pull(held) {
          held.enqueue(encode("first"));
          return new Promise(() => {});
        },
        cancel: (reason) => cancelled.resolve(reason),
      }, { highWaterMark: 0 });
      const call = failure(() => send(`${url}/never`, stream, { signal: controller.signal }));
      const reason = new Error("stop uploading");
      setTimeout(() => controller.abort(reason), 30);
      const error = await call;
      // Not every runtime cancels; the timer bounds the wait and is not what is observed.
      let timer: ReturnType<typeof setTimeout> | undefined;
      const silence = new Promise((resolve) => timer = setTimeout(() => resolve("no cancel"), 200));
      const seen = await Promise.race([cancelled.promise, silence]);
      clearTimeout(timer);
      return {
        error: describeError(error),
        same: error === reason,
        cancelled: seen === reason,
        seen: String(seen),
      };
    },
  },
  {
    name: "upload: bytes changed after the call",
    async run({ url }) {
      const bytes = encode("before");
      const call = fetch(`${url}/echo`, { method: "POST", body: bytes as BodyInit });
      bytes.fill(0x58);
      return (await (await call).json()).text;
    },
  },
  {
    name: "upload: headers changed after the call",
    async run({ url }) {
      const headers = new Headers({ "x-a": "before" });
      const call = fetch(`${url}/echo`, { headers });
      headers.set("x-a", "after");
      const seen = (await (await call).json()).headers as [string, string][];
      return seen.find(([name]) => name.toLowerCase() === "x-a");
    },
  },
  {
    name: "upload: 1 MB of bytes",
    async run({ url }) {
      const bytes = Uint8Array.from({ length: 1_000_000 }, (_, i) => i * 13);
      const { length, sum } = await (await fetch(`${url}/echo`, { method: "POST", body: bytes })).json();
      return { length, sum };
    },
  },
];
