/** What a response shows before, while and after its body is read at once. */
import type { CaseEnv, ContractCase } from "./contract.ts";
import { outcomes } from "./cases_help.ts";
import { className, describeHeaders, describeResponse, outcome } from "./observe.ts";

/** Everything about an answer, with its body as text. */
async function whole({ url }: CaseEnv, path: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url + path, init);
  const before = describeResponse(response);
  const text = await outcome(() => response.text());
  return { before, text, bodyUsed: response.bodyUsed, body: className(response.body) };
}

const plain: Readonly<Record<string, [path: string, init?: RequestInit]>> = {
  "JSON": ["/json"],
  "text without a type": ["/text"],
  "headers with repeats, cookies, latin-1 and empty values": ["/headers"],
  "an empty body": ["/empty"],
  "an empty chunked body": ["/empty-chunked"],
  "204": ["/status/204/No%20Content"],
  "304": ["/status/304/Not%20Modified"],
  "205": ["/reset-content"],
  "HEAD": ["/json", { method: "HEAD" }],
  "HEAD of a compressed body": ["/encoded/gzip", { method: "HEAD" }],
  "an odd status text": ["/status/200/Totally%20Fine!%20%7B%7D"],
  "an empty status text": ["/status/200/"],
  "status 299": ["/status/299/Odd"],
  "429 with retry-after": ["/status/429/Too%20Many%20Requests"],
  "500": ["/status/500/Oh%20no"],
  "529": ["/status/529/Overloaded"],
  "599": ["/status/599/Last"],
  "status 600 and above": ["/status/700/Beyond"],
  "404": ["/nowhere"],
  "a body that ends with the connection": ["/until-close"],
  "HTTP/1.0": ["/old"],
  "trailers": ["/trailers"],
  "early hints before the answer": ["/early-hints"],
};

const methods = ["text", "json", "arrayBuffer", "bytes", "blob", "formData", "clone"] as const;

export const responseCases: readonly ContractCase[] = [
  ...Object.entries(plain).map(([name, [path, init]]) => ({
    name: `response: ${name}`,
    run: (env: CaseEnv) => outcome(() => whole(env, path, init)),
  })),
  {
    name: "response: a second read fails, by each method",
    async run({ url }) {
      const seen: Record<string, unknown> = {};
      for (const method of methods) {
        const response = await fetch(`${url}/json`);
        await response.text();
        seen[method] = await outcome(() => response[method]());
      }
      return seen;
    },
  },
  {
    name: "response: two reads at once",
    async run({ url }) {
      const response = await fetch(`${url}/json`);
      const [first, second] = [outcome(() => response.text()), outcome(() => response.json())];
      return { first: await first, second: await second };
    },
  },
  {
    name: "response: a null body can be read again and again",
    async run({ url }) {
      const response = await fetch(`${url}/status/204/x`);
      const texts = [await outcome(() => response.text()), await outcome(() => response.text())];
      return { texts, used: response.bodyUsed, clone: await outcome(() => response.clone().text()) };
    },
  },
  {
    name: "response: an unread body does no harm",
    async run({ url }) {
      const responses = await Promise.all(Array.from({ length: 4 }, () => fetch(`${url}/json`)));
      return responses.map(({ status, bodyUsed }) => [status, bodyUsed]);
    },
  },
  {
    name: "response headers: reading them",
    async run({ url }) {
      const { headers } = await fetch(`${url}/headers`);
      const visited: unknown[] = [];
      headers.forEach((value, name, all) => visited.push([name, value, all === headers]));
      return {
        all: describeHeaders(headers),
        keys: [...headers.keys()],
        values: [...headers.values()],
        visited,
        get: [
          headers.get("X-REPEAT"),
          headers.get("set-cookie"),
          headers.get("none"),
          headers.get("x-empty"),
        ],
        has: [headers.has("X-First"), headers.has("none")],
        bad: await outcomes({ get: () => headers.get("a b"), has: () => headers.has("") }),
        class: className(headers),
        size: (headers as unknown as Record<string, unknown>)["count"] ?? "no count",
      };
    },
  },
  {
    name: "response headers: of 8, 20 and 300 KB",
    run: ({ url }) =>
      outcomes(Object.fromEntries([8, 20, 300].map((size) => [
        `${size} KB`,
        async () => (await fetch(`${url}/big-header?size=${size * 1000}`)).headers.get("x-big")?.length,
      ]))),
  },
  {
    name: "response headers: changing them",
    async run({ url }) {
      const response = await fetch(`${url}/headers`);
      const { headers } = response;
      return {
        ...await outcomes({
          set: () => headers.set("x-new", "1"),
          append: () => headers.append("x-repeat", "5"),
          delete: () => headers.delete("x-first"),
          "delete of none": () => headers.delete("not-there"),
          "bad name": () => headers.set("a b", "1"),
        }),
        after: [...headers],
        same: response.headers === headers,
      };
    },
  },
  {
    name: "response headers: copies can be changed",
    async run({ url }) {
      const response = await fetch(`${url}/headers`);
      const copy = new Headers(response.headers);
      copy.set("x-new", "1");
      copy.delete("set-cookie");
      const wrapped = new Response(response.body, response);
      wrapped.headers.set("x-wrapped", "1");
      return {
        copy: [...copy],
        wrapped: describeResponse(wrapped),
        text: await wrapped.text(),
        used: response.bodyUsed,
        object: Object.fromEntries(response.headers),
      };
    },
  },
  {
    name: "response clone: both are read, in either order",
    async run({ url }) {
      const response = await fetch(`${url}/headers`);
      const clone = response.clone();
      const seen = { original: describeResponse(response), clone: describeResponse(clone) };
      const cloneText = await clone.text();
      const usedBetween = response.bodyUsed;
      return { seen, cloneText, usedBetween, text: await response.text(), again: className(clone) };
    },
  },
  {
    name: "response clone: headers of its own",
    async run({ url }) {
      const response = await fetch(`${url}/headers`);
      const clone = response.clone();
      const changed = await outcome(() => clone.headers.set("x-first", "changed"));
      return { changed, original: response.headers.get("x-first"), clone: clone.headers.get("x-first") };
    },
  },
  {
    name: "response clone: of a clone, after the original was read",
    async run({ url }) {
      const response = await fetch(`${url}/json`);
      const clone = response.clone();
      await response.text();
      const third = clone.clone();
      return [
        await third.text(),
        await clone.text(),
        third.url === response.url,
        third.redirected,
        third.type,
      ];
    },
  },
  {
    name: "response clone: after a partial read",
    async run({ url }) {
      const response = await fetch(`${url}/json`);
      const reader = response.body!.getReader();
      const locked = await outcome(() => response.clone());
      await reader.read();
      reader.releaseLock();
      return { locked, released: await outcome(() => response.clone()), used: response.bodyUsed };
    },
  },
  {
    name: "response: answers of one kept connection",
    async run({ url }) {
      const texts: string[] = [];
      for (const id of ["a", "b", "c"]) texts.push(await (await fetch(`${url}/keep?id=${id}`)).text());
      return texts;
    },
  },
];
