/**
 * Recorded requests by what they ask for, so that the one which a program asks for now is found without a search:
 * method, URL, headers, body and options, to the byte. Equal ones come out in the order in which they were recorded,
 * ten thousand of them as quickly as two.
 */

import { type BodyRef, decodeEvent, encodeEvent, type RequestEvent, TYPE } from "../tape/events.ts";
import type { Core, DigestIndex } from "../../wasm/core.ts";
import type { TapeRow } from "./session.ts";

/**
 * What a request asks for, as 32 bytes. `sent` is its body, where that had to be read first: a request whose body
 * was known at once and one whose body came later ask for the same.
 */
export function requestKey(core: Core, request: RequestEvent, sent?: BodyRef): Uint8Array {
  // The op's number is when it was asked for, not what.
  return core.sha256(encodeEvent({ ...request, op: 0, body: sent ?? request.body }));
}

/** See the head of this file. Steps are counted over the given rows, from 0. */
export class RequestIndex {
  readonly #core: Core;
  readonly #index: DigestIndex;
  /** The recorded requests, by step. */
  readonly requests: readonly RequestEvent[];

  constructor(core: Core, rows: readonly TapeRow[]) {
    this.#core = core;
    this.#index = core.digestIndex();
    this.requests = rows.filter(({ type }) => type === TYPE.request)
      .map(({ body }) => decodeEvent(body) as RequestEvent);
    this.requests.forEach((request, step) => this.#index.add(requestKey(core, request), step));
  }

  /** The step of the first recorded request that asks for the same and was not taken yet; undefined for none. */
  take(request: RequestEvent): number | undefined {
    return this.#index.take(requestKey(this.#core, request));
  }
}
