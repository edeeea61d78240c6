/**
 * How alike two requests are, from small sketches, so that a thousand steps can be compared with a thousand others
 * without their bodies. An agent sends its whole conversation at every step, so neighbouring requests share nearly
 * all; what tells them apart is the last message, which therefore counts most.
 */

import { fromUtf8 } from "../base/bytes.ts";
import { parseShallow } from "./shallow_json.ts";

/** The least hash of each bin over a text's words; 0 for a bin without one. */
type Sketch = Uint32Array;

/** What is kept of a request. */
export interface RequestSketch {
  readonly place: string;
  readonly whole: Sketch;
  readonly newest: Sketch;
}

const BINS = 64;
/** Where the APIs keep a conversation. */
const CONVERSATION = ["messages", "input", "contents"] as const;

function hash(word: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) value = Math.imul(value ^ word.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  value = Math.imul(value ^ (value >>> 15), 0x846ca68b);
  return (value ^ (value >>> 16)) >>> 0;
}

function sketch(text: string): Sketch {
  const bins = new Uint32Array(BINS);
  for (const [word] of text.matchAll(/[\p{L}\p{N}_]+/gu)) {
    const value = hash(word);
    const bin = value % BINS;
    if (bins[bin] === 0 || value < bins[bin]!) bins[bin] = value;
  }
  return bins;
}

/** Share of bins with the same word, among those in which either has one: an estimate of what the texts share. */
function shared(a: Sketch, b: Sketch): number {
  let [same, used] = [0, 0];
  for (let i = 0; i < BINS; i++) {
    if (a[i] === 0 && b[i] === 0) continue;
    used++;
    if (a[i] === b[i]) same++;
  }
  return used === 0 ? 1 : same / used;
}

function newestOf(text: string): string {
  const body = parseShallow(text) as Record<string, unknown> | null | undefined;
  if (typeof body !== "object" || body === null) return text;
  for (const name of CONVERSATION) {
    const items = body[name];
    // Its number tells two steps of a loop apart that say the same.
    if (Array.isArray(items)) return `item${items.length} ${JSON.stringify(items.at(-1)) ?? ""}`;
  }
  return text;
}

/** A request's sketch. */
export function sketchRequest(method: string, url: string, body: Uint8Array | undefined): RequestSketch {
  // Not the host: a test's server has another port each time.
  const path = url.replace(/^[a-z]+:\/\/[^/?#]*/i, "");
  const text = body === undefined ? "" : fromUtf8(body);
  return {
    place: `${method} ${path.replace(/[?#].*$/, "")}`,
    whole: sketch(`${path} ${text}`),
    newest: sketch(`${path} ${newestOf(text)}`),
  };
}

/** 0 to 1, the same in both directions. */
export function requestLikeness(a: RequestSketch, b: RequestSketch): number {
  const place = a.place === b.place ? 1 : 0;
  return 0.3 * place + 0.25 * shared(a.whole, b.whole) + 0.45 * shared(a.newest, b.newest);
}
