/** Forks in tests: through the command line or in this process, and what a branch must hold to by its file alone. */
import assert from "node:assert/strict";
import process from "node:process";
import type { ChangeWish } from "../../core/engine/fork_change.ts";
import { type Forked, forkRun } from "../../core/engine/fork_run.ts";
import { replayRun } from "../../core/engine/replay_run.ts";
import { findRun } from "../../core/store/find.ts";
import { answer, type Box } from "./box.ts";
import { type Ran, told } from "./process.ts";
import { rowsOf, sha256 } from "./tape.ts";

/** What `fork --json` says. */
export interface ForkAnswer {
  readonly schema: string;
  readonly branch: string | null;
  readonly parent: string;
  readonly step: number;
  readonly file: string;
  readonly tail: string;
  readonly seed: string;
  readonly changes: readonly { readonly step: number; readonly what: string; readonly served: boolean }[];
  readonly prefix: { readonly exchanges: number; readonly draws: number; readonly deliveries: number };
  readonly served_from_tape: number;
  readonly live: readonly { readonly method: string; readonly url: string }[];
  readonly refused: readonly { readonly method: string; readonly url: string }[];
  readonly exit: { readonly code: number | null; readonly signal: string | null } | null;
  readonly fingerprint: string | null;
  readonly divergence: { readonly step: number; readonly kind: string; readonly cause: string } | null;
}

export type ForkedByCli = ForkAnswer & { readonly ran: Ran };

/** Forks with `--json`; the command's output is what `ran.err` begins with. */
export async function fork(
  box: Box,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<ForkedByCli> {
  const ran = await box.tracefork(["fork", ...args], { env });
  return { ran, ...answer<ForkAnswer>(ran) };
}

/** Forks in this process, into the box's store. */
export async function forkHere(
  box: Box,
  tape: string,
  wish: Partial<ChangeWish> & { readonly step: number },
  env: Readonly<Record<string, string | undefined>>,
  more: { readonly tail?: "tape-first" | "live" | "offline" } = {},
): Promise<Forked> {
  const where = { cwd: box.work, env: (name: string) => box.env[name] };
  const found = findRun(tape, where);
  try {
    return await forkRun({
      tape: found,
      wishes: [{ edits: [], headers: [], ...wish }],
      tail: more.tail ?? "tape-first",
      seed: undefined,
      force: false,
      command: [],
      cwd: box.work,
      env: { ...box.env, ...env },
      path: box.store,
      ownFile: false,
      overwrite: false,
      name: undefined,
      capture: true,
      showOutput: undefined,
      closedInput: true,
      stallAfter: 5,
      onStart: () => {},
    });
  } finally {
    found.db.close();
  }
}

/** Replays a run of the box's store in this process, and tells what differed; undefined for nothing. */
export async function differenceOnReplay(box: Box, id: string): Promise<unknown> {
  const tape = findRun(id, { cwd: box.work, env: (name: string) => box.env[name] });
  try {
    const { exact, divergence } = await replayRun({
      tape,
      command: [],
      cwd: box.work,
      env: { PATH: process.env.PATH, ...box.env },
      recordedSpeed: false,
      liveDraws: false,
      stallAfter: 5,
      showOutput: undefined,
    });
    return exact ? undefined : divergence;
  } finally {
    tape.db.close();
  }
}

interface Link {
  readonly lane: number;
  readonly seq: number;
  readonly body: Uint8Array;
  readonly link: Uint8Array;
}

function linksOf(file: string, id: string): Link[] {
  const sql = `SELECT lane, seq, body, link FROM events JOIN runs ON runs.key = events.run
    WHERE runs.id = ? AND type <> 11 ORDER BY lane, seq`;
  return rowsOf(file, sql, id) as unknown as Link[];
}

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");

/**
 * How many events of a lane two runs share from the beginning on, read and recomputed from their files by SQL alone:
 * event by event, link by link. Behind them neither event nor link is shared.
 */
export function sharedPrefix(
  a: readonly [file: string, id: string],
  b: readonly [file: string, id: string],
  lane = 0,
): number {
  const [ours, theirs] = [a, b].map(([file, id]) => linksOf(file, id).filter((each) => each.lane === lane));
  let link = sha256(`tracefork tape 1 lane ${lane}\n`);
  let shared = 0;
  for (const [i, { body, link: stored }] of ours!.entries()) {
    const other = theirs![i];
    if (other === undefined || hex(other.body) !== hex(body)) break;
    link = sha256(link, sha256(body));
    assert.equal(hex(stored), hex(link), `link ${i} of ${a[1]}`);
    assert.equal(hex(other.link), hex(link), `link ${i} of ${b[1]}`);
    shared++;
  }
  const later = new Set(ours!.slice(shared).map((each) => hex(each.link)));
  assert.ok(
    !theirs!.slice(shared).some((each) => later.has(hex(each.link))),
    "links meet again behind the fork",
  );
  return shared;
}

/** Number in its lane of the event that hands out the answer's head (or failure) of a request's op. */
export function headSeq(file: string, id: string, step: number): number {
  const rows = rowsOf(
    file,
    `SELECT seq, type, body FROM events JOIN runs ON runs.key = events.run WHERE runs.id = ? AND lane = 0 ORDER BY seq`,
    id,
  );
  const opOf = (body: Uint8Array) => {
    let [value, shift, at] = [0, 0, 1];
    for (;; at++, shift += 7) {
      value += (body[at]! & 127) * 2 ** shift;
      if (body[at]! < 128) return value;
    }
  };
  const asked = rows.filter(({ type }) => type === 2)[step]!;
  const op = opOf(asked.body as Uint8Array);
  return rows.find(({ type, body }) => (type === 4 || type === 7) && opOf(body as Uint8Array) === op)!
    .seq as number;
}

/** A fork that came to its step, with the command's own end. */
export function assertForked(forked: ForkedByCli, code = 0): string {
  assert.equal(forked.ran.code, code, told(forked.ran));
  assert.equal(forked.divergence, null, told(forked.ran));
  assert.match(forked.branch ?? "", /^[0-9a-f]{12}$/, told(forked.ran));
  return forked.branch!;
}
