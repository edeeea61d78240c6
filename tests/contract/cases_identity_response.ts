/** What reflection sees of a fetched response, and how the call itself may be made. */
import * as util from "node:util";
import type { CaseEnv, ContractCase } from "./contract.ts";
import { loose, outcomes } from "./cases_help.ts";
import { className, describeError, failure, outcome, tag } from "./observe.ts";

/** Node's response inspected, without what is drawn. */
function inspected(value: unknown, env: CaseEnv): string {
  return util.inspect(value, { depth: 4, breakLength: 120 }).replaceAll(env.url, "URL");
}

const responses: Readonly<Record<string, (env: CaseEnv) => Promise<unknown>>> = {
  "class and prototype": async ({ url }) => {
    const response = await fetch(`${url}/json`);
    return {
      instance: response instanceof Response,
      constructor: response.constructor === Response,
      prototype: Object.getPrototypeOf(response) === Response.prototype,
      tag: tag(response),
      headersInstance: response.headers instanceof Headers,
      headersPrototype: Object.getPrototypeOf(response.headers) === Headers.prototype,
      headersTag: tag(response.headers),
      headersSame: response.headers === response.headers,
      bodyInstance: response.body instanceof ReadableStream,
      string: String(response),
    };
  },
  "keys": async ({ url }) => {
    const response = await fetch(`${url}/json`);
    const inherited: string[] = [];
    for (const key in response) inherited.push(key);
    return {
      keys: Object.keys(response),
      own: Reflect.ownKeys(response).map(String),
      inherited: inherited.sort(),
      json: JSON.stringify(response),
      spread: { ...response },
      extensible: Object.isExtensible(response),
      has: ["url", "body", "nothing"].map((key) => key in response),
      headersJson: JSON.stringify(response.headers),
      headersKeys: Object.keys(response.headers),
    };
  },
  "members of the prototype read the response": async ({ url }) => {
    const response = await fetch(`${url}/json`);
    const read = (key: string): unknown =>
      outcome(() => Object.getOwnPropertyDescriptor(Response.prototype, key)!.get!.call(response));
    const seen: Record<string, unknown> = {};
    for (const key of ["url", "redirected", "type", "status", "statusText", "ok", "bodyUsed"]) {
      seen[key] = await read(key);
    }
    const text = await outcome(() => Response.prototype.text.call(response));
    return { seen, text, reflect: Reflect.get(Response.prototype, "url", response) };
  },
  "members can't be assigned, others can": async ({ url }) => {
    const response = loose(await fetch(`${url}/json`));
    return {
      ...await outcomes({
        url: () => void (response["url"] = "x"),
        status: () => void (response["status"] = 1),
        extra: () => void (response["extra"] = 1),
        define: () => void Object.defineProperty(response, "url", { value: "mine", configurable: true }),
      }),
      after: [response["status"], response["extra"], response["url"]],
    };
  },
  "a Proxy around it": async ({ url }) => {
    const proxy = new Proxy(await fetch(`${url}/json`), {});
    return await outcomes({ status: () => proxy.status, text: () => proxy.text() });
  },
  "structuredClone": async ({ url }) => {
    const response = await fetch(`${url}/json`);
    return describeError(await failure(() => structuredClone(response)));
  },
  "util.inspect": async (env) => {
    const response = await fetch(`${env.url}/headers`);
    const before = inspected(response, env);
    const headers = inspected(response.headers, env);
    await response.text();
    return { before, headers, after: inspected(response, env) };
  },
  "util.inspect of a clone and of a redirected one": async (env) => {
    const response = await fetch(`${env.url}/redirect/302?to=/json`);
    return [inspected(response.clone(), env), inspected(response, env)];
  },
  "util.inspect of a failure, first line": async ({ url }) => {
    const error = await failure(() => fetch(`${url}/reset`));
    return util.inspect(error).split("\n")[0];
  },
  "util.types": async ({ url }) => {
    const call = fetch(`${url}/json`);
    const seen = {
      promise: util.types.isPromise(call),
      class: className(call),
      proxy: util.types.isProxy(fetch),
    };
    const response = await call;
    return {
      ...seen,
      responseProxy: util.types.isProxy(response),
      headersProxy: util.types.isProxy(response.headers),
    };
  },
  "what fetch returns": async ({ url }) => {
    const call = fetch(`${url}/json`);
    const seen = {
      promise: call instanceof Promise,
      prototype: Object.getPrototypeOf(call) === Promise.prototype,
      own: Reflect.ownKeys(call).map(String),
    };
    await call;
    return seen;
  },
  "fetch without globalThis as this": async ({ url }) => {
    const free = fetch;
    return await outcomes({
      free: async () => (await free(`${url}/json`)).status,
      call: async () => (await free.call({} as never, `${url}/json`)).status,
      bound: async () => (await free.bind(undefined)(`${url}/json`)).status,
      construct: () => new (free as unknown as new (input: string) => unknown)(`${url}/json`),
    });
  },
  "fetch replaced and restored": async ({ url }) => {
    const original = globalThis.fetch;
    let calls = 0;
    globalThis.fetch = ((input: string, init?: RequestInit) => {
      calls++;
      return original(input, init);
    }) as typeof fetch;
    const { status } = await fetch(`${url}/json`);
    globalThis.fetch = original;
    return {
      status,
      calls,
      restored: globalThis.fetch === original,
      own: Object.hasOwn(globalThis, "fetch"),
    };
  },
};

export const identityResponseCases: readonly ContractCase[] = Object.entries(responses).map((
  [name, run],
) => ({
  name: `identity of a response: ${name}`,
  run,
}));
