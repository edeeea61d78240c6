/**
 * A secret with characters that URLs, forms or JSON escape reached the disk in its escaped form, and a replay with
 * another key diverged there.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { assertExact, onEachRuntime } from "../helpers/box.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const SECRET = 'p@ss/w0rd+Tri"ky=99 é';
const AGENT = `
const secret = process.env.SERVICE_PASSWORD;
const ask = async (path, body) => console.log(await (await fetch(url + path, body && { method: "POST", body })).text());
await ask("/" + encodeURIComponent(secret));
await ask("/?q=" + encodeURIComponent(secret));
await ask("/?q=" + secret);
await ask("/" + secret);
await ask("/form", new URLSearchParams({ q: secret }));
await ask("/json", JSON.stringify({ q: secret }));
`;

onEachRuntime("a secret is found in the form that a URL, a form or JSON gives it", async (box, runtime) => {
  const command = runtime.command(writeAgent(box, AGENT));
  const tape = await withServer(
    (request, response, body) => void response.end(`${request.url} ${body}`),
    (SERVICE_URL) => box.record("encoded.tape", command, { env: { SERVICE_URL, SERVICE_PASSWORD: SECRET } }),
  );
  assertExact(await box.replay(tape));
  assertExact(await box.replay(tape, [], { env: { SERVICE_PASSWORD: "another/one+11 = ü" } }));
  const db = new DatabaseSync(tape);
  const rows = db.prepare("SELECT body AS data FROM events UNION ALL SELECT data FROM output").all();
  const blobs = db.prepare("SELECT data FROM blobs WHERE zstd = 0").all();
  db.close();
  const kept = [...rows, ...blobs].map(({ data }) => Buffer.from(data as Uint8Array).toString()).join("\n");
  assert.match(kept, /redacted_SERVICE_PASSWORD/);
  assert.doesNotMatch(kept, /w0rd|Tri/);
});
