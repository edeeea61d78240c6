/**
 * Ways to read a response's body, slow and fast, in part, twice, in copies. Each returns a digest of what it got
 * and tells every chunk's size. Nothing waits for anything but the body and its own timers: no `Blob` is read and
 * nothing is compressed here, as both run on threads of the platform.
 */

import { pause } from "./timers.mjs";
import { describe, digest } from "./world.mjs";

/**
 * @typedef {{ say: (text: string) => void, chunk: (count: number) => void }} Reading
 * @typedef {(at: Reading, res: Response) => Promise<string>} Read
 */

/** Chunk sizes of one reader until its end or `limit`; `ms` to wait after each of the first chunks. */
async function drain(
  { say, chunk },
  reader,
  { label = "chunk", ms = 0, limit = Infinity, seen = digest("") } = {},
) {
  let count = 0;
  while (count < limit) {
    const { done, value } = await reader.read();
    if (done) {
      say(`${label} end ${seen}`);
      return seen;
    }
    seen = digest(value, seen);
    say(`${label} ${count++} ${value.length} ${seen}`);
    chunk(count);
    if (ms > 0 && count < 6) await pause(ms);
  }
  return seen;
}

/** The events of an SSE body, cancelled when the consumer leaves early. */
async function* serverEvents({ say, chunk }, body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let count = 0;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      chunk(++count);
      rest += decoder.decode(value, { stream: true });
      const events = rest.split("\n\n");
      rest = events.pop() ?? "";
      say(`bytes ${value.length} events ${events.length}`);
      for (const event of events) yield event;
    }
  } finally {
    await reader.cancel();
    reader.releaseLock();
    say("events closed");
  }
}

async function readEvents(at, res, limit) {
  let seen = digest("");
  let count = 0;
  for await (const event of serverEvents(at, res.body)) {
    seen = digest(event, seen);
    at.say(`event ${count} ${event.slice(0, 40).replaceAll("\n", "\\n")}`);
    if (++count === limit) break;
  }
  return seen;
}

async function readByob(at, res) {
  let reader;
  try {
    reader = res.body.getReader({ mode: "byob" });
  } catch (error) {
    at.say(`no byob ${describe(error)}`);
    return await drain(at, res.body.getReader());
  }
  let seen = digest("");
  for (let count = 0; count < 8; count++) {
    const { done, value } = await reader.read(new Uint8Array(700));
    if (done) return seen;
    seen = digest(value, seen);
    at.say(`byob ${count} ${value.length} ${seen}`);
    at.chunk(count + 1);
  }
  await reader.cancel("enough");
  return seen;
}

/** @type {Record<string, Read>} */
const READERS = {
  text: async (_, res) => digest(await res.text()),
  json: async ({ say }, res) => {
    try {
      return digest(JSON.stringify(await res.json()));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      say(`no JSON ${error.name}`);
      return "none";
    }
  },
  bytes: async (_, res) => digest(new Uint8Array(await res.arrayBuffer())),
  blob: async ({ say }, res) => {
    const blob = await res.blob();
    say(`blob ${blob.size} ${blob.type}`);
    return String(blob.size);
  },
  twice: async ({ say }, res) => {
    const first = digest(await res.text());
    await res.text().catch((error) => say(`second read ${error.name} used=${res.bodyUsed}`));
    return first;
  },
  // By now all of it may have come: what was many chunks can be one.
  late: async (at, res) => {
    await pause(12);
    return await drain(at, res.body.getReader());
  },
  fast: (at, res) => drain(at, res.body.getReader()),
  slow: (at, res) => drain(at, res.body.getReader(), { ms: 4 }),
  ahead: async ({ say, chunk }, res) => {
    const reader = res.body.getReader();
    let seen = digest("");
    for (let count = 1;; count++) {
      const [first, second] = await Promise.all([reader.read(), reader.read()]);
      for (const { value } of [first, second]) if (value) seen = digest(value, seen);
      say(`pair ${first.value?.length ?? "end"} ${second.value?.length ?? "end"} ${seen}`);
      if (second.done) return seen;
      chunk(count);
    }
  },
  byob: readByob,
  iterate: async ({ say, chunk }, res) => {
    let seen = digest("");
    let count = 0;
    for await (const value of res.body) {
      seen = digest(value, seen);
      say(`item ${count++} ${value.length} ${seen}`);
      chunk(count);
    }
    return seen;
  },
  iterate_break: async ({ say }, res) => {
    for await (const value of res.body) {
      say(`only ${value.length}`);
      return digest(value);
    }
    return "none";
  },
  partial_cancel: async (at, res) => {
    const reader = res.body.getReader();
    const seen = await drain(at, reader, { limit: 2 });
    await reader.cancel("enough");
    at.say(`cancelled after a part, then ${JSON.stringify(await reader.read())}`);
    return seen;
  },
  relock: async (at, res) => {
    const first = res.body.getReader();
    const seen = await drain(at, first, { limit: 1 });
    first.releaseLock();
    at.say(`released locked=${res.body.locked} used=${res.bodyUsed}`);
    return await drain(at, res.body.getReader(), { seen });
  },
  pipe: async ({ say, chunk }, res) => {
    let text = "";
    let count = 0;
    for await (const piece of res.body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      say(`piece ${count++} ${piece.length}`);
      chunk(count);
    }
    return digest(text);
  },
  events: (at, res) => readEvents(at, res, Infinity),
  events_return: (at, res) => readEvents(at, res, 2),
  tee: async (at, res) => {
    const [left, right] = res.body.tee();
    const both = await Promise.all([
      drain(at, left.getReader(), { label: "left" }),
      drain(at, right.getReader(), { label: "right" }),
    ]);
    return both.join("=");
  },
  tee_cancel: async (at, res) => {
    const [left, right] = res.body.tee();
    // Not awaited: it settles only when the other half has ended too.
    left.cancel("not wanted").then(
      () => at.say("left cancelled"),
      (error) => at.say(`left ${describe(error)}`),
    );
    return await drain(at, right.getReader(), { label: "right" });
  },
  tee_lopsided: async (at, res) => {
    const [left, right] = res.body.tee();
    const both = await Promise.all([
      drain(at, left.getReader(), { label: "left" }),
      drain(at, right.getReader(), { label: "right", ms: 3 }),
    ]);
    return both.join("=");
  },
  clone: async (at, res) => {
    const copy = res.clone();
    const [text, seen] = await Promise.all([
      res.text(),
      drain(at, copy.body.getReader(), { label: "copy" }),
    ]);
    return `${digest(text)}=${seen}`;
  },
  clone_unread: async (_, res) => {
    const copy = res.clone();
    return `${digest(await res.text())} ${copy.bodyUsed}`;
  },
  cancel: async ({ say }, res) => {
    await res.body.cancel("not wanted");
    say(`cancelled used=${res.bodyUsed}`);
    return "none";
  },
  unread: async () => "unread",
};

/** Names of the ways that are implemented. */
export const READ = Object.keys(READERS);

/** Reads `res` in the way `how`. @param {Reading} at @param {Response} res @param {string} how */
export async function readBody(at, res, how) {
  // Answers without a body have no stream to play with.
  const way = res.body ? how : "text";
  const seen = await READERS[way](at, res);
  at.say(`read ${way}${res.body ? "" : " (no body)"} ${seen}`);
  return seen;
}
