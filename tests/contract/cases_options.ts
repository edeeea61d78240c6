/** The lesser options of a request, options of one runtime, and secrets that a recording must not keep. */
import { secrets } from "./secrets.ts";
import type { CaseEnv, ContractCase } from "./contract.ts";
import { echoed } from "./cases_help.ts";
import { concat, outcome, readChunks, summary } from "./observe.ts";

const options: Readonly<Record<string, () => RequestInit>> = {
  "keepalive": () => ({ keepalive: true, body: "x" }),
  "cache no-store": () => ({ cache: "no-store" }),
  "cache only-if-cached": () => ({ cache: "only-if-cached" }),
  "credentials": () => ({ credentials: "omit" }),
  "mode cors": () => ({ mode: "cors" }),
  "mode same-origin": () => ({ mode: "same-origin" }),
  "mode no-cors": () => ({ mode: "no-cors" }),
  "mode navigate": () => ({ mode: "navigate" }),
  "referrer": () => ({ referrer: "http://127.0.0.1/from", referrerPolicy: "unsafe-url" }),
  "integrity that fits not": () => ({ integrity: "sha256-AAAA" }),
  "priority": () => ({ priority: "high" } as RequestInit),
  "window": () => ({ window: null }),
  "window that is none": () => ({ window: {} } as unknown as RequestInit),
  "an unknown option": () => ({ nothing: true } as RequestInit),
  "null as init": () => null as unknown as RequestInit,
  "duplex full": () => ({ duplex: "full", body: "x" } as RequestInit),
};

type Run = (env: CaseEnv) => Promise<unknown>;

const bunOnly: Readonly<Record<string, Run>> = {
  "decompress: false": async ({ url }) => {
    const response = await fetch(`${url}/encoded/gzip`, { decompress: false } as RequestInit);
    return [response.headers.get("content-encoding"), summary(concat(await readChunks(response.body!)))];
  },
  "timeout: false": async ({ url }) =>
    (await fetch(`${url}/json`, { timeout: false } as unknown as RequestInit)).status,
  "url in an object": ({ url }) =>
    outcome(async () => (await fetch({ url: `${url}/json`, method: "GET" } as unknown as Request)).status),
};

export const optionCases: readonly ContractCase[] = [
  ...Object.entries(options).map(([name, init]) => ({
    name: `request option: ${name}`,
    run: (env: CaseEnv) => outcome(() => echoed(env, init())),
  })),
  ...Object.entries(bunOnly).map(([name, run]): ContractCase => ({
    name: `request option of Bun: ${name}`,
    only: ["bun"],
    run,
  })),
  {
    name: "request option of Deno: a client",
    only: ["deno"],
    async run({ url }) {
      const { Deno } = globalThis as unknown as { Deno: { createHttpClient(options: object): Disposable } };
      using client = Deno.createHttpClient({});
      return (await fetch(`${url}/json`, { client } as RequestInit)).status;
    },
  },
  {
    // Node warns that the method will be sent as it is.
    name: "noisy: the method patch in lower case",
    run: (env) => outcome(() => echoed(env, { method: "patch", body: "x" })),
  },
  {
    // The answer holds none of them: whoever finds one in a recording has found a leak.
    name: "secrets: sent in headers, URL and cookies",
    async run({ url }) {
      const headers = {
        authorization: `Bearer ${secrets.bearer}`,
        "x-api-key": secrets.apiKey,
        "x-goog-api-key": secrets.googleKey,
        cookie: `session=${secrets.cookie}`,
      };
      const response = await fetch(`${url}/text?key=${secrets.query}`, { headers });
      return [response.status, await response.text()];
    },
  },
];
