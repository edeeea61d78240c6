/**
 * An embedded model server for the demo and the tests: Anthropic's Messages API (`POST /v1/messages`, streamed and
 * not) on loopback, with the true wire format and none of the model. It is as unruly as the real one: ids, pauses,
 * wording, the cuts of its stream and its occasional 429 and 529 differ from run to run.
 *
 * It has no batches, files, token counting or server tools, and it bills nobody. Any non-empty key is welcome.
 *
 * Platform functions are taken when this module loads; see `dice.ts` for why.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { ERROR_STATUS, errorBody, messageBody, sse, streamEvents, type WireError } from "./anthropic_wire.ts";
import { cryptoDice, type Dice, seededDice } from "./dice.ts";
import { createFaults } from "./model_faults.ts";
import { answerHeaders, readArrival, sendJson } from "./model_http.ts";
import { answerRequest } from "./model_script.ts";
import { createPauses, type Range } from "./pauses.ts";
import { cutIntoWrites } from "./sse_writes.ts";

export interface ModelServerOptions {
  /** Milliseconds until an answer starts, drawn evenly for each request. Default 10 to 90. */
  readonly latencyMs?: Range;
  /** Milliseconds between two writes of a streamed answer. Default 0 to 6. */
  readonly chunkDelayMs?: Range;
  /** Share of requests refused with 429 or 529, 0 to 1. No call is refused more than twice in a row. Default 0.15. */
  readonly errorRate?: number;
  /** Milliseconds in the `retry-after-ms` header of a refusal. Default 5 to 60. */
  readonly retryAfterMs?: Range;
  /** Share of streams that break off with an `overloaded_error` event, which the SDK does not retry. Default 0. */
  readonly streamErrorRate?: number;
  /** Share of JSON answers sent with gzip when the client takes it. Default 0.3. */
  readonly gzipRate?: number;
  /** After this many tool-calling answers in a turn the model answers with text. Default 4. */
  readonly maxRounds?: number;
  /** The only accepted key. Left out, any non-empty one is. */
  readonly apiKey?: string;
  /** Makes the answers to a sequence of equal requests repeatable. Left out, nothing is. */
  readonly seed?: string;
}

export interface ModelServer {
  /** `http://127.0.0.1:<port>`, fit for `ANTHROPIC_BASE_URL`. */
  readonly url: string;
  /** Requests that have arrived so far, refused ones included. */
  readonly requests: number;
  /** Ends open answers, drops every connection and frees the port. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Starts a server on a free port of 127.0.0.1.
 *
 * @throws the platform's error when it may not listen
 */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const pauses = createPauses();
  const faults = createFaults(options.errorRate ?? 0.15);
  const seen = new Map<string, number>();
  let requests = 0;

  function diceFor(body: string): Dice {
    if (options.seed === undefined) return cryptoDice();
    // Seeded by the request, not by its arrival: concurrent agents get the same answers in any order.
    const nth = seen.get(body) ?? 0;
    seen.set(body, nth + 1);
    return seededDice(`${options.seed}\n${nth}\n${body}`);
  }

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    requests++;
    const arrival = await readArrival(incoming, options.apiKey);
    const dice = diceFor(arrival.text);
    const requestId = `req_011C${dice.word(20)}`;
    const head = answerHeaders(requestId, requests, arrival.text);
    const refuse = (error: WireError, more: Record<string, string>) =>
      sendJson(incoming, outgoing, ERROR_STATUS[error.type], errorBody(error, requestId), {
        ...head,
        ...more,
      });
    if ("error" in arrival) return refuse(arrival.error, { "x-should-retry": "false" });

    await pauses.drawn(options.latencyMs ?? [10, 90], dice);
    const fault = faults.next(arrival.text, incoming.headers["x-stainless-retry-count"], dice);
    if (fault !== undefined) {
      const [least, most] = options.retryAfterMs ?? [5, 60];
      const retry = {
        "retry-after": String(dice.int(0, 1)),
        "retry-after-ms": String(dice.int(least, most)),
      };
      return refuse(fault, { "x-should-retry": "true", ...retry });
    }
    const { request } = arrival;
    const answer = answerRequest(request, dice, options.maxRounds ?? 4);
    if (request.stream !== true) {
      const gzip = dice.chance(options.gzipRate ?? 0.3);
      return sendJson(incoming, outgoing, 200, messageBody(request, answer, dice), head, gzip);
    }
    await sendStream(outgoing, streamEvents(request, answer, dice), { ...head }, requestId, dice);
  }

  async function sendStream(
    outgoing: ServerResponse,
    whole: string[],
    head: Record<string, string>,
    requestId: string,
    dice: Dice,
  ): Promise<void> {
    let events = whole;
    if (dice.chance(options.streamErrorRate ?? 0)) {
      const error = errorBody({ type: "overloaded_error", message: "Overloaded" }, requestId);
      events = [...whole.slice(0, dice.int(1, whole.length - 1)), sse(error, dice)];
    }
    const type = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" };
    outgoing.writeHead(200, { ...head, ...type });
    for (const write of cutIntoWrites(events, dice)) {
      if (outgoing.destroyed || outgoing.closed) return;
      outgoing.write(write);
      await pauses.drawn(options.chunkDelayMs ?? [0, 6], dice);
    }
    outgoing.end();
  }

  const server = createServer((incoming, outgoing) => {
    // A client that goes away in the middle is everyday business; there is no one left to tell.
    outgoing.on("error", () => {});
    handle(incoming, outgoing).catch((error) => {
      if (outgoing.headersSent) return outgoing.destroy();
      const failed: WireError = { type: "api_error", message: `Internal server error: ${error}` };
      sendJson(incoming, outgoing, 500, errorBody(failed, "req_none"), { "x-should-retry": "false" });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new Error("Cannot serve: the server has no port");
  }
  let closing: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${address.port}`,
    get requests() {
      return requests;
    },
    close: () =>
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        pauses.end();
        server.closeAllConnections();
      }),
  };
}
