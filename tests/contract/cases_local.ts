/** Fetches that never reach a network: data: and blob: URLs, and responses made by hand. */
import type { CaseEnv, ContractCase } from "./contract.ts";
import { outcomes } from "./cases_help.ts";
import { className, describeResponse, failure, outcome, readChunks } from "./observe.ts";

async function both(input: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(input, init);
  return { seen: describeResponse(response), text: await response.text(), used: response.bodyUsed };
}

const runs: Readonly<Record<string, (env: CaseEnv) => Promise<unknown>>> = {
  "data: text": () => both("data:text/plain;charset=utf-8,a%20b%C3%A4"),
  "data: base64": () => both("data:application/json;base64,eyJhIjoxfQ=="),
  "data: without a type": () => both("data:,x"),
  "data: broken": () => outcome(() => both("data:broken")),
  "data: HEAD and POST": () =>
    outcomes({
      head: () => both("data:,x", { method: "HEAD" }),
      post: () => both("data:,x", { method: "POST", body: "y" }),
    }),
  "data: aborted before": () => outcome(() => fetch("data:,x", { signal: AbortSignal.abort("no") })),
  "data: as a stream": async () =>
    (await readChunks((await fetch("data:,xyz")).body!)).map((one) => [...one]),
  "blob: a Blob": async () => {
    const url = URL.createObjectURL(new Blob(["blob text"], { type: "text/x-blob" }));
    const response = await fetch(url);
    const { url: _, ...seen } = describeResponse(response);
    const text = await response.text();
    URL.revokeObjectURL(url);
    return { seen, ownUrl: response.url === url, text };
  },
  "blob: revoked": async () => {
    const url = URL.createObjectURL(new Blob(["x"]));
    URL.revokeObjectURL(url);
    const error = await failure(() => fetch(url));
    return { class: className(error), message: (error as Error).message?.replace(url, "URL") };
  },
  "made by hand: new Response": async () => {
    const response = new Response("body", { status: 201, statusText: "Made", headers: { "x-a": "1" } });
    const settable = await outcome(() => response.headers.set("x-b", "2"));
    return { seen: describeResponse(response), settable, text: await response.text() };
  },
  "made by hand: Response.json, error, redirect": async () => {
    const [json, error] = [Response.json({ a: 1 }, { status: 202 }), Response.error()];
    const redirect = Response.redirect("http://127.0.0.1/x", 307);
    return {
      json: [describeResponse(json), await json.text()],
      error: describeResponse(error),
      redirect: describeResponse(redirect),
    };
  },
  "made by hand: bad arguments": () =>
    outcomes({
      status: () => new Response("x", { status: 99 }),
      null: () => new Response("x", { status: 204 }),
      text: () => new Response("x", { statusText: "a\nb" }),
      call: () => (Response as unknown as () => unknown)(),
      clone: () => Response.prototype.clone.call({} as Response),
      url: () => Object.getOwnPropertyDescriptor(Response.prototype, "url")!.get!.call({}),
    }),
  "made by hand: a subclass": async () => {
    class Mine extends Response {
      override get url(): string {
        return "mine:" + super.url;
      }
    }
    const mine = new Mine("x");
    return [mine.url, mine instanceof Response, className(mine), className(mine.clone()), await mine.text()];
  },
};

export const localCases: readonly ContractCase[] = Object.entries(runs).map(([name, run]) => ({
  name: `local ${name}`,
  run,
}));
