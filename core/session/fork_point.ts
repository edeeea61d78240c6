/**
 * Where a run is forked: in the lane of the step at the place where its answer's head was handed out, and in every
 * other lane at the first event that came later. Up to there a fork replays, and checks; from there it records.
 */

import { decodeEvent, isDelivery, TYPE } from "../tape/events.ts";

/** An event's row, as far as it is looked at here. */
export interface PlacedRow {
  readonly lane: number;
  readonly seq: number;
  readonly type: number;
  /** Microseconds since the run began. */
  readonly at: number;
  readonly body: Uint8Array;
}

/** A step's place. */
export interface StepPlace {
  readonly step: number;
  readonly lane: number;
  readonly op: number;
  /** Number in its lane of the first event that is not replayed. */
  readonly seq: number;
  /** Recorded time of that event (at a run's end: of the one before), microseconds since the run began. */
  readonly at: number;
}

function opOf(row: PlacedRow): number | undefined {
  const event = decodeEvent(row.body);
  return "op" in event ? event.op : undefined;
}

/** The place of step `step` of a run, whose rows stand by lane and number; undefined where it has no such step. */
export function placeOfStep(rows: readonly PlacedRow[], step: number): StepPlace | undefined {
  const asked = rows.filter(({ type }) => type === TYPE.request)[step];
  if (asked === undefined) return undefined;
  const { lane } = asked;
  const op = opOf(asked)!;
  const later = rows.filter((row) => row.lane === lane && row.seq > asked.seq && row.type !== TYPE.exit);
  const own = later.filter((row) => opOf(row) === op);
  const sent = own.find(({ type }) => type === TYPE.sent);
  const answer = own.find(({ type }) => type === TYPE.head || type === TYPE.fail);
  // Never answered: then where the next thing was handed out, before which the program was idle.
  const next = later.find((row) => row.seq > (sent?.seq ?? asked.seq) && isDelivery(decodeEvent(row.body)));
  const seq = answer?.seq ?? next?.seq ?? (later.at(-1)?.seq ?? asked.seq) + 1;
  const before = rows.findLast((row) => row.lane === lane && row.seq < seq)!;
  const place = rows.find((row) => row.lane === lane && row.seq === seq);
  return { step, lane, op, seq, at: place !== undefined && place.type !== TYPE.exit ? place.at : before.at };
}

/** Of several steps the one whose answer came first. */
export function firstPlace(places: readonly StepPlace[]): StepPlace {
  const [first, ...others] = places;
  return others.reduce(
    (best, each) =>
      each.lane === best.lane ? each.seq < best.seq ? each : best : each.at < best.at ? each : best,
    first!,
  );
}

/** For each lane the number of the first event that is not replayed, when a run is forked at `place`. */
export function stopsOf(rows: readonly PlacedRow[], place: StepPlace): Record<number, number> {
  const stops: Record<number, number> = {};
  for (const row of rows) {
    if (row.lane === place.lane || row.type === TYPE.exit) continue;
    if (row.at <= place.at) stops[row.lane] = row.seq + 1;
    else stops[row.lane] ??= row.seq;
  }
  stops[place.lane] = place.seq;
  return stops;
}
