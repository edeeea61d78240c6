/** The clock in every form. Values go to `measured`; observations say how the forms agree. */
import { performance as nodePerformance } from "node:perf_hooks";
import process from "node:process";
import * as util from "node:util";
import type { CaseEnv, ContractCase } from "./contract.ts";
import { loose, outcomes } from "./cases_help.ts";
import { className, describeError, describeFunction, failure, outcome, tag } from "./observe.ts";

const MINUTE = 60_000;
const near = (a: number, b: number): boolean => Math.abs(a - b) < MINUTE;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const LooseDate = Date as unknown as { (...args: unknown[]): string; new (...args: unknown[]): Date };

interface TemporalLike {
  Now: Record<string, (...args: unknown[]) => { epochMilliseconds?: number; toString(): string }>;
  Instant: { from(text: string): { epochMilliseconds: number } };
}

const runs: Readonly<Record<string, (env: CaseEnv) => Promise<unknown>>> = {
  "Date.now": async ({ measured }) => {
    const values = [Date.now(), Date.now(), Date.now()];
    measured["values"] = values;
    return [values.every(Number.isInteger), values[0]! <= values[2]!, values[0]! > 1.6e12];
  },
  "new Date": async ({ measured }) => {
    const before = Date.now();
    const [date, time] = [new Date(), new Date().getTime()];
    measured["values"] = [before, date.getTime(), time, date.toString(), date.toLocaleTimeString()];
    return [near(before, +date), className(date), tag(date), date instanceof Date, date.constructor === Date];
  },
  "Date without new": async ({ measured }) => {
    const text = Date();
    measured["text"] = text;
    // The arguments are ignored without `new`.
    const withArguments = LooseDate(2020, 1, 1);
    measured["withArguments"] = withArguments;
    return [typeof text, near(Date.parse(text), Date.now()), near(Date.parse(withArguments), Date.now())];
  },
  "Date with arguments": async () => [
    new Date(0).toISOString(),
    new Date("2020-02-03T04:05:06.007Z").getTime(),
    new Date(2020, 1, 3).getMonth(),
    new Date(new Date(5)).getTime(),
    String(new LooseDate(undefined).getTime()),
    new LooseDate(null).getTime(),
    Date.UTC(2020, 0),
    Date.parse("2020-01-01"),
    Date.length,
    Date.name,
    await outcome(() => new LooseDate("no date").toISOString()),
  ],
  "a subclass of Date": async ({ measured }) => {
    class Mine extends Date {
      twice(): number {
        return this.getTime() * 2;
      }
    }
    const [now, fixed] = [new Mine(), new Mine(21)];
    measured["now"] = now.getTime();
    return [
      near(now.getTime(), Date.now()),
      fixed.twice(),
      now instanceof Mine,
      now instanceof Date,
      className(now),
      Object.getPrototypeOf(Mine) === Date,
      near(Mine.now(), Date.now()),
    ];
  },
  "Reflect.construct": async ({ measured }) => {
    class Other {}
    const date = Reflect.construct(Date, [], Other);
    const time = Date.prototype.getTime.call(date);
    measured["time"] = time;
    const bound = new (Date.bind(null) as unknown as new () => Date)();
    return [near(time, Date.now()), date instanceof Other, date instanceof Date, near(+bound, Date.now())];
  },
  "copies of a Date": async () => {
    const date = new Date(12345);
    const copy = structuredClone(date);
    return [
      +copy,
      copy instanceof Date,
      copy.constructor === Date,
      util.types.isDate(date),
      util.inspect(date),
    ];
  },
  "Date.prototype": async () => [
    Date.prototype.constructor === Date,
    describeFunction(Date),
    Object.getOwnPropertyNames(Date).sort(),
    typeof Date.prototype[Symbol.toPrimitive],
    await outcome(() => Date.prototype.getTime.call({} as Date)),
    Date[Symbol.hasInstance] === Function.prototype[Symbol.hasInstance],
    util.inspect(Date),
  ],
  "Date.now moved elsewhere": async () => {
    const { now } = Date;
    const original = Date.now;
    Date.now = () => 42;
    const faked = [Date.now(), new Date().getTime() === 42];
    Date.now = original;
    return { faked, free: near(now(), Date.now()), restored: Date.now === original };
  },
  "the clock goes on over a timer": async ({ measured }) => {
    const [date, perf] = [Date.now(), performance.now()];
    await sleep(20);
    measured["spans"] = [Date.now() - date, performance.now() - perf];
    return [Date.now() - date >= 15, performance.now() - perf >= 15];
  },
  "performance.now": async ({ measured }) => {
    const values = [performance.now(), performance.now(), nodePerformance.now()];
    measured["values"] = values;
    return {
      ordered: values[0]! <= values[1]!,
      kind: typeof values[0],
      origin: near(performance.timeOrigin + values[0]!, Date.now()),
      free: await outcome(() => typeof (performance.now as (this: unknown) => number).call(undefined)),
      wrong: await outcome(() => typeof performance.now.call({} as Performance)),
      prototype: performance instanceof Performance,
    };
  },
  "process.hrtime": async ({ measured }) => {
    const start = process.hrtime();
    const big = process.hrtime.bigint();
    const span = process.hrtime(start);
    measured["values"] = [start, big, span];
    const hrtime = process.hrtime as unknown as (previous: unknown) => unknown;
    return {
      shape: [start.length, typeof start[0], typeof start[1], span[0], typeof big],
      agree: Math.abs(Number(big) / 1e9 - start[0]) < 60,
      errors: await outcomes({ text: () => hrtime("x"), short: () => hrtime([1]) }),
    };
  },
  "Intl.DateTimeFormat": async ({ measured }) => {
    const options = { dateStyle: "short", timeStyle: "medium", timeZone: "UTC" } as const;
    const format = new Intl.DateTimeFormat("en-US", options);
    const text = format.format();
    measured["text"] = text;
    const { format: free } = format;
    const parts = format.formatToParts().map(({ type }) => type);
    return {
      // Around midnight and at the turn of a minute the text may be the next; so it is parsed, not compared.
      now: near(Date.parse(`${text} UTC`), Date.now()),
      free: near(Date.parse(`${free()} UTC`), Date.now()),
      undefined: near(Date.parse(`${format.format(undefined)} UTC`), Date.now()),
      fixed: format.format(0),
      parts: parts.length,
      class: [format instanceof Intl.DateTimeFormat, tag(format), describeFunction(Intl.DateTimeFormat)],
      call: Intl.DateTimeFormat("en-US", options).format(0),
      locale: near(Date.parse(`${new Date().toLocaleString("en-US", { timeZone: "UTC" })} UTC`), Date.now()),
    };
  },
  "Temporal.Now": async ({ measured }) => {
    const temporal = loose(globalThis)["Temporal"] as TemporalLike | undefined;
    if (temporal === undefined) return "no Temporal";
    const now = temporal.Now["instant"]!().epochMilliseconds!;
    const zoned = temporal.Now["zonedDateTimeISO"]!("UTC").epochMilliseconds!;
    const plain = Date.parse(`${temporal.Now["plainDateTimeISO"]!("UTC").toString().slice(0, 19)}Z`);
    measured["values"] = [now, zoned, plain, temporal.Now["plainDateISO"]!("UTC").toString()];
    return {
      near: [now, zoned, plain].map((value) => near(value, Date.now())),
      names: Reflect.ownKeys(temporal.Now).map(String).sort(),
      functions: ["instant", "zonedDateTimeISO", "timeZoneId"].map((key) =>
        describeFunction(temporal.Now[key])
      ),
      bad: describeError(await failure(() => temporal.Now["zonedDateTimeISO"]!("No/Where"))),
    };
  },
  "a file's last change": async () => near(new File([], "x").lastModified, Date.now()),
};

export const clockCases: readonly ContractCase[] = Object.entries(runs).map(([name, run]) => ({
  name: `clock: ${name}`,
  run,
}));
