/** Recorded JSON that can be walked by recursion: what is nested deeper than any honest body counts as no JSON. */

import { parseJson, stringEnd } from "../provider/read_frames.ts";

const DEEPEST = 500;

/** False where brackets outside of strings are nested too deep. */
export function isShallow(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x22) i = stringEnd(text, i) - 1;
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > DEEPEST) return false;
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
  return true;
}

/** The value, or undefined where `text` is no JSON or is nested too deep. */
export function parseShallow(text: string): unknown {
  return isShallow(text) ? parseJson(text) : undefined;
}
