/** Many requests at once: who gets which answer, retries, order against timers. */
import type { CaseEnv, ContractCase } from "./contract.ts";
import { outcome } from "./observe.ts";

type Run = (env: CaseEnv) => Promise<unknown>;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const runs: Readonly<Record<string, Run>> = {
  "four equal requests get four answers, out of order": async ({ url, measured }) => {
    const finished: number[] = [];
    const answers = await Promise.all([0, 1, 2, 3].map(async (caller) => {
      const { rank, number } = await (await fetch(`${url}/race?n=4`)).json();
      finished.push(caller);
      return { rank, number } as { rank: number; number: number };
    }));
    // Who is answered first is the origin's and the kernel's choice: a replay has to repeat it.
    measured["answers"] = answers;
    measured["finished"] = finished;
    return {
      ranks: answers.map(({ rank }) => rank).toSorted(),
      distinct: new Set(answers.map(({ number }) => number)).size,
      finished: finished.length,
    };
  },
  "four equal POSTs get four answers": async ({ url, measured }) => {
    const init = { method: "POST", body: '{"model":"m"}' };
    const answers = await Promise.all([0, 1, 2, 3].map(async () => {
      const response = await fetch(`${url}/race?n=4&post`, init);
      return (await response.json()).number as number;
    }));
    measured["answers"] = answers;
    return new Set(answers).size;
  },
  "each caller gets its own answer": async ({ url }) => {
    const finished: string[] = [];
    const pairs = await Promise.all(["0", "1", "2", "3"].map(async (id) => {
      const response = await fetch(`${url}/pair?n=4&id=${id}`, { method: "POST", body: id });
      finished.push(id);
      return [id, (await response.json()).id];
    }));
    return { pairs, count: finished.length };
  },
  "thirty-two at once, each its own": async ({ url, measured }) => {
    const finished: number[] = [];
    const pairs = await Promise.all(Array.from({ length: 32 }, async (_, i) => {
      const response = await fetch(`${url}/echo`, { method: "POST", body: `caller ${i}` });
      const { text } = await response.json();
      finished.push(i);
      return text === `caller ${i}`;
    }));
    measured["finished"] = finished;
    return pairs.every((own) => own);
  },
  "equal requests one after another": async ({ url, measured }) => {
    const numbers: number[] = [];
    for (let i = 0; i < 3; i++) numbers.push((await (await fetch(`${url}/race?n=1`)).json()).number);
    measured["numbers"] = numbers;
    return new Set(numbers).size;
  },
  "Promise.any of a failing and a working request": async ({ url }) => {
    const won = await Promise.any([fetch(`${url}/reset`), fetch(`${url}/text`)]);
    const lost = await outcome(() => Promise.any([fetch(`${url}/reset`), fetch(`${url}/reset`)]));
    return { won: await won.text(), lost };
  },
  "Promise.race of a fast and a slow request": async ({ url }) => {
    const calls = ["slow-headers", "text"].map(async (
      path,
    ) => [path, await (await fetch(`${url}/${path}`)).text()]);
    const winner = await Promise.race(calls);
    return { winner, all: await Promise.all(calls) };
  },
  "retries after 429 and 529": async ({ url, measured }) => {
    const seen: unknown[] = [];
    const waits: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      const headers = { "x-stainless-retry-count": String(attempt) };
      const response = await fetch(`${url}/flaky?key=retry`, { method: "POST", body: "{}", headers });
      seen.push([response.status, response.headers.get("retry-after"), await response.text()]);
      if (response.ok) break;
      const wait = 2 + Math.random() * 8;
      waits.push(wait);
      await sleep(wait);
    }
    measured["waits"] = waits;
    return seen;
  },
  "a reset is retried": async ({ url }) => {
    const seen: unknown[] = [];
    for (const path of ["reset", "close", "text"]) {
      try {
        seen.push(await (await fetch(`${url}/${path}`)).text());
        break;
      } catch (error) {
        seen.push((error as Error).name);
        await sleep(2);
      }
    }
    return seen;
  },
  "answers against timers": async ({ url, measured }) => {
    const order: string[] = [];
    const request = async (name: string, path: string): Promise<void> => {
      await (await fetch(`${url}/${path}`)).text();
      order.push(name);
    };
    const timer = async (name: string, ms: number): Promise<void> => {
      await sleep(ms);
      order.push(name);
    };
    await Promise.all([
      request("text", "text"),
      timer("t0", 0),
      request("slow", "slow-headers"),
      timer("t1", 1),
      timer("t60", 60),
      request("json", "json"),
    ]);
    measured["order"] = order;
    return order.toSorted();
  },
  "answers that depend on random and clock": async ({ url, measured }) => {
    let prompt = `${Date.now()} ${crypto.randomUUID()}`;
    for (let i = 0; i < 4; i++) {
      const response = await fetch(`${url}/echo`, { method: "POST", body: prompt });
      const { text } = await response.json();
      if (text !== prompt) return "another's answer";
      prompt = `${text}\n${Math.random()} ${performance.now()}`.slice(-200);
    }
    measured["prompt"] = prompt;
    return "own answers";
  },
  "the head is there before the body": async ({ url, measured }) => {
    const start = performance.now();
    const response = await fetch(`${url}/sse?head`);
    const head = performance.now() - start;
    await response.text();
    const body = performance.now() - start;
    measured["times"] = [head, body];
    return body - head > 60;
  },
};

export const raceCases: readonly ContractCase[] = Object.entries(runs).map(([name, run]) => ({
  name: `at once: ${name}`,
  run,
}));
