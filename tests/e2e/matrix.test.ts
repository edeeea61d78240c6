/**
 * The 13 things that tools of this kind are compared by. Eleven are cases of the fetch contract, which
 * `contract.test.ts` runs natively, recorded and replayed: here it is only held that these cases exist and are not
 * among the known differences. The other two (order of JSON keys, retry header) are an agent's behaviour.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { cases } from "../contract/cases.ts";
import { agent, assertExact, onEachRuntime } from "../helpers/box.ts";
import { KNOWN_DIFFERENCES } from "./known_differences.ts";

const COLUMNS: Readonly<Record<string, string>> = {
  "streaming is not delayed": "live stream: server-sent events arrive long before the last",
  "chunks as they came": "stream: pieces come as they were written",
  "racing requests get their own answers": "at once: four equal requests get four answers, out of order",
  "429": "response: 429 with retry-after",
  "reset before the head": "network error: reset before the head",
  "reset in the body": "body error: reset after 3 pieces",
  "abort after two chunks": "stream: cancel after two pieces closes the connection",
  "binary": "response read by bytes",
  "Response.url": "redirect: a chain of five",
  "no secret at rest": "secrets: sent in headers, URL and cookies",
};

for (const [column, name] of Object.entries(COLUMNS)) {
  test(`${column} is held by a case of the contract on every runtime`, () => {
    assert.ok(cases.some((each) => each.name === name && each.only === undefined), name);
    for (const known of Object.values(KNOWN_DIFFERENCES)) assert.ok(!(name in known), name);
  });
}

/** Answers in random order, and the first calls of `/flaky` with 429. */
async function startUnsteady(): Promise<{ url: string; close(): Promise<void> }> {
  let flaky = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === "/flaky" && flaky++ < 2) response.writeHead(429).end("later");
    else setTimeout(() => response.end("x".repeat(Math.random() * 50)), Math.random() * 15);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

onEachRuntime(
  "JSON keys in the order of arrival and a retry's header come out the same",
  async (box, runtime) => {
    const server = await startUnsteady();
    const command = runtime.command(agent("order_of_keys.mjs"));
    const tape = await box.record("keys.tape", command, { env: { ORIGIN: server.url } }).finally(
      server.close,
    );
    for (let i = 0; i < 3; i++) assertExact(await box.replay(tape));
    // The twelfth and thirteenth column: a miss fails, by name.
    const other = await box.replay(tape, ["--", ...runtime.command(agent("draws.mjs"), "1")]);
    assert.equal(other.exact, false);
    assert.notEqual(other.divergence, null);
  },
);
