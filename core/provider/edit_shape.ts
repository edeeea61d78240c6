/** What changing an answer comes to, whichever API it is of, and the helpers that the single APIs share. */

import type { Json, ModelApi } from "./read_shape.ts";
import type { SentEvent } from "./read_frames.ts";

/** A value that is put together. */
export type Loose = Record<string, unknown>;

/** One API: how an answer is put together of a stream, changed, checked, and streamed again. */
export interface EditFormat {
  readonly api: ModelApi;
  /** The whole answer that a stream holds; undefined where it is none, or not whole. */
  assemble(events: readonly SentEvent[]): Loose | undefined;
  /** A stream that holds this answer: one text for each event. `like`: the recorded stream, whose manner it keeps. */
  stream(answer: Json, like: readonly SentEvent[]): string[];
  /** The answer saying this text and nothing else. */
  withText(answer: Json, text: string): Loose;
  /** An answer that says this text, where there was none to change. */
  fresh(model: string, text: string): Loose;
  /** Why this is no valid answer; undefined where it is one. */
  flaw(answer: unknown): string | undefined;
  /** Why these are no valid stream; undefined where they are one. */
  streamFlaw(events: readonly SentEvent[]): string | undefined;
  /** The body that comes with an error's status. */
  error(status: number): Loose;
}

/** How long pieces of text are in a recorded stream: its mean, in characters; 12 where it has none. */
export function pieceSize(pieces: readonly string[]): number {
  const whole = pieces.filter((piece) => piece !== "");
  if (whole.length === 0) return 12;
  return Math.max(1, Math.round(whole.reduce((sum, piece) => sum + [...piece].length, 0) / whole.length));
}

/** Cuts a text into pieces of so many characters, never inside one. An empty text has none. */
export function cut(text: string, size: number): string[] {
  const letters = Array.from(text);
  const out: string[] = [];
  for (let at = 0; at < letters.length; at += size) out.push(letters.slice(at, at + size).join(""));
  return out;
}

/** True for an object. */
export function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
