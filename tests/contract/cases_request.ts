/** What a request becomes on the wire: bodies of every type, headers, methods, `Request` objects. */
import type { CaseEnv, ContractCase } from "./contract.ts";
import { echoed, outcomes } from "./cases_help.ts";
import { describeError, failure, outcome } from "./observe.ts";

type Init = RequestInit & { duplex?: "half" };

const bytes = Uint8Array.of(0, 1, 127, 128, 255, 10, 13);

function form(): FormData {
  const data = new FormData();
  data.append("field", "välue");
  data.append("field", "again");
  data.append('quo"te\r\n', "x");
  data.append("file", new File(["file text"], "näme.txt", { type: "text/x-note" }));
  data.append("blob", new Blob([bytes]));
  return data;
}

function streamOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const left = [...parts];
  return new ReadableStream({
    pull(controller) {
      const part = left.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode("one ");
  yield new TextEncoder().encode("two");
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const bodies: Readonly<Record<string, () => Init>> = {
  "a string": () => ({ body: "grüß €" }),
  "an empty string": () => ({ body: "" }),
  "a string with a content type": () => ({ body: "{}", headers: { "Content-Type": "application/json" } }),
  "a Uint8Array": () => ({ body: bytes }),
  "a view into a larger buffer": () => ({ body: bytes.subarray(2, 5) }),
  "an ArrayBuffer": () => ({ body: bytes.slice().buffer }),
  "a DataView": () => ({ body: new DataView(bytes.slice().buffer, 1, 3) }),
  "a Float64Array": () => ({ body: new Float64Array([1.5, -2]) }),
  "URLSearchParams": () => ({ body: new URLSearchParams([["a", "1 2"], ["ü", "&="], ["a", "3"]]) }),
  "FormData with files": () => ({ body: form() }),
  "an empty FormData": () => ({ body: new FormData() }),
  "a Blob with a type": () => ({ body: new Blob(["blob ", "text"], { type: "text/x-blob" }) }),
  "a Blob without a type": () => ({ body: new Blob([bytes]) }),
  "a File": () => ({ body: new File(["file"], "f.txt", { type: "text/plain" }) }),
  "a stream": () => ({ body: streamOf([encode("one "), bytes, encode("three")]), duplex: "half" }),
  "an empty stream": () => ({ body: streamOf([]), duplex: "half" }),
  "a stream and a content length": () => ({
    body: streamOf([encode("four")]),
    duplex: "half",
    headers: { "content-length": "4" },
  }),
  "a stream without duplex": () => ({ body: streamOf([encode("x")]) }),
  "an async iterable": () => ({ body: pieces() as unknown as BodyInit, duplex: "half" }),
  "another response's body": () => ({ body: new Response("from a response").body, duplex: "half" }),
  "a number": () => ({ body: 42 as unknown as string }),
  "a plain object": () => ({ body: { a: 1 } as unknown as string }),
  "null": () => ({ body: null }),
  "undefined": () => ({ body: undefined }),
  "20,000 characters": () => ({ body: "x€".repeat(10_000) }),
};

const methods: Readonly<Record<string, () => Init>> = {
  "post in lower case": () => ({ method: "post", body: "x" }),
  "DELETE without a body": () => ({ method: "DELETE" }),
  "PUT": () => ({ method: "PUT", body: "x" }),
  "OPTIONS": () => ({ method: "OPTIONS" }),
  "a custom method": () => ({ method: "PROPFIND" }),
  "GET with a body": () => ({ method: "GET", body: "x" }),
  "HEAD with a body": () => ({ method: "HEAD", body: "x" }),
  "CONNECT": () => ({ method: "CONNECT" }),
  "a method with a space": () => ({ method: "GE T" }),
  "an empty method": () => ({ method: "" }),
};

const headerForms: Readonly<Record<string, () => HeadersInit>> = {
  "an object": () => ({ "X-B": "2", "x-a": "1" }),
  "pairs with a repeat": () => [["x-r", "1"], ["X-R", "2"], ["x-a", "z"]],
  "Headers": () => {
    const headers = new Headers({ "x-z": "1" });
    headers.append("x-z", "2");
    headers.append("cookie", "a=1");
    return headers;
  },
  "a Map": () => new Map([["x-map", "1"]]) as unknown as HeadersInit,
  "overrides of what the runtime sets": () => ({
    "user-agent": "mine",
    accept: "text/x",
    "accept-encoding": "identity",
    "accept-language": "de",
  }),
  "host and content-length": () => ({ host: "example.org", "content-length": "999" }),
  "connection and transfer-encoding": () => ({ connection: "close", "transfer-encoding": "chunked" }),
  "latin-1 in a value": () => ({ "x-latin": "caf\xe9" }),
  "beyond latin-1 in a value": () => ({ "x-wide": "€" }),
  "a line break in a value": () => ({ "x-bad": "a\nb" }),
  "a space in a name": () => ({ "x bad": "1" }),
  "white space around a value": () => ({ "x-space": "  a b \t" }),
};

function table(title: string, inits: Readonly<Record<string, () => Init>>): ContractCase[] {
  return Object.entries(inits).map(([name, init]) => ({
    name: `request ${title}: ${name}`,
    run: (env) => outcome(() => echoed(env, init())),
  }));
}

const requests: Readonly<Record<string, (env: CaseEnv) => Promise<unknown>>> = {
  "a Request with a body": async ({ url }) => {
    const request = new Request(`${url}/echo`, {
      method: "PUT",
      body: "in request",
      headers: { "x-r": "1" },
    });
    const before = request.bodyUsed;
    const seen = await (await fetch(request)).json();
    return { before, after: request.bodyUsed, seen };
  },
  "init overrides method, headers and body": async ({ url }) => {
    const request = new Request(`${url}/echo`, {
      method: "PUT",
      body: "in request",
      headers: { "x-r": "1" },
    });
    const init = { method: "POST", body: "in init", headers: { "x-i": "2" } };
    const seen = await outcome(async () => (await fetch(request, init)).json());
    return { seen, used: request.bodyUsed };
  },
  "init overrides only the headers": async ({ url }) => {
    const request = new Request(`${url}/echo`, { method: "POST", body: "kept", headers: { "x-r": "1" } });
    return await (await fetch(request, { headers: { "x-i": "2" } })).json();
  },
  "init overrides the signal": async ({ url }) => {
    const request = new Request(`${url}/echo`, { signal: AbortSignal.abort("request's") });
    const live = await outcome(async () =>
      (await fetch(request, { signal: new AbortController().signal })).status
    );
    const dead = await outcome(() =>
      fetch(new Request(`${url}/echo`), { signal: AbortSignal.abort("init's") })
    );
    const none = await outcome(async () => (await fetch(request, { signal: null })).status);
    return { live, dead, none, requestAlone: await outcome(() => fetch(request)) };
  },
  "init overrides redirect": async ({ url }) => {
    const request = new Request(`${url}/redirect/302?to=/json`, { redirect: "manual" });
    const followed = await fetch(request, { redirect: "follow" });
    const manual = await fetch(request);
    return { followed: [followed.status, await followed.text()], manual: manual.status };
  },
  "a used Request can't be sent again": async ({ url }) => {
    const request = new Request(`${url}/echo`, { method: "POST", body: "once" });
    await (await fetch(request)).text();
    const again = await outcome(() => fetch(request));
    const withBody = await outcome(async () => (await fetch(request, { body: "new" })).json());
    return { again, withBody, clone: await outcome(() => request.clone()) };
  },
  "a Request without a body can": async ({ url }) => {
    const request = new Request(`${url}/echo`);
    const texts = [await (await fetch(request)).text(), await (await fetch(request)).text()];
    return texts[0] === texts[1];
  },
  "a clone is sent by itself": async ({ url }) => {
    const request = new Request(`${url}/echo`, { method: "POST", body: "twice" });
    const clone = request.clone();
    const both = await Promise.all([fetch(request), fetch(clone)].map(async (one) => (await one).json()));
    return both.map(({ text }) => text);
  },
  "a Request stays readable until it is sent": async ({ url }) => {
    const request = new Request(`${url}/echo`, { method: "POST", body: "read" });
    const text = await request.text();
    return { text, error: await outcome(() => fetch(request)) };
  },
};

const inputs: Readonly<Record<string, (env: CaseEnv) => Promise<unknown>>> = {
  "a URL object": async ({ url }) => (await (await fetch(new URL("/echo?a=1#part", url))).json()).target,
  "an object with toString": async ({ url }) => {
    const input = { toString: () => `${url}/echo?object` };
    return (await (await fetch(input as unknown as string)).json()).target;
  },
  "a fragment, spaces and umlauts": async ({ url }) => {
    const response = await fetch(`  ${url}/echo/ä b?q=ü x&r=%zz#frag ment `);
    return { url: response.url, target: (await response.json()).target };
  },
  "dots in the path": async ({ url }) => (await fetch(`${url}/a/../echo/./b`)).url,
  "upper case in scheme and host": async ({ url }) =>
    (await fetch(url.replace("http", "HTTP") + "/echo")).url,
  "credentials in the URL": ({ url }) =>
    outcome(async () => (await (await fetch(url.replace("//", "//user:pa%20ss@") + "/echo")).json()).headers),
  "nothing that is an URL": async ({ url }) => {
    const call = fetch as unknown as (...args: unknown[]) => Promise<unknown>;
    return await outcomes({
      none: () => call(),
      undefined: () => call(undefined),
      null: () => call(null),
      number: () => call(42),
      empty: () => call(""),
      symbol: () => call(Symbol("s")),
      relative: () => call("/echo"),
      init: () => call(`${url}/json`, 42),
    });
  },
  "getters of init are read once": async ({ url }) => {
    const reads: Record<string, number> = {};
    const values: Record<string, unknown> = { method: "POST", body: "x", headers: { "x-a": "1" } };
    const init = new Proxy(values, {
      get: (held, key) => {
        if (typeof key === "string") reads[key] = (reads[key] ?? 0) + 1;
        return Reflect.get(held, key);
      },
    });
    await (await fetch(`${url}/echo`, init as RequestInit)).text();
    return ["method", "body", "headers", "signal"].map((key) => [key, reads[key]]);
  },
  "an init that throws": async ({ url }) => {
    const init = {
      get method(): string {
        throw new RangeError("no method today");
      },
    };
    return describeError(await failure(() => fetch(`${url}/echo`, init)));
  },
};

export const requestCases: readonly ContractCase[] = [
  ...table("body", bodies),
  ...table("method", methods),
  ...Object.entries(headerForms).map(([name, headers]) => ({
    name: `request headers: ${name}`,
    run: (env: CaseEnv) => outcome(() => echoed(env, { body: "b", headers: headers() })),
  })),
  ...Object.entries(requests).map(([name, run]) => ({ name: `request object: ${name}`, run })),
  ...Object.entries(inputs).map(([name, run]) => ({ name: `request input: ${name}`, run })),
];
