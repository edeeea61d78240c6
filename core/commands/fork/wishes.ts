/** From the flags of `fork` to what is to be changed at which step. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf, TraceforkError } from "../../base/errors.ts";
import type { ChangeWish } from "../../engine/fork_change.ts";

type Loose = { -readonly [K in keyof ChangeWish]: ChangeWish[K] };

function usage(message: string, hint?: string): TraceforkError {
  return new TraceforkError("TF_USAGE", message, hint === undefined ? {} : { hint });
}

function splitAt(flag: string, value: string): [name: string, value: string] {
  const at = value.indexOf("=");
  if (at > 0) return [value.slice(0, at), value.slice(at + 1)];
  throw usage(
    `Cannot read --${flag} ${JSON.stringify(value)}: it has no =`,
    `for example: --${flag} ${flag === "edit" ? "'content[0].text=\"no\"'" : "retry-after=2"}`,
  );
}

function stepOf(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw usage(`Cannot fork at step ${JSON.stringify(value)}: it is no number`, "steps are counted from 0");
}

function readResponse(cwd: string, value: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(resolve(cwd, value)));
  } catch (error) {
    throw usage(`Cannot read the response ${value}: ${messageOf(error)}`, "name a file that is there");
  }
}

function apply(wish: Loose, flag: string, value: string, cwd: string): void {
  switch (flag) {
    case "response":
      wish.response = readResponse(cwd, value);
      break;
    case "text":
      wish.text = value;
      break;
    case "edit": {
      const [path, json] = splitAt(flag, value);
      try {
        wish.edits = [...wish.edits, [path, JSON.parse(json)]];
      } catch {
        throw usage(
          `Cannot read --edit ${JSON.stringify(value)}: what follows = is no JSON`,
          "a text stands in quotes: '\"…\"'",
        );
      }
      break;
    }
    case "status":
      if (!/^[2-5]\d\d$/.test(value)) {
        throw usage(`Cannot serve status ${JSON.stringify(value)}: it is none from 200 to 599`);
      }
      wish.status = Number(value);
      break;
    case "header":
      wish.headers = [...wish.headers, splitAt(flag, value)];
      break;
    case "error":
      if (value !== "reset" && value !== "timeout") {
        throw usage(`Cannot serve error ${JSON.stringify(value)}: only reset and timeout are known`);
      }
      wish.error = value;
      break;
  }
}

/** Groups the flags by step: those before the first `--at` belong to `step`. @throws TraceforkError TF_USAGE. */
export function readWishes(
  step: number | undefined,
  ordered: readonly (readonly [name: string, value: string])[],
  cwd: string,
): ChangeWish[] {
  const wishes = new Map<number, Loose>();
  const wishFor = (at: number) => {
    const wish = wishes.get(at) ?? { step: at, edits: [], headers: [] };
    wishes.set(at, wish);
    return wish;
  };
  let current = step === undefined ? undefined : wishFor(step);
  for (const [flag, value] of ordered) {
    if (flag === "at") current = wishFor(stepOf(value));
    else if (current === undefined) {
      throw usage(
        `Cannot change anything with --${flag}: no step was named before it`,
        "fork TAPE:STEP, or --at STEP",
      );
    } else apply(current, flag, value, cwd);
  }
  if (wishes.size === 0) {
    throw usage(
      "Cannot fork: no step was named",
      "for example: tracefork fork latest:3 --text 'no seats left'",
    );
  }
  for (const { step, error, ...wish } of wishes.values()) {
    const more = wish.response ?? wish.text ?? wish.status ?? wish.edits[0] ?? wish.headers[0];
    if (error !== undefined && more !== undefined) {
      throw usage(`Cannot serve an error and an answer at step ${step}`, "give --error alone");
    }
  }
  return [...wishes.values()];
}
