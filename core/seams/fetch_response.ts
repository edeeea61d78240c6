/**
 * Makes the `Response` that a program gets, in both modes: one that it can't tell from the platform's. What
 * the constructor can't set (`url`, `redirected`, `type`, odd statuses) is answered by patched getters of
 * `Response.prototype`; headers are immutable where the platform's are.
 */

import { QUIRKS } from "../base/runtime.ts";
import type { Delivery } from "../session/session.ts";
import { type PatchRegistry, plain } from "./registry.ts";

type Head = Extract<Delivery, { type: "head" }>;

const SHOWN = ["url", "redirected", "type", "status", "statusText", "ok"] as const;

interface Shown {
  readonly ok: boolean;
  readonly url: string;
  readonly redirected: boolean;
  readonly type: string;
  readonly status: number;
  readonly statusText: string;
}

/** See the head of this file. Made at the first request, because loading `Response` costs Node 10 ms. */
export class ResponseMaker {
  readonly #shown = new WeakMap<object, Shown>();
  readonly #immutable = new WeakSet<object>();
  /** Members of `Response.prototype` that can't be patched (Bun): they become the response's own. */
  readonly #own: (keyof Shown)[] = [];
  #frozen: Headers | undefined;

  constructor(registry: PatchRegistry) {
    const shown = this.#shown;
    for (const key of SHOWN) {
      const patched = registry.getter(Response.prototype, key, (original) =>
        function (this: object) {
          const native = Reflect.apply(original, this, []);
          return shown.get(this)?.[key] ?? native;
        });
      if (!patched) this.#own.push(key);
    }
    const adopt = (from: object, to: Response) => {
      const meta = shown.get(from);
      if (meta === undefined) return;
      this.#show(to, meta);
      if (this.#frozen !== undefined) this.#immutable.add(to.headers);
    };
    registry.method(Response.prototype, "clone", (original) =>
      plain(function (this: object) {
        const copy = Reflect.apply(original, this, []) as Response;
        adopt(this, copy);
        return copy;
      }));
    this.#guardHeaders(registry);
    this.#patchReaders(registry);
  }

  #show(response: Response, shown: Shown): void {
    this.#shown.set(response, shown);
    for (const key of this.#own) {
      if (Object.is(response[key], shown[key])) continue;
      Object.defineProperty(response, key, { value: shown[key], configurable: true, enumerable: false });
    }
  }

  /** What the platform reads out of its own answers otherwise than out of those that a program makes. */
  #patchReaders(registry: PatchRegistry): void {
    const shown = this.#shown;
    if (QUIRKS.emptyJsonIsNull) {
      registry.method(Response.prototype, "json", (original) =>
        plain(async function (this: Response) {
          if (!shown.has(this) || this.bodyUsed) return Reflect.apply(original, this, []);
          const text = await this.text();
          return text === "" ? null : Reflect.apply(original, new Response(text), []);
        }));
    }
    if (QUIRKS.typedBlobs) {
      registry.method(Response.prototype, "blob", (original) =>
        plain(async function (this: Response) {
          const blob = await Reflect.apply(original, this, []) as Blob;
          if (!shown.has(this) || blob.type !== "") return blob;
          return new Blob([blob], { type: this.headers.get("content-type") ?? "text/plain;charset=utf-8" });
        }));
    }
  }

  /** Where the platform's own response headers refuse changes, ours do too, by the platform's own error. */
  #guardHeaders(registry: PatchRegistry): void {
    const frozen = Response.error().headers;
    try {
      frozen.set("x-tracefork-probe", "1");
      return;
    } catch {
      this.#frozen = frozen;
    }
    const immutable = this.#immutable;
    for (const key of ["append", "set", "delete"] as const) {
      registry.method(
        Headers.prototype,
        key,
        (original) =>
          plain(function (this: object, ...args: unknown[]) {
            return Reflect.apply(original, immutable.has(this) ? frozen : this, args);
          }),
      );
    }
  }

  /** Builds the response for `head`. `url` is the request's own, for where the head says nothing else. */
  make(head: Head, url: string, body: ReadableStream<Uint8Array> | null): Response {
    const response = construct(head, body);
    const hash = url.indexOf("#");
    this.#show(response, {
      url: head.url ?? (hash < 0 || QUIRKS.urlKeepsFragment ? url : url.slice(0, hash)),
      ok: head.status >= 200 && head.status <= 299,
      redirected: head.redirected,
      type: head.kind,
      status: head.status,
      statusText: head.statusText,
    });
    if (this.#frozen !== undefined) this.#immutable.add(response.headers);
    return response;
  }
}

function construct(head: Head, body: ReadableStream<Uint8Array> | null): Response {
  const headers = head.headers.map(([name, value]) => [name, value] as [string, string]);
  try {
    return new Response(body, { status: head.status, statusText: head.statusText, headers });
  } catch {
    // A status or a text that the constructor refuses: the getters show it all the same.
    return new Response(body, { headers });
  }
}

/** All headers. Bun shows their own order in JSON; elsewhere it can't be seen but by `util.inspect`. */
function headerList(headers: Headers): [string, string][] {
  const sorted = [...headers] as [string, string][];
  const { toJSON } = headers as { toJSON?: () => Record<string, unknown> };
  if (toJSON === undefined) return sorted;
  const order = Object.keys(Reflect.apply(toJSON, headers, []));
  return sorted.toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b));
}

/** What a program can see of a platform's response head. */
export function describeHead(response: Response, requestUrl: string): Head {
  const hash = requestUrl.indexOf("#");
  const own = hash < 0 || QUIRKS.urlKeepsFragment ? requestUrl : requestUrl.slice(0, hash);
  return {
    type: "head",
    status: response.status,
    statusText: response.statusText,
    headers: headerList(response.headers),
    url: response.url === own ? undefined : response.url,
    redirected: response.redirected,
    kind: response.type,
    hasBody: response.body !== null,
  };
}
