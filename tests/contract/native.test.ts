/**
 * The contract against itself: `main.ts`, run twice on this runtime, natively, observes the same. Without that, a
 * difference between native and replayed would prove nothing. It runs as a program of its own, as it will when it
 * is recorded: a test runner listens to unhandled errors, which some cases are about. The controls show that a
 * difference is seen.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { cases } from "./cases.ts";
import { type CaseResult, type ContractCase, currentRuntime, runCase, select } from "./contract.ts";
import { startOrigin } from "./origin.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

/**
 * Runs the contract as a program. Rejects if it doesn't end by itself, with status 0, within two minutes, or if it
 * writes to stderr and isn't expected to.
 */
function runMain(...args: string[]): Promise<Map<string, CaseResult>> {
  const flags = currentRuntime() === "deno" ? ["run", "-A", "--no-check"] : [];
  const options = { timeout: 120_000, maxBuffer: 64_000_000 };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...flags, main, ...args], options, (error, stdout, stderr) => {
      if (error) return reject(error);
      if (stderr !== "" && !args.includes("noisy")) return reject(new Error(`stderr: ${stderr}`));
      const results = stdout.trim().split("\n").map((line) => JSON.parse(line) as CaseResult);
      resolve(new Map(results.map((result) => [result.name, result])));
    });
  });
}

// Not in a hook: Bun gives hooks five seconds and no way to ask for more.
const origin = await startOrigin();
const other = await startOrigin();
const whole = async (): Promise<Map<string, CaseResult>> => {
  const quiet = await runMain(origin.url, other.url, "!noisy");
  return new Map([...quiet, ...await runMain(origin.url, other.url, "noisy")]);
};
const first = await whole();
const second = await whole();

describe("the contract, run natively", () => {
  after(async () => {
    await Promise.all([origin.close(), other.close()]);
  });

  const run = (one: ContractCase): Promise<CaseResult> => runCase(one, origin.url, other.url);

  test("names are unique, and each case printed its line", () => {
    const names = cases.map(({ name }) => name);
    assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
    assert.deepEqual([...first.keys()].toSorted(), select(cases).map(({ name }) => name).toSorted());
  });

  for (const { name } of select(cases)) {
    test(name, () => {
      const [one, two] = [first.get(name)!, second.get(name)!];
      assert.equal(one.threw, undefined, `the case itself failed: ${JSON.stringify(one.threw)}`);
      assert.deepEqual(two.observation, one.observation);
      assert.deepEqual(two.threw, one.threw);
    });
  }

  test("control: another answer is told apart", async () => {
    let turn = 0;
    const changing: ContractCase = {
      name: "control: changing",
      run: async ({ url }) => await (await fetch(`${url}/text?body=${turn++}`)).text(),
    };
    assert.notDeepEqual((await run(changing)).observation, (await run(changing)).observation);
  });

  test("control: an origin in another state is told apart", async () => {
    // One request more, and the origin's turn of 429, 529, 200 is at another place.
    await (await fetch(`${origin.url}/flaky?key=retry`)).text();
    const name = "at once: retries after 429 and 529";
    const shifted = await runMain(origin.url, other.url, name);
    assert.notDeepEqual(shifted.get(name)!.observation, first.get(name)!.observation);
  });

  test("control: a fetch that is buffered and wrapped is told apart", async () => {
    const native = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const response = await native(input, init);
      const { status, statusText, headers } = response;
      return new Response(await response.arrayBuffer(), { status, statusText, headers });
    };
    try {
      for (
        const name of [
          "response: JSON",
          "redirect 302: of a GET",
          "live stream: server-sent events arrive long before the last",
          "abort: after the body was read",
          "identity of functions: globalThis",
        ]
      ) {
        const sloppy = await run(cases.find((one) => one.name === name)!);
        const [seen, native] = [sloppy.observation, first.get(name)!.observation];
        // The control of the control: a wrapper keeps what is read after an abort.
        if (name.startsWith("abort")) assert.deepEqual(seen, native);
        else assert.notDeepEqual(seen, native, name);
      }
    } finally {
      globalThis.fetch = native;
    }
  });

  test("control: a case that fails is no pass", async () => {
    const failing: ContractCase = {
      name: "control: failing",
      run: () => Promise.reject(new RangeError("broken")),
    };
    const { threw, observation } = await run(failing);
    assert.equal(observation, undefined);
    assert.equal((threw as { message: string }).message, "broken");
  });

  test("ports are told by name and nothing is dropped on the way to JSON", async () => {
    const values: ContractCase = {
      name: "control: values",
      run: ({ url, other }) => Promise.resolve([url, other, undefined, NaN, 2n, -0]),
    };
    const { observation } = await run(values);
    const ports = ["http://127.0.0.1:PORT", "http://127.0.0.1:OTHER"];
    assert.deepEqual(observation, [...ports, "(undefined)", "(number NaN)", "2n", "(number -0)"]);
  });
});
