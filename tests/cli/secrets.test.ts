/**
 * No secret at rest: keys in a header, a query, a cookie, a body, the environment, an answer and the output are in no byte of
 * the file, compressed or not. The control records the same with redaction off and finds every one of them.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { agent, assertExact, type Box, boxed, onEachRuntime } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { MODEL_KEY, withModel } from "../helpers/model.ts";
import { told } from "../helpers/process.ts";
import { type Runtime, runtimeNamed } from "../helpers/runtimes.ts";
import { withServer } from "../helpers/serve.ts";
import { rowsOf } from "../helpers/tape.ts";

const SECRETS = {
  bearer: "tok-Bearer0123456789abcdef",
  header: "hdr-Key0123456789abcdefgh",
  query: "qry-Key9876543210zyxwvut",
  cookie: "ck-Session5566778899aabb",
  body: "bdy-Secret1122334455667",
  shape: "sk-ant-api03-ABCDEFGHIJKLMNOPQRSTUV",
  env: "env-Token00998877665544aa",
  setCookie: "set-Cookie7711882299330aa",
};

/** Sends each secret where such a secret stands, and prints what comes back, which repeats some of them. */
const AGENT = `
import process from "node:process";
const url = process.env.SERVICE_URL;
const headers = {
  authorization: "Bearer ${SECRETS.bearer}",
  "x-api-key": "${SECRETS.header}",
  cookie: "session=${SECRETS.cookie}",
  "content-type": "application/json",
};
const body = JSON.stringify({ api_key: "${SECRETS.body}", prompt: "use ${SECRETS.shape} and " + process.env.SERVICE_TOKEN });
const response = await fetch(url + "/v1?key=${SECRETS.query}&n=" + Math.random(), { method: "POST", headers, body });
console.log(await response.text());
console.error("token", process.env.SERVICE_TOKEN);
`;

/** A service that repeats what it was told, as error messages do, and sets a cookie. */
function withService<T>(body: (env: Record<string, string>) => Promise<T>): Promise<T> {
  return withServer((request, response) => {
    response.setHeader("set-cookie", `session=${SECRETS.setCookie}; Path=/`);
    response.end(`you sent ${request.headers.authorization} and ${request.headers["x-api-key"]}`);
  }, (url) => body({ SERVICE_URL: url, SERVICE_TOKEN: SECRETS.env }));
}

/** All that a file holds: its raw bytes, every value of every table, bodies decompressed. */
function allBytes(path: string): Buffer {
  const parts: Uint8Array[] = [readFileSync(path)];
  for (const { name } of rowsOf(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")) {
    for (const row of rowsOf(path, `SELECT * FROM "${name}"`)) {
      for (const value of Object.values(row)) {
        parts.push(value instanceof Uint8Array ? value : Buffer.from(String(value)), Buffer.from("\n"));
      }
      if (row.zstd === 1) parts.push(zstdDecompressSync(row.data as Uint8Array));
    }
  }
  return Buffer.concat(parts);
}

function found(path: string, secrets: Record<string, string>): string[] {
  const bytes = allBytes(path);
  return Object.entries(secrets).filter(([, secret]) => bytes.includes(secret)).map(([name]) => name);
}

async function recordSecrets(box: Box, runtime: Runtime, flags: readonly string[] = []): Promise<string> {
  const script = box.path("agent.mjs");
  writeFileSync(script, AGENT);
  const tape = box.path("secrets.tape");
  const ran = await withService((env) =>
    box.tracefork(["run", ...flags, "-o", tape, "--", ...runtime.command(script)], { env })
  );
  assert.equal(ran.code, 0, told(ran));
  assert.ok(ran.out.includes(SECRETS.bearer), "the agent itself gets everything as it is");
  return tape;
}

onEachRuntime("no secret is in any byte of the tape", async (box, runtime) => {
  const tape = await recordSecrets(box, runtime);
  assert.deepEqual(found(tape, SECRETS), []);
});

onEachRuntime(
  "a tape without its secrets replays exact: with another key, and with none",
  async (box, runtime) => {
    const tape = await recordSecrets(box, runtime);
    assertExact(await box.replay(tape, [], { env: { SERVICE_TOKEN: "another-Token112233445566" } }));
    assertExact(await box.replay(tape));
  },
);

boxed("control: with redaction off every one of them is found", async (box) => {
  const tape = await recordSecrets(box, runtimeNamed("deno"), ["--redact", "off"]);
  const names = Object.keys(SECRETS);
  assert.deepEqual(found(tape, SECRETS), names);
});

onEachRuntime("an SDK's key is in no byte of the store, and replays need none", async (box, runtime) => {
  const ran = await withModel(({ env }) =>
    box.tracefork(["run", "--", ...runtime.command(agent("booking.ts"))], { env })
  );
  assert.equal(ran.code, 0, told(ran));
  assert.deepEqual(found(box.store, { key: MODEL_KEY }), []);
  assertExact(await box.replay("latest"));
});

boxed("a key on the command line is in no byte of the tape", async (box) => {
  const command = runtimeNamed("deno").command(
    agent("draws.mjs"),
    "2",
    SECRETS.shape,
    `--key=${SECRETS.shape}`,
  );
  const tape = await box.record("line.tape", command);
  assert.deepEqual(found(tape, SECRETS), []);
});

boxed("more can be redacted by name", async (box) => {
  const script = box.path("agent.mjs");
  const text = `
    await fetch(process.env.SERVICE_URL, { method: "POST", headers: { "x-tenant": "tenant-Acme-000111" },
      body: JSON.stringify({ patient: "patient-Jane-222333", r: Math.random() }) });
    console.log(process.env.CUSTOMER);`;
  writeFileSync(script, `import process from "node:process";${text}`);
  const mine = { header: "tenant-Acme-000111", field: "patient-Jane-222333", env: "customer-Smith-444555" };
  const command = runtimeNamed("deno").command(script);
  const record = (name: string, flags: readonly string[]) =>
    withService((env) =>
      box.tracefork(["run", ...flags, "-o", box.path(name), "--", ...command], {
        env: { ...env, CUSTOMER: mine.env },
      })
    );
  const rules = ["--redact", "header:x-tenant,field:patient,env:CUSTOMER"];
  for (const ran of [await record("more.tape", rules), await record("plain.tape", [])]) {
    assert.equal(ran.code, 0, told(ran));
  }
  assert.deepEqual(found(box.path("more.tape"), mine), []);
  assert.deepEqual(found(box.path("plain.tape"), mine), Object.keys(mine), "control");
  assertExact(await box.replay(box.path("more.tape")));
});

boxed("a rule that can't be read is a usage error, and nothing is recorded", async (box) => {
  const command = runtimeNamed("deno").command(agent("draws.mjs"), "1");
  assertFails(await box.tracefork(["run", "--redact", "everything", "--", ...command]), 2, "TF_USAGE");
});
