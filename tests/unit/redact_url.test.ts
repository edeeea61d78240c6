/** A URL that is not built as its author thinks must not carry a known secret past the redactor in two halves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRedactRules, Redactor } from "../../core/session/redact.ts";

const SECRET = "p@ss/w0rd+Tricky=99";

test("a known password with characters that end the password of a URL is not kept in part", () => {
  const redactor = new Redactor(parseRedactRules(""), [["DB_PASSWORD", SECRET]]);
  const url = redactor.url(`http://user:${SECRET}@127.0.0.1:8080/e`);
  assert.equal(url, "http://user:redacted@127.0.0.1:8080/e");
});

test("a known secret with an ampersand is not kept in part where a query field's name takes it out", () => {
  const redactor = new Redactor(parseRedactRules(""), [["SERVICE_KEY", "first&second=third1"]]);
  assert.equal(
    redactor.url("http://a/?api_key=first&second=third1&b=1"),
    "http://a/?api_key=redacted_apikey&b=1",
  );
});

test("what stands for a secret is not learned as one", () => {
  const redactor = new Redactor(parseRedactRules(""), [["SERVICE_KEY", "abcdefgh12345678"]]);
  const learned: string[] = [];
  redactor.onLearn = (value) => learned.push(value);
  assert.equal(redactor.url("http://a/?api_key=abcdefgh12345678"), "http://a/?api_key=redacted_apikey");
  assert.deepEqual(learned, []);
  assert.equal(redactor.text("redacted_SERVICE_KEY"), "redacted_SERVICE_KEY");
});
