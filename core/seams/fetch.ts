/**
 * `fetch`, whole: every way to give a body, streamed answers chunk by chunk as they came, errors with class
 * and cause, aborts at any time. A body's chunk is asked of the platform only when the program reads, as the
 * platform itself does it, so nothing is buffered or held back.
 *
 * Not held: `data:`, `blob:` and `file:` URLs (they cross no boundary that a tape could help with), and
 * clients that don't use the global `fetch` (see `guard.ts`).
 */

import { QUIRKS } from "../base/runtime.ts";
import { buildError, describeError } from "../session/error_shape.ts";
import type { Delivery, Live, Op, Session } from "../session/session.ts";
import type { SeamContext } from "./context.ts";
import { type NativeFetch, type PreparedRequest, prepareRequest } from "./fetch_request.ts";
import { describeHead, ResponseMaker } from "./fetch_response.ts";

/** An array buffer of its own, because a byte stream takes its chunks' buffers away. */
function standalone(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes as Uint8Array<ArrayBuffer> : bytes.slice();
}

/** Frames of whoever called the patched `fetch`; formatted only when asked for. */
function callerOf(patched: (...args: never[]) => unknown): () => string {
  if (!QUIRKS.failuresNameCaller) return () => "";
  const holder: { stack?: string } = {};
  (Error as unknown as { captureStackTrace(on: object, below: unknown): void }).captureStackTrace(
    holder,
    patched,
  );
  return () => (holder.stack ?? "").split("\n").slice(1).join("\n");
}

/**
 * The platform's error names the function that awaits the platform's promise. The program awaits ours, so its
 * frames are put behind.
 */
function nameCaller(error: unknown, caller: () => string): void {
  if (!QUIRKS.failuresNameCaller || !(error instanceof Error)) return;
  const head = error.stack ?? `${error.name}: ${error.message}`;
  const value = [head, caller()].filter((part) => part !== "").join("\n");
  Object.defineProperty(error, "stack", { value, writable: true, configurable: true, enumerable: false });
}

/** The real request and its body, as deliveries. */
function liveFetch(
  native: NativeFetch,
  request: PreparedRequest,
  caller: () => string,
  crossed: () => void,
  route: (url: string) => string,
): Live {
  const controller = new AbortController();
  let response: Response | undefined;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let deliver: (delivery: Delivery) => void = () => {};
  const fail = (error: unknown) => {
    nameCaller(error, caller);
    deliver({ type: "fail", error: describeError(error), original: error });
  };
  const go = (body: BodyInit | undefined) => {
    const { url } = request.ask;
    const to = route(url);
    let promise: Promise<Response>;
    crossed();
    try {
      promise = request.send(native, controller.signal, body, to === url ? undefined : to);
    } catch (error) {
      return fail(error);
    }
    promise.then((answer) => {
      response = answer;
      deliver(describeHead(answer, to));
    }, fail);
  };
  return {
    uploads: request.streamed,
    start(to) {
      deliver = to;
      if (request.read === undefined) go(undefined);
      else if (request.streamed) {
        go(
          new ReadableStream<unknown>({
            start(sink) {
              // The platform may have given the upload up (an abort, a failed connection): then it is closed.
              let open = true;
              const whileOpen = (act: () => void) => {
                if (!open) return;
                try {
                  act();
                } catch {
                  open = false;
                }
              };
              request.feed = (chunk) => whileOpen(() => sink.enqueue(chunk));
              request.close = (error) =>
                whileOpen(() => error === undefined ? sink.close() : sink.error(error.reason));
            },
          }) as BodyInit,
        );
      }
    },
    body(bytes) {
      if (!request.streamed) go(bytes as Uint8Array<ArrayBuffer>);
    },
    pull() {
      reader ??= response!.body!.getReader();
      reader.read().then(
        ({ done, value }) => deliver(done ? { type: "end" } : { type: "chunk", bytes: value! }),
        fail,
      );
    },
    cancel(reason) {
      controller.abort(reason);
    },
  };
}

/** A body that the program reads: each read asks the session for one delivery. */
class Body {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #op: Op;
  #controller: ReadableByteStreamController | undefined;
  #settle: (() => void) | undefined;
  #over = false;

  constructor(op: Op, onOver: () => void) {
    this.#op = op;
    const source: UnderlyingDefaultSource<Uint8Array> = {
      start: (controller) => {
        this.#controller = controller as unknown as ReadableByteStreamController;
      },
      pull: () =>
        new Promise<void>((resolve) => {
          this.#settle = resolve;
          op.demand();
        }),
      cancel: (reason) => {
        if (!this.#finish()) return;
        onOver();
        op.cancel(reason);
      },
    };
    this.stream = QUIRKS.byteBodies
      ? new ReadableStream({ ...source, type: "bytes" } as UnderlyingByteSource)
      : new ReadableStream(source, { highWaterMark: 0 });
  }

  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    return true;
  }

  #answer(act: () => void): void {
    act();
    this.#settle?.();
  }

  chunk(bytes: Uint8Array): void {
    // An empty chunk can't be put into a byte stream: the read goes on waiting for the next one.
    if (bytes.length === 0) this.#op.demand();
    else this.#answer(() => this.#controller!.enqueue(standalone(bytes)));
  }

  end(): void {
    if (!this.#finish()) return;
    this.#answer(() => {
      this.#controller!.close();
      // A pending bring-your-own-buffer read is answered only now.
      this.#controller!.byobRequest?.respond(0);
    });
  }

  fail(error: unknown): void {
    if (this.#finish()) this.#answer(() => this.#controller!.error(error));
  }
}

function perform(
  session: Session,
  native: NativeFetch,
  request: PreparedRequest,
  maker: ResponseMaker,
  caller: () => string,
  crossed: () => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    let body: Body | undefined;
    /** Why the program's own request body failed, where it did. */
    let ownFailure: { reason: unknown } | undefined;
    const onAbort = () => {
      const { reason } = signal!;
      if (body === undefined) reject(reason);
      else body.fail(reason);
      op.cancel(reason);
    };
    const over = () => signal?.removeEventListener("abort", onAbort);
    const op = session.open(request.ask, (delivery) => {
      switch (delivery.type) {
        case "head":
          if (delivery.hasBody) body = new Body(op, over);
          else over();
          resolve(maker.make(delivery, request.ask.url, body?.stream ?? null));
          break;
        case "chunk":
          body!.chunk(delivery.bytes);
          break;
        case "end":
          over();
          body!.end();
          break;
        case "fail": {
          over();
          const original = QUIRKS.printsOwnFrames ? undefined : delivery.original;
          const error = original ?? buildError(delivery.error, ownFailure);
          if (body === undefined) reject(error);
          else body.fail(error);
          break;
        }
      }
    }, liveFetch(native, request, caller, crossed, (url) => session.route?.(url) ?? url));
    signal?.addEventListener("abort", onAbort, { once: true });
    request.read?.().then((bytes) => {
      op.sent(bytes);
      request.close?.(undefined);
    }, (reason) => {
      // A stream that fails fails the platform's request, which comes back as a delivery.
      ownFailure = { reason };
      if (request.streamed) return request.close?.({ reason });
      over();
      op.cancel(reason);
      reject(reason);
    });
  });
}

/** Patches `fetch`. */
export function fetchSeam(context: SeamContext): void {
  const { registry } = context;
  let maker: ResponseMaker | undefined;
  const make = (original: (...args: unknown[]) => unknown) => {
    const native = original as unknown as NativeFetch;
    const patched = {
      fetch(this: unknown, ...args: Parameters<NativeFetch>) {
        const session = context.session();
        if (session === undefined || (args as unknown[]).length === 0) {
          if (session === undefined) context.crossed();
          return Reflect.apply(native, this, args);
        }
        maker ??= context.quietly(() => new ResponseMaker(registry));
        const request = prepareRequest(context, session, args[0], args[1]);
        if ("native" in request) {
          if (request.native !== undefined) args[1] = request.native as RequestInit;
          const call = () => Reflect.apply(native, this, args);
          return request.local === true ? session.runInside(call) : context.quietly(call);
        }
        return perform(session, native, request.prepared, maker, callerOf(patched), context.crossed);
      },
    }.fetch;
    return patched;
  };
  const bun = (globalThis as unknown as { Bun?: object }).Bun;
  registry.method(globalThis, "fetch", make);
  if (bun !== undefined) registry.method(bun, "fetch", make);
}
