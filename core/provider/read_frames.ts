/**
 * A body's JSON documents, however they are framed: one document, an array of them, one a line (NDJSON), or
 * server-sent events. Works on a body that is whole, so neither an event nor a character can be split; a
 * document that was cut off at the end is left out. Binary framing (AWS event streams) is not read.
 */

import { fromUtf8 } from "../base/bytes.ts";

/** A server-sent event. */
export interface SentEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
}

/** All events of a stream, by the rules of the HTML standard, besides that the last one needs no empty line. */
export function parseEvents(text: string): SentEvent[] {
  const events: SentEvent[] = [];
  let event = "";
  let data: string[] = [];
  const dispatch = () => {
    if (data.length > 0) events.push({ event: event || "message", data: data.join("\n") });
    event = "";
    data = [];
  };
  for (const line of text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/)) {
    const [, field, value] = /^([^:]*)(?:: ?([\s\S]*))?$/.exec(line)!;
    if (line === "") dispatch();
    else if (field === "event") event = value ?? "";
    else if (field === "data") data.push(value ?? "");
  }
  // Servers forget the last empty line; an event that was cut off is no JSON and falls out later.
  dispatch();
  return events;
}

/** The value, or undefined where `text` is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where the JSON string that opens at `at` is over: after its closing quote, or at the end of the text. */
export function stringEnd(text: string, at: number): number {
  // By hand: a regular expression runs out of stack on a string of megabytes.
  for (let i = at + 1; i < text.length; i++) {
    const char = text[i];
    if (char === "\\") i++;
    else if (char === '"') return i + 1;
  }
  return text.length;
}

/** Outermost objects one after another, with anything between them: NDJSON, and arrays that were cut off. */
function objectsOneByOne(text: string): unknown[] {
  const found: unknown[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') i = stringEnd(text, i) - 1;
    else if (char === "{" && depth++ === 0) start = i;
    else if (char === "}" && depth > 0 && --depth === 0) found.push(parseJson(text.slice(start, i + 1)));
  }
  return found;
}

/** The documents of a body. Gateways mislabel bodies, so its beginning counts besides `contentType`. */
export function readFrames(contentType: string | undefined, bytes: Uint8Array): unknown[] {
  const text = fromUtf8(bytes);
  const start = text.trimStart();
  const isJson = /^\ufeff?[[{]/.test(start);
  const isEvents = contentType?.includes("text/event-stream") === true ||
    /^\ufeff?(?:data|event|id|retry)?:/.test(start);
  if (isEvents && !isJson) {
    return parseEvents(text).map(({ data }) => parseJson(data)).filter((each) => each !== undefined);
  }
  if (!isJson) return [];
  const whole = parseJson(start.replace(/^\ufeff/, ""));
  if (whole === undefined) return objectsOneByOne(text).filter((each) => each !== undefined);
  return Array.isArray(whole) ? whole : [whole];
}
