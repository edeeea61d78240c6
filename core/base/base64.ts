/** Bytes as text that any document can hold: UTF-8 where that loses nothing, else base64. */

/** Base64 of `bytes`. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/** The bytes that `text` spells. @throws TypeError where it is no base64. */
export function fromBase64(text: unknown): Uint8Array {
  try {
    if (typeof text === "string") return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    // Told of below.
  }
  throw new TypeError("Cannot read a body: it is no base64");
}

/** Bytes, spelled so that they can be had back. */
export interface SpelledBytes {
  readonly encoding: "utf8" | "base64";
  readonly data: string;
}

/** See the head of this file. */
export function spellBytes(bytes: Uint8Array): SpelledBytes {
  try {
    const data = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { encoding: "utf8", data };
  } catch {
    return { encoding: "base64", data: toBase64(bytes) };
  }
}
