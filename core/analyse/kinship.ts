/** How two runs are related, and the proof of it: the links that their chains have in common, recomputed. */

import { sameBytes } from "../base/bytes.ts";
import { toHex } from "../base/hex.ts";
import { TYPE } from "../tape/events.ts";
import { chainHeader } from "../tape/format.ts";
import type { Core } from "../../wasm/core.ts";

/** What a run says of where it comes from. */
export interface Lineage {
  readonly id: string;
  readonly parent: string | undefined;
  readonly forkStep: number | undefined;
}

/** A stored event with its link. */
export interface LinkedRow {
  readonly lane: number;
  readonly type: number;
  readonly body: Uint8Array;
  readonly link: Uint8Array;
}

/** See the head of this file. */
export interface Kinship {
  /** What b is to a. `siblings` have an ancestor in common. */
  readonly relation: "same" | "branch" | "parent" | "siblings" | "none";
  /** The step up to which they have to be equal; undefined where they are not related, or the same. */
  readonly forkStep: number | undefined;
  /** Events of the first process that both have, from the start on, with the same links. */
  readonly events: number;
  /** The last link that they share, in hex; undefined where they share no event. */
  readonly link: string | undefined;
  /** Exchanges whose requests are among what they share, in all processes. */
  readonly steps: number;
  /** True where what they share reaches up to the request of the fork step; undefined where they are not related. */
  readonly proven: boolean | undefined;
}

/** A run with its ancestors, nearest first, each with the least step at which the way to it was forked. */
function ancestry(run: Lineage, known: ReadonlyMap<string, Lineage>): Map<string, number> {
  const found = new Map<string, number>([[run.id, Infinity]]);
  let step = Infinity;
  for (let at: Lineage | undefined = run; at?.parent !== undefined && !found.has(at.parent);) {
    step = Math.min(step, at.forkStep ?? 0);
    found.set(at.parent, step);
    at = known.get(at.parent);
  }
  return found;
}

function relate(
  a: Lineage,
  b: Lineage,
  known: ReadonlyMap<string, Lineage>,
): Pick<Kinship, "relation" | "forkStep"> {
  if (a.id === b.id) return { relation: "same", forkStep: undefined };
  const [ofA, ofB] = [ancestry(a, known), ancestry(b, known)];
  const shared = [...ofA.keys()].find((id) => ofB.has(id));
  if (shared === undefined) return { relation: "none", forkStep: undefined };
  const relation = shared === a.id ? "branch" : shared === b.id ? "parent" : "siblings";
  return { relation, forkStep: Math.min(ofA.get(shared)!, ofB.get(shared)!) };
}

/** How far one process of both has the same events, and the links that these come to. */
function sharedChain(core: Core, a: readonly LinkedRow[], b: readonly LinkedRow[], lane: number) {
  let link = core.sha256(chainHeader(lane));
  let [events, requests] = [0, 0];
  for (; events < Math.min(a.length, b.length); events++) {
    const [x, y] = [a[events]!, b[events]!];
    const next = core.chainNext(link, x.body);
    if (!sameBytes(next, x.link) || !sameBytes(next, y.link) || !sameBytes(x.body, y.body)) break;
    link = next;
    if (x.type === TYPE.request) requests++;
  }
  return { events, requests, link: events === 0 ? undefined : toHex(link) };
}

/** `known` are all runs that may be ancestors. Rows are in order, lane by lane. */
export function kinshipOf(
  core: Core,
  a: Lineage & { readonly rows: readonly LinkedRow[] },
  b: Lineage & { readonly rows: readonly LinkedRow[] },
  known: readonly Lineage[],
): Kinship {
  const { relation, forkStep } = relate(a, b, new Map(known.map((each) => [each.id, each])));
  const lanes = [...new Set(a.rows.map(({ lane }) => lane))];
  const of = (rows: readonly LinkedRow[], lane: number) => rows.filter((row) => row.lane === lane);
  const chains = lanes.map((lane) => ({
    lane,
    ...sharedChain(core, of(a.rows, lane), of(b.rows, lane), lane),
  }));
  let [first, proven] = [0, false];
  for (const { lane, requests } of chains) {
    const count = of(a.rows, lane).filter(({ type }) => type === TYPE.request).length;
    if (forkStep !== undefined && forkStep >= first && forkStep < first + count) {
      proven = forkStep - first < requests;
    }
    first += count;
  }
  const { events, link } = chains.find(({ lane }) => lane === 0) ?? { events: 0, link: undefined };
  return {
    relation,
    forkStep,
    events,
    link,
    steps: chains.reduce((sum, { requests }) => sum + requests, 0),
    proven: forkStep === undefined ? undefined : proven,
  };
}
