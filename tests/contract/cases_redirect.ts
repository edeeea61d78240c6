/** Redirects: followed, refused, handed over, endless. */
import type { CaseEnv, ContractCase } from "./contract.ts";
import { describeResponse, outcome } from "./observe.ts";

type EchoSeen = { method: string; target: string; text?: string; headers: [string, string][] };

/** What arrives at the end of a redirect: the response's own words, and the headers that may have been dropped. */
async function arrival(input: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(input, init);
  const { status, url, redirected, type } = response;
  const { method, target, text, headers } = await response.json() as EchoSeen;
  const watched = [
    "authorization",
    "cookie",
    "x-mine",
    "content-type",
    "content-length",
    "referer",
    "origin",
  ];
  const kept = headers.map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    status,
    url,
    redirected,
    type,
    method,
    target,
    text,
    kept: kept.filter(([name]) => watched.includes(name)),
  };
}

const post = (): RequestInit => ({
  method: "POST",
  body: "payload",
  headers: { authorization: "Bearer t", cookie: "a=1", "x-mine": "1" },
});

const to = (target: string): string => `?to=${encodeURIComponent(target)}`;

async function manual({ url }: CaseEnv, path: string): Promise<unknown> {
  const response = await fetch(url + path, { redirect: "manual" });
  return { seen: describeResponse(response), text: await outcome(() => response.text()) };
}

export const redirectCases: readonly ContractCase[] = [
  ...[301, 302, 303, 307, 308].flatMap((status): ContractCase[] => [
    {
      name: `redirect ${status}: of a GET`,
      run: ({ url }) => outcome(() => arrival(`${url}/redirect/${status}${to("/echo?got")}`)),
    },
    {
      name: `redirect ${status}: of a POST`,
      run: ({ url }) => outcome(() => arrival(`${url}/redirect/${status}${to("/echo?got")}`, post())),
    },
    {
      name: `redirect ${status}: handed over with manual`,
      run: (env) => manual(env, `/redirect/${status}${to("/echo?got")}`),
    },
  ]),
  {
    name: "redirect: a chain of five",
    run: ({ url }) => arrival(`${url}/chain/5`),
  },
  {
    name: "redirect: a chain of twenty, and of twenty-one",
    async run({ url }) {
      return [
        await outcome(() => arrival(`${url}/chain/20`)),
        await outcome(() => arrival(`${url}/chain/21`)),
      ];
    },
  },
  { name: "redirect: a loop", run: ({ url }) => outcome(() => fetch(`${url}/loop`)) },
  {
    name: "redirect: to another origin drops what is private",
    run: ({ url, other }) => arrival(`${url}/redirect/307${to(`${other}/echo`)}`, post()),
  },
  {
    name: "redirect: a fragment is carried along",
    async run({ url }) {
      const kept = await fetch(`${url}/redirect/302${to("/json")}#mine`);
      const replaced = await fetch(`${url}/redirect/302${to("/json#theirs")}#mine`);
      return [kept.url, replaced.url];
    },
  },
  { name: "redirect: error", run: ({ url }) => outcome(() => fetch(`${url}/loop`, { redirect: "error" })) },
  {
    name: "redirect: error, but none comes",
    run: async ({ url }) => (await fetch(`${url}/json`, { redirect: "error" })).status,
  },
  {
    name: "redirect: an unknown mode",
    run: ({ url }) => outcome(() => fetch(`${url}/json`, { redirect: "x" as "error" })),
  },
  {
    name: "redirect: without a location",
    run: ({ url }) => outcome(async () => describeResponse(await fetch(`${url}/redirect/302`))),
  },
  {
    name: "redirect: to a bad location",
    run: ({ url }) => outcome(() => fetch(`${url}/redirect/302${to("http://[bad")}`)),
  },
  {
    name: "redirect: to another scheme",
    run: ({ url }) => outcome(() => fetch(`${url}/redirect/302${to("ftp://127.0.0.1/x")}`)),
  },
  {
    name: "redirect: to data",
    run: ({ url }) => outcome(() => fetch(`${url}/redirect/302${to("data:,x")}`)),
  },
  {
    name: "redirect: into a refused reset",
    run: ({ url }) => outcome(() => fetch(`${url}/redirect/302${to("/reset")}`)),
  },
  {
    name: "redirect: a stream body with 307",
    run: ({ url }) => {
      const body = new Blob(["streamed"]).stream();
      return outcome(() =>
        arrival(`${url}/redirect/307${to("/echo")}`, { method: "POST", body, duplex: "half" } as RequestInit)
      );
    },
  },
];
