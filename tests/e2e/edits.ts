/** Edits that anybody could make to a tape with plain SQL, and what `verify` must call each of them. */
import assert from "node:assert/strict";
import { alterTape, bodyOf, edited, eventsOfType, replaceBody, replaceEvent } from "../helpers/tape.ts";

const sql = (text: string) => (path: string): void => alterTape(path, (db) => db.exec(text));
const draws = (path: string) => eventsOfType(path, "draws")[0]!;
const head = (path: string) => eventsOfType(path, "head")[0]!;
export const request = (path: string) => eventsOfType(path, "request")[0]!;
export const chunk = (path: string) => eventsOfType(path, "chunk")[0]!;

/** An edit, and what `verify` calls it: the flaw's kind, and the event where there is one. */
export type Edit = readonly [
  name: string,
  edit: (path: string) => void,
  what: string,
  seq: (path: string) => number | null,
];

/** For what is no event. */
const nowhere = () => null;

export const EDITS: readonly Edit[] = [
  [
    "a response's body under its old digest",
    (path) => {
      const { digest } = chunk(path).event.body;
      replaceBody(path, digest, edited(bodyOf(path, digest), '"end_turn"', '"max_tokens"'));
    },
    "body",
    (path) => chunk(path).seq,
  ],
  [
    "a request's body under its old digest",
    (path) => {
      const { digest } = request(path).event.body as { digest: Uint8Array };
      replaceBody(path, digest, edited(bodyOf(path, digest), "order", "ORDER"));
    },
    "body",
    (path) => request(path).seq,
  ],
  [
    "a response's header",
    (path) => {
      const { event } = head(path);
      const headers = event.headers.map(([name, value]) =>
        [name, name === "request-id" ? "req_forged" : value] as const
      );
      assert.notDeepEqual(headers, event.headers);
      replaceEvent(path, head(path), { ...event, headers });
    },
    "link",
    (path) => head(path).seq,
  ],
  [
    "a status",
    (path) => replaceEvent(path, head(path), { ...head(path).event, status: 201 }),
    "link",
    (path) => head(path).seq,
  ],
  [
    "a draw",
    (path) => {
      const { event } = draws(path);
      const data = event.data.slice();
      data[data.length - 1]! ^= 1;
      replaceEvent(path, draws(path), { ...event, data });
    },
    "link",
    (path) => draws(path).seq,
  ],
  [
    "a URL",
    (path) => {
      const { event } = request(path);
      replaceEvent(path, request(path), { ...event, url: event.url.replace("messages", "massages") });
    },
    "link",
    (path) => request(path).seq,
  ],
  [
    "an event's type column",
    sql("UPDATE events SET type = 6 WHERE type = 5"),
    "event",
    (path) => chunk(path).seq,
  ],
  [
    "an event deleted",
    sql("DELETE FROM events WHERE type = 3 OR type = 4"),
    "order",
    (path) => chunk(path).seq,
  ],
  ["the last event deleted", sql("DELETE FROM events WHERE type = 11"), "closing", nowhere],
  [
    "two events swapped",
    (path) => {
      const [a, b] = [request(path).seq, head(path).seq];
      sql(`UPDATE events SET seq = -1 WHERE seq = ${a}; UPDATE events SET seq = ${a} WHERE seq = ${b};
         UPDATE events SET seq = ${b} WHERE seq = -1`)(path);
    },
    "link",
    (path) => request(path).seq,
  ],
  [
    "a line of output",
    sql("UPDATE output SET data = CAST('200 forged\n' AS BLOB) WHERE stream = 1"),
    "output",
    nowhere,
  ],
  ["output deleted", sql("DELETE FROM output"), "output", nowhere],
  ["an event's time", sql("UPDATE events SET at = at + 1 WHERE type = 4"), "seal", nowhere],
  ["the run's start", sql("UPDATE runs SET created = created - 86400000000"), "seal", nowhere],
  ["the exit code", sql("UPDATE runs SET exit_code = 1"), "closing", nowhere],
  ["the fingerprint", sql("UPDATE runs SET fingerprint = zeroblob(32)"), "closing", nowhere],
  ["the seal", sql("UPDATE runs SET seal = NULL"), "seal", nowhere],
  [
    "the recorded command",
    sql("UPDATE runs SET about = replace(about, 'marks.mjs', 'other.mjs')"),
    "seal",
    nowhere,
  ],
  [
    "a variable that the agent read",
    sql("UPDATE environment SET value = 'http://127.0.0.1:1'"),
    "seal",
    nowhere,
  ],
  ["the runtime that recorded", sql("UPDATE lanes SET runtime = 'node 1.0.0'"), "seal", nowhere],
  ["when a line was written", sql("UPDATE output SET at = at + 1"), "seal", nowhere],
  ["the run's state", sql("UPDATE runs SET state = 'recovered'"), "seal", nowhere],
  [
    "where it was forked from",
    sql("UPDATE runs SET parent = '0123456789ab', fork_step = 1"),
    "seal",
    nowhere,
  ],
  ["a body deleted", sql("DELETE FROM blobs"), "body", (path) => request(path).seq],
];
