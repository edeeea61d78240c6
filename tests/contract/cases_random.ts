/** Random and ids: shapes, argument errors, sync and callback forms. Values go to `measured`. */
import {
  getRandomValues as nodeGetRandomValues,
  randomBytes,
  randomFill,
  randomFillSync,
  randomInt,
  randomUUID,
  webcrypto,
} from "node:crypto";
import * as nodeCrypto from "node:crypto";
import { promisify } from "node:util";
import type { CaseEnv, ContractCase } from "./contract.ts";
import { loose, outcomes } from "./cases_help.ts";
import { className, hex, outcome } from "./observe.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Without the types: wrong arguments are what these cases are about. */
type Call = (...args: unknown[]) => unknown;
const call = (fn: unknown): Call => fn as Call;

/** The arguments of a callback, and whether it came in a later turn. */
function calledBack(
  run: (callback: (...args: unknown[]) => void) => unknown,
): Promise<{ args: unknown[]; later: boolean }> {
  return new Promise((resolve, reject) => {
    let later = false;
    try {
      run((...args) => resolve({ args, later }));
    } catch (error) {
      reject(error);
    }
    later = true;
  });
}

const runs: Readonly<Record<string, (env: CaseEnv) => Promise<unknown>>> = {
  "Math.random": async ({ measured }) => {
    const values = Array.from({ length: 5 }, () => Math.random());
    measured["values"] = values;
    const { random } = Math;
    return [values.every((one) => one >= 0 && one < 1), new Set(values).size, typeof random()];
  },
  "randomUUID, all ways": async ({ measured }) => {
    const values = [crypto.randomUUID(), randomUUID(), webcrypto.randomUUID(), nodeCrypto.randomUUID()];
    const options = [randomUUID({ disableEntropyCache: true })];
    measured["values"] = [...values, ...options];
    return {
      shape: [...values, ...options].every((one) => UUID.test(one)),
      distinct: new Set(values).size,
      bad: await outcomes({
        "node, number": () => typeof call(randomUUID)(1),
        "node, option": () => typeof call(randomUUID)({ disableEntropyCache: "x" }),
        "web, number": () => typeof call(crypto.randomUUID).call(crypto, 1),
        free: () => typeof call(crypto.randomUUID)(),
        wrong: () => typeof call(crypto.randomUUID).call({}),
      }),
    };
  },
  "getRandomValues fills what it is given": async ({ measured }) => {
    const arrays = [
      new Uint8Array(8),
      new Int16Array(2),
      new Uint32Array(1),
      new BigUint64Array(1),
      new Uint8ClampedArray(3),
    ];
    const same = arrays.map((array) => crypto.getRandomValues(array) === array);
    const part = new Uint8Array(8);
    crypto.getRandomValues(part.subarray(2, 6));
    const node = nodeGetRandomValues(new Uint8Array(4));
    measured["values"] = [
      ...arrays.map((array) => hex(new Uint8Array(array.buffer))),
      hex(part),
      hex(node as Uint8Array),
    ];
    const empty = crypto.getRandomValues(new Uint8Array(0)).length;
    return { same, edges: [part[0], part[1], part[6], part[7]], empty };
  },
  "getRandomValues refuses": () =>
    outcomes({
      quota: () => crypto.getRandomValues(new Uint8Array(65_537)).length,
      most: () => crypto.getRandomValues(new Uint8Array(65_536)).length,
      float: () => className(call(crypto.getRandomValues).call(crypto, new Float32Array(1))),
      view: () => className(call(crypto.getRandomValues).call(crypto, new DataView(new ArrayBuffer(1)))),
      array: () => call(crypto.getRandomValues).call(crypto, [1, 2]),
      none: () => call(crypto.getRandomValues).call(crypto),
      free: () => (call(crypto.getRandomValues)(new Uint8Array(1)) as Uint8Array).length,
      node: () => (nodeGetRandomValues(new Uint8Array(65_537)) as Uint8Array).length,
    }),
  "randomBytes": async ({ measured }) => {
    const sync = randomBytes(8);
    const back = await calledBack((callback) => randomBytes(8, callback));
    const promised = await (promisify(randomBytes) as (size: number) => Promise<Uint8Array>)(4);
    measured["values"] = [sync.toString("hex"), hex(back.args[1] as Uint8Array), hex(promised)];
    return {
      class: [className(sync), className(back.args[1]), className(promised)],
      length: [sync.length, (back.args[1] as Uint8Array).length, promised.length, randomBytes(0).length],
      error: back.args[0],
      later: back.later,
      returned: typeof randomBytes(1, () => {}),
    };
  },
  "randomBytes refuses": () =>
    outcomes({
      negative: () => randomBytes(-1),
      fraction: () => (call(randomBytes)(1.5) as Uint8Array).length,
      huge: () => randomBytes(2 ** 40),
      text: () => call(randomBytes)("8"),
      none: () => call(randomBytes)(),
      callback: () => call(randomBytes)(8, "no function"),
      "negative with callback": () => call(randomBytes)(-1, () => {}),
    }),
  "randomInt": async ({ measured }) => {
    const sync = [randomInt(10), randomInt(5, 8), randomInt(-3, 0), randomInt(0, 2 ** 47)];
    const back = await calledBack((callback) => randomInt(100, callback));
    const range = await calledBack((callback) => randomInt(50, 60, callback));
    measured["values"] = [sync, back.args[1], range.args[1]];
    return {
      inside: [sync[0]! < 10, sync[1]! >= 5 && sync[1]! < 8, sync[2]! < 0, Number.isInteger(sync[3])],
      back: [back.args.length, back.args[0], typeof back.args[1], back.later, range.later],
      one: randomInt(7, 8),
      returned: typeof call(randomInt)(5, () => {}),
    };
  },
  "randomInt refuses": () =>
    outcomes({
      zero: () => randomInt(0),
      order: () => randomInt(5, 5),
      reversed: () => randomInt(9, 5),
      fraction: () => randomInt(1.5),
      unsafe: () => randomInt(2 ** 53),
      wide: () => randomInt(0, 2 ** 48 + 1),
      text: () => call(randomInt)("9"),
      none: () => call(randomInt)(),
      min: () => call(randomInt)("1", 9),
      callback: () => call(randomInt)(1, 9, "no function"),
    }),
  "randomFillSync": async ({ measured }) => {
    const buffers = [new Uint8Array(8), new Uint8Array(8), new Uint8Array(8)];
    const same = [
      randomFillSync(buffers[0]!) === buffers[0],
      randomFillSync(buffers[1]!, 4) === buffers[1],
      randomFillSync(buffers[2]!, 2, 3) === buffers[2],
    ];
    const whole = call(randomFillSync)(new ArrayBuffer(6)) as ArrayBuffer;
    const words = randomFillSync(new Uint32Array(2), 1, 1);
    measured["values"] = [...buffers.map(hex), hex(new Uint8Array(whole)), [...words]];
    const [, from, part] = buffers;
    return {
      same,
      zeros: [[...from!.slice(0, 4)], [...part!.slice(0, 2)], [...part!.slice(5)]],
      word: words[0],
      whole: className(whole),
    };
  },
  "randomFill": async ({ measured }) => {
    const buffer = new Uint8Array(8);
    const back = await calledBack((callback) => randomFill(buffer, 2, 4, callback as () => void));
    measured["value"] = hex(buffer);
    return {
      same: back.args[1] === buffer,
      error: back.args[0],
      later: back.later,
      edges: [buffer[0], buffer[7]],
    };
  },
  "randomFill refuses": () =>
    outcomes({
      offset: () => randomFillSync(new Uint8Array(4), 5),
      size: () => randomFillSync(new Uint8Array(4), 0, 5),
      negative: () => randomFillSync(new Uint8Array(4), -1),
      array: () => className(call(randomFillSync)([1])),
      none: () => call(randomFill)(new Uint8Array(1)),
    }),
  "web crypto object": async () => ({
    class: className(crypto),
    own: Reflect.ownKeys(crypto).map(String),
    same: webcrypto as unknown === crypto,
    names: Object.getOwnPropertyNames(Object.getPrototypeOf(crypto)).sort(),
    call: await outcome(() => (loose(globalThis)["Crypto"] as Call)()),
    digest: hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("x")))).slice(
      0,
      16,
    ),
  }),
};

export const randomCases: readonly ContractCase[] = Object.entries(runs).map(([name, run]) => ({
  name: `random: ${name}`,
  run,
}));
