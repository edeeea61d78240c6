/**
 * What a program can still tell between the platform's `fetch` and the held one, by contract case. Each is
 * something that JavaScript can't build a `Response` or a `Request` to show; none changes what is sent or read.
 * The same is recorded and replayed: a replay of these cases is exact too.
 */
import type { Runtime } from "../helpers/runtimes.ts";

const NODE_HEADERS =
  "undici keeps blanks at the end of a header's value; a Headers object that JavaScript fills trims them";
const NODE_ORDER = "util.inspect shows headers in wire order, which nothing else tells";
const FOREIGN_BODY =
  "another answer's body is a stream of unknown length once it is held, so it is sent in chunks";
const UPLOAD_CANCEL = "an aborted upload is not cancelled with the platform's own words";
const BUN_LOCK = "bodyUsed is true on getReader() for Bun's own streams only";
const BUN_OWN = "Bun's Response.prototype can't be patched, so url is the response's own";
const STACK = "the platform's frames between an error and its caller are fewer";

/** Case names to reasons, for each runtime. */
export const KNOWN_DIFFERENCES: Readonly<Record<Runtime["name"], Readonly<Record<string, string>>>> = {
  node: {
    "response: headers with repeats, cookies, latin-1 and empty values": NODE_HEADERS,
    "response headers: reading them": NODE_HEADERS,
    "response headers: changing them": NODE_HEADERS,
    "response headers: copies can be changed": NODE_HEADERS,
    "response clone: both are read, in either order": NODE_HEADERS,
    "identity of a response: util.inspect": NODE_ORDER,
    "identity of a response: util.inspect of a clone and of a redirected one": NODE_ORDER,
  },
  deno: {
    "request body: another response's body": FOREIGN_BODY,
    "upload: an abort cancels the stream with the reason": UPLOAD_CANCEL,
    "stream: what chunks are": "a chunk has a buffer of its own instead of being a view of a larger one",
    "stack: of a body that breaks": STACK,
  },
  bun: {
    "request body: another response's body": FOREIGN_BODY,
    "upload: an abort cancels the stream with the reason": UPLOAD_CANCEL,
    "redirect: a stream body with 307":
      "Bun can send its own kind of stream twice, but not one that is being recorded",
    "stream: locked and used as reading goes on": BUN_LOCK,
    "stream: text while locked": BUN_LOCK,
    "identity of a response: keys": BUN_OWN,
    "identity of a response: members of the prototype read the response": BUN_OWN,
    "stack: of a body that breaks": STACK,
  },
};
