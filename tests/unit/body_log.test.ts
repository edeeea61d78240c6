/**
 * Secrets in bodies that share a beginning with earlier ones: a search that begins late must find what a whole
 * search finds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BodyLog } from "../../core/session/body_log.ts";
import { parseRedactRules, Redactor } from "../../core/session/redact.ts";
import { createWasmCore } from "../../wasm/mod.ts";

const core = createWasmCore();
const KEY = "sk-ant-REDACT-ME-0123456789abcdef";
const ENV: readonly (readonly [string, string])[] = [["SERVICE_TOKEN", "hunter2-hunter2"]];

interface Kept {
  readonly log: BodyLog;
  readonly texts: string[];
}

function keeper(): Kept {
  const texts: string[] = [];
  const log = new BodyLog(core, (_, body) => void texts.push(new TextDecoder().decode(body.bytes())));
  return { log, texts };
}

/** What a redactor that has seen nothing before makes of each body by itself, and of what it has learned. */
function whole(redactor: Redactor, text: string): string {
  const out = redactor.requestBody(text);
  return typeof out === "string" ? out : new TextDecoder().decode(out);
}

const filler = (length: number, seed: number) =>
  Array.from(
    { length: Math.ceil(length / 8) },
    (_, i) => ((i * 7919 + seed * 104729) % 1e8).toString(36).padEnd(7, "_"),
  )
    .join(" ").slice(0, length);

test("a key in the new part of a long conversation never gets through", () => {
  const { log, texts } = keeper();
  const redactor = new Redactor(parseRedactRules(""), ENV);
  const start = `{"messages":["${filler(100_000, 1)}`;
  log.request(`${start}"]}`, redactor);
  log.request(`${start}","${KEY}"]}`, redactor);
  log.request(`${start}","and the token is ${ENV[0]![1]}."]}`, redactor);
  log.request(`${start}","x"],"api_key":"my-very-own-value"}`, redactor);
  assert.equal(texts.filter((text) => /REDACT-ME|hunter2|my-very-own/.test(text)).length, 0);
  // Control: the same without redaction gets through.
  const open = keeper();
  open.log.request(`${start}","${KEY}"]}`, new Redactor(parseRedactRules("off"), ENV));
  assert.ok(open.texts[0]!.includes(KEY));
});

test("a key whose beginning the earlier body had already is found whole", () => {
  for (const cut of [1, 3, 10, 20, KEY.length - 1]) {
    const { log, texts } = keeper();
    const redactor = new Redactor(parseRedactRules(""), []);
    const start = `{"messages":["${filler(50_000, 2)} `;
    log.request(`${start}${KEY.slice(0, cut)}`, redactor);
    log.request(`${start}${KEY} and more"]}`, redactor);
    assert.ok(!texts.at(-1)!.includes("REDACT-ME-0123"), `cut at ${cut}`);
  }
});

test("what is learned later is taken out of what was clean before", () => {
  const { log, texts } = keeper();
  const redactor = new Redactor(parseRedactRules(""), []);
  const start = `{"messages":["${filler(60_000, 3)} correct-horse-battery `;
  log.request(`${start}"]}`, redactor);
  redactor.requestHeaders([["authorization", "Bearer correct-horse-battery"]]);
  log.request(`${start}","go on"]}`, redactor);
  assert.ok(texts[0]!.includes("correct-horse"), "control: it was not known then");
  assert.ok(!texts[1]!.includes("correct-horse"));
});

test("a private key that begins long before it ends is taken out", () => {
  const { log, texts } = keeper();
  const redactor = new Redactor(parseRedactRules(""), []);
  const start = `{"messages":["-----BEGIN PRIVATE KEY-----${filler(90_000, 4)}`;
  log.request(start, redactor);
  log.request(`${start}SECRETPART-----END PRIVATE KEY-----"]}`, redactor);
  assert.ok(!texts.at(-1)!.includes("SECRETPART"));
});

test("a form is searched whole, wherever its secret fields stand", () => {
  const { log, texts } = keeper();
  const redactor = new Redactor(parseRedactRules(""), []);
  const start = `text=${filler(50_000, 5).replaceAll(" ", "+")}`;
  log.request(start, redactor);
  log.request(`${start}&password=hunter22hunter&n=1`, redactor);
  assert.ok(!texts.at(-1)!.includes("hunter22"));
});

test("any sequence of growing, cut and edited bodies is redacted as each would be by itself", () => {
  const piece = fc.oneof(
    fc.integer({ min: 1, max: 30_000 }).map((length) => filler(length, length)),
    fc.constantFrom(
      KEY,
      ENV[0]![1],
      '"password":"Tr0ub4dor&3xyz"',
      '"apiKey": "abcdefgh12345678"',
      "ü€😀",
      '"',
      "\n",
    ),
  );
  const step = fc.record({
    keep: fc.double({ min: 0.5, max: 1, noNaN: true }),
    add: fc.array(piece, { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 8 }), (steps) => {
      const { log, texts } = keeper();
      const [mine, theirs] = [1, 2].map(() => new Redactor(parseRedactRules(""), ENV)) as [
        Redactor,
        Redactor,
      ];
      let text = `{"messages":["${filler(20_000, 9)}`;
      for (const { keep, add } of steps) {
        text = text.slice(0, Math.floor(text.length * keep)) + add.join(" ");
        log.request(text, mine);
        assert.equal(texts.at(-1), new TextDecoder().decode(new TextEncoder().encode(whole(theirs, text))));
      }
    }),
    { numRuns: 60 },
  );
});
