/** HAR files: what a run looks like in one, and what comes of one. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { readExchanges } from "../../core/analyse/exchanges.ts";
import { harOf, parseHar } from "../../core/analyse/har.ts";
import { importRuns } from "../../core/engine/import_runs.ts";
import { listRuns } from "../../core/store/runs.ts";
import { tapeSource } from "../../core/store/tape_reader.ts";
import { assertIntact, core, inFolder, makeRun, opened } from "../helpers/stores.ts";

const entry = (startedDateTime: string, url: string, more: object = {}) => ({
  startedDateTime,
  time: 250,
  request: { method: "GET", url, headers: [{ name: "accept", value: "*/*" }] },
  response: {
    status: 200,
    statusText: "OK",
    headers: [{ name: "content-type", value: "text/plain" }],
    content: { text: "hello", mimeType: "text/plain" },
  },
  timings: { send: 0, wait: 200, receive: 50 },
  ...more,
});

const har = (...entries: object[]) => ({ log: { version: "1.2", creator: {}, entries } });

test("a run becomes a HAR document, and that the same exchanges again", () =>
  inFolder((path) =>
    opened(path("store.db"), (db) => {
      const run = makeRun(db, path("store.db"), "aaaaaaaaaaaa", [
        '{"ask":1}',
        "ä \u{1f684}",
        "x".repeat(9_000),
      ]);
      const found = readExchanges(tapeSource(db, core, run.key));
      const document = JSON.parse(JSON.stringify(harOf(run, found)));
      assert.equal(document.log.version, "1.2");
      for (const key of ["startedDateTime", "time", "request", "response", "cache", "timings"]) {
        assert.ok(key in document.log.entries[0], key);
      }
      const parsed = parseHar(document);
      assert.equal(parsed.length, 3);
      for (const [i, each] of found.exchanges.entries()) {
        const other = parsed[i]!;
        assert.equal(other.method, each.request.method);
        assert.equal(other.url, each.request.url);
        assert.deepEqual(other.headers, each.request.headers);
        assert.deepEqual(other.body, each.requestBody());
        assert.equal(other.response!.status, each.head!.status);
        assert.deepEqual(other.response!.headers, each.head!.headers);
        assert.deepEqual(other.response!.body, each.responseBody());
        // Milliseconds are all that an ISO time has.
        assert.equal(other.startedAt, Math.floor((run.created + each.startedAt) / 1000) * 1000);
        assert.equal(other.endedAt - other.startedAt, each.endedAt! - each.startedAt);
      }
    }, "create")
  ));

test("a HAR file is imported in the order of its times, concurrent exchanges side by side", () =>
  inFolder((path) => {
    const late = entry("2026-01-01T00:00:00.100Z", "http://a.example/late");
    const early = entry("2026-01-01T00:00:00.000Z", "http://a.example/early", { time: 500 });
    const binary = entry("2026-01-01T00:00:02.000Z", "http://a.example/binary", {
      request: {
        method: "POST",
        url: "http://a.example/binary",
        headers: [],
        postData: { params: [{ name: "a b", value: "ü" }] },
      },
      response: { status: 201, headers: [], content: { text: "AP+A", encoding: "base64" } },
    });
    const failed = entry("2026-01-01T00:00:03.000Z", "http://a.example/failed", {
      response: { status: 0, headers: [], content: {}, _error: "net::ERR_FAILED" },
    });
    writeFileSync(path("x.har"), JSON.stringify(har(late, early, binary, failed)));
    const [{ run }] = importRuns({ path: path("x.har"), store: path("store.db"), redact: "" }, core) as [
      ReturnType<typeof importRuns>[0],
    ];
    assert.equal(run.about.imported?.format, "har");
    assert.equal(run.created, Date.UTC(2026, 0, 1) * 1000);
    opened(path("store.db"), (db) => {
      assertIntact(db);
      const { exchanges } = readExchanges(tapeSource(db, core, listRuns(db)[0]!.key));
      const shown = exchanges.map(({ request, head, startedAt, endedAt, end, error }) => [
        new URL(request.url).pathname,
        head?.status,
        startedAt,
        endedAt,
        end,
        error?.message,
      ]);
      assert.deepEqual(shown, [
        ["/early", 200, 0, 500_000, "complete", undefined],
        ["/late", 200, 100_000, 350_000, "complete", undefined],
        ["/binary", 201, 2_000_000, 2_250_000, "complete", undefined],
        ["/failed", undefined, 3_000_000, 3_250_000, "failed", "net::ERR_FAILED"],
      ]);
      assert.deepEqual([...exchanges[2]!.responseBody()], [0, 255, 128]);
      assert.equal(Buffer.from(exchanges[2]!.requestBody()!).toString(), "a+b=%C3%BC");
    });
    assert.equal(
      importRuns({ path: path("x.har"), store: path("store.db"), redact: "" }, core)[0]!.outcome,
      "there",
    );
  }));

test("secrets of a HAR file are not imported, unless that is asked for", () =>
  inFolder((path) => {
    const key = "sk-ant-0123456789abcdefghijklmnop";
    const request = {
      method: "POST",
      url: `http://a.example/?api_key=${key}`,
      headers: [{ name: "x-api-key", value: key }, { name: ":authority", value: "a.example" }],
      postData: { text: `{"said":"${key}"}` },
    };
    const response = { status: 200, headers: [], content: { text: `you sent ${key}` } };
    writeFileSync(
      path("x.har"),
      JSON.stringify(har(entry("2026-01-01T00:00:00Z", "", { request, response }))),
    );
    const held = (redact: string) => {
      const store = path(`${redact}.db`);
      importRuns({ path: path("x.har"), store, redact }, core);
      return opened(store, (db) => {
        const { exchanges } = readExchanges(tapeSource(db, core, listRuns(db)[0]!.key));
        const [{ request, ...each }] = exchanges as [(typeof exchanges)[0]];
        const bodies = [each.requestBody()!, each.responseBody()].map((body) => Buffer.from(body).toString());
        return JSON.stringify([request.url, request.headers, bodies]);
      });
    };
    assert.equal(held("").includes(key), false);
    assert.match(held(""), /you sent redacted/);
    assert.equal(held("off").split(key).length, 5, "control: it is in four places");
  }));

const BROKEN: readonly (readonly [name: string, document: object, message: RegExp])[] = [
  ["no request", har({ startedDateTime: "2026-01-01T00:00:00Z", response: {} }), /request is missing/],
  ["no time", har(entry("yesterday", "http://a.example/")), /is no time/],
  ["no URL", har(entry("2026-01-01T00:00:00Z", "")), /has no URL/],
];

for (const [name, document, message] of BROKEN) {
  test(`a HAR file with ${name} in an entry is refused by that`, () =>
    inFolder((path) => {
      writeFileSync(path("x.har"), JSON.stringify(document));
      assert.throws(
        () => importRuns({ path: path("x.har"), store: path("store.db"), redact: "" }, core),
        message,
      );
    }));
}
