/** AbortSignal with fetch: before, while and after; reasons, time-outs, composed signals. */
import type { CaseEnv, ContractCase } from "./contract.ts";
import { gatedUrl, gone, release } from "./cases_help.ts";
import { className, describeError, failure, outcome, readAtLeast } from "./observe.ts";

/** An error beside the signal that caused it: their identity is part of what callers rely on. */
function beside(error: unknown, signal: AbortSignal): unknown {
  const { stack } = error as { stack?: unknown };
  return { error: describeError(error), isReason: error === signal.reason, stack: typeof stack };
}

type Run = (env: CaseEnv) => Promise<unknown>;

const heads: Readonly<Record<string, Run>> = {
  "before the call": async ({ url }) => {
    const signal = AbortSignal.abort();
    return beside(await failure(() => fetch(`${url}/json`, { signal })), signal);
  },
  "before the call, with a reason": async ({ url }) => {
    const reasons = [new RangeError("mine"), "a string", 42, null, { plain: true }];
    const errors = await Promise.all(reasons.map((reason) => {
      const signal = AbortSignal.abort(reason);
      return failure(() => fetch(`${url}/json`, { signal }));
    }));
    return errors.map((error, i) => [describeError(error), error === reasons[i]]);
  },
  "in the same turn as the call": async ({ url }) => {
    const controller = new AbortController();
    const call = failure(() => fetch(`${url}/json`, { signal: controller.signal }));
    controller.abort();
    return beside(await call, controller.signal);
  },
  "while the head is awaited": async ({ url }) => {
    const controller = new AbortController();
    const call = failure(() => fetch(`${url}/never`, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 30);
    return beside(await call, controller.signal);
  },
  "while the head is awaited, with a reason": async ({ url }) => {
    const controller = new AbortController();
    const call = failure(() => fetch(`${url}/never`, { signal: controller.signal }));
    setTimeout(() => controller.abort(new RangeError("mine")), 30);
    return beside(await call, controller.signal);
  },
  "twice": async ({ url }) => {
    const controller = new AbortController();
    let events = 0;
    controller.signal.addEventListener("abort", () => events++);
    const call = failure(() => fetch(`${url}/never`, { signal: controller.signal }));
    setTimeout(() => {
      controller.abort("first");
      controller.abort("second");
    }, 20);
    return { error: await call, reason: controller.signal.reason, events };
  },
  "one signal for three requests": async ({ url }) => {
    const controller = new AbortController();
    const calls = [1, 2, 3].map(() => failure(() => fetch(`${url}/never`, { signal: controller.signal })));
    setTimeout(() => controller.abort(), 30);
    const errors = await Promise.all(calls);
    return errors.map((error) => [className(error), error === controller.signal.reason]);
  },
  "of a Request, by its own signal": async ({ url }) => {
    const controller = new AbortController();
    const request = new Request(`${url}/never`, { signal: controller.signal });
    const call = failure(() => fetch(request));
    setTimeout(() => controller.abort(new RangeError("mine")), 30);
    const error = await call;
    return { ...beside(error, controller.signal) as object, viaRequest: error === request.signal.reason };
  },
  "then the next request": async ({ url }) => {
    const controller = new AbortController();
    const call = failure(() => fetch(`${url}/never`, { signal: controller.signal }));
    controller.abort();
    await call;
    return (await fetch(`${url}/json`)).status;
  },
  "listeners hear it before the fetch rejects": async ({ url }) => {
    const controller = new AbortController();
    const order: string[] = [];
    controller.signal.addEventListener("abort", () => order.push("listener"));
    const call = failure(() => fetch(`${url}/never`, { signal: controller.signal })).then(() =>
      order.push("fetch")
    );
    setTimeout(() => {
      controller.abort();
      order.push("after abort()");
      queueMicrotask(() => order.push("microtask"));
    }, 20);
    await call;
    return order;
  },
  "a signal that is none": ({ url }) =>
    outcome(() => fetch(`${url}/json`, { signal: { aborted: false } as AbortSignal })),
};

const composed: Readonly<Record<string, Run>> = {
  "AbortSignal.timeout while the head is awaited": async ({ url }) => {
    const signal = AbortSignal.timeout(30);
    return beside(await failure(() => fetch(`${url}/never`, { signal })), signal);
  },
  "AbortSignal.timeout in the body": async (env) => {
    const signal = AbortSignal.timeout(400);
    const response = await fetch(gatedUrl(env, "timeout", ["a"], "hold"), { signal });
    const reader = response.body!.getReader();
    await release(env, "timeout");
    const seen = await readAtLeast(reader, 1);
    return { seen, ...beside(await failure(() => reader.read()), signal) as object };
  },
  "AbortSignal.timeout that comes too late": async ({ url }) => {
    const response = await fetch(`${url}/json`, { signal: AbortSignal.timeout(60_000) });
    return (await response.json()).ok;
  },
  "AbortSignal.timeout by itself": async () => {
    const signal = AbortSignal.timeout(10);
    const before = signal.aborted;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return { before, after: signal.aborted, reason: describeError(signal.reason) };
  },
  "AbortSignal.any of a controller and a time-out": async ({ url }) => {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(60_000)]);
    const call = failure(() => fetch(`${url}/never`, { signal }));
    setTimeout(() => controller.abort(new RangeError("mine")), 20);
    const error = await call;
    return { ...beside(error, signal) as object, first: error === controller.signal.reason };
  },
  "AbortSignal.any when the time-out wins": async ({ url }) => {
    const signal = AbortSignal.any([new AbortController().signal, AbortSignal.timeout(20)]);
    return beside(await failure(() => fetch(`${url}/never`, { signal })), signal);
  },
  "Promise.race with a timer": async ({ url }) => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => timer = setTimeout(() => resolve("timer"), 30));
    const call = failure(() => fetch(`${url}/never`, { signal: controller.signal }));
    const winner = await Promise.race([call, late]);
    clearTimeout(timer);
    controller.abort();
    return { winner, error: className(await call) };
  },
};

const bodies: Readonly<Record<string, Run>> = {
  "in the body, after two pieces": async (env) => {
    const controller = new AbortController();
    const response = await fetch(gatedUrl(env, "abort", ["a", "b"], "hold"), { signal: controller.signal });
    const reader = response.body!.getReader();
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      await release(env, "abort");
      seen.push(await readAtLeast(reader, 1));
    }
    const waiting = failure(() => reader.read());
    setTimeout(() => controller.abort(), 10);
    const error = await waiting;
    return {
      seen,
      ...beside(error, controller.signal) as object,
      again: await failure(() => reader.read()) === error,
      closed: await failure(() => reader.closed) === error,
      gone: await gone(env, "abort"),
      used: response.bodyUsed,
    };
  },
  "in the body, with a reason": async (env) => {
    const controller = new AbortController();
    const response = await fetch(gatedUrl(env, "abort-reason", ["a"], "hold"), { signal: controller.signal });
    const waiting = failure(() => response.text());
    setTimeout(() => controller.abort(new RangeError("mine")), 10);
    return { ...beside(await waiting, controller.signal) as object, gone: await gone(env, "abort-reason") };
  },
  "with a piece that was not read yet": async (env) => {
    const controller = new AbortController();
    const response = await fetch(gatedUrl(env, "abort-queued", ["a", "b"], "hold"), {
      signal: controller.signal,
    });
    const reader = response.body!.getReader();
    await release(env, "abort-queued");
    const seen = await readAtLeast(reader, 1);
    controller.abort();
    return { seen, ...beside(await failure(() => reader.read()), controller.signal) as object };
  },
  "between head and body": async (env) => {
    const controller = new AbortController();
    const response = await fetch(gatedUrl(env, "abort-head", ["a"], "hold"), { signal: controller.signal });
    controller.abort();
    const text = await failure(() => response.text());
    return { ...beside(text, controller.signal) as object, gone: await gone(env, "abort-head") };
  },
  "after the body was read": async ({ url }) => {
    const controller = new AbortController();
    const response = await fetch(`${url}/json`, { signal: controller.signal });
    const text = await response.text();
    controller.abort();
    return { text, again: await outcome(() => response.text()), status: response.status };
  },
  "of a clone": async (env) => {
    const controller = new AbortController();
    const response = await fetch(gatedUrl(env, "abort-clone", ["a"], "hold"), { signal: controller.signal });
    const clone = response.clone();
    const both = [failure(() => response.text()), failure(() => clone.text())];
    setTimeout(() => controller.abort(), 10);
    const errors = await Promise.all(both);
    return errors.map((error) => beside(error, controller.signal));
  },
  "in for await": async (env) => {
    const controller = new AbortController();
    const response = await fetch(gatedUrl(env, "abort-loop", ["a"], "hold"), { signal: controller.signal });
    await release(env, "abort-loop");
    const seen: number[] = [];
    const error = await failure(async () => {
      for await (const chunk of response.body!) {
        seen.push(chunk.length);
        setTimeout(() => controller.abort(), 10);
      }
    });
    return { seen, ...beside(error, controller.signal) as object };
  },
};

export const abortCases: readonly ContractCase[] = [heads, composed, bodies].flatMap((runs) =>
  Object.entries(runs).map(([name, run]) => ({ name: `abort: ${name}`, run }))
);
