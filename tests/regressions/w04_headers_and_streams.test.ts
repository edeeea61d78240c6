/**
 * W4: the original lost response headers, gave a stream back as JSON, and held a stream up until it was whole.
 */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { assertExact, onEachRuntime } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

onEachRuntime(
  "retry-after, request-id and repeated headers reach the agent, live and replayed",
  async (box, runtime) => {
    const script = writeAgent(
      box,
      `const response = await fetch(url);
    for (const name of ["retry-after", "request-id", "x-ratelimit-remaining", "content-type", "x-twice"]) {
      console.log(name, response.headers.get(name));
    }
    console.log(JSON.stringify(response.headers.getSetCookie()), await response.text());`,
    );
    const tape = await withServer((_, response) => {
      response.writeHead(429, [
        ...["retry-after", "7", "request-id", "req_42", "x-ratelimit-remaining", "0"],
        ...["content-type", "application/problem+json", "set-cookie", "a=1", "set-cookie", "b=2"],
        ...["x-twice", "one", "x-twice", "two"],
      ]).end("{}");
    }, (url) => box.record("headers.tape", runtime.command(script), { env: { SERVICE_URL: url } }));
    const replayed = await box.replay(tape, ["--output"]);
    assertExact(replayed);
    assert.equal(
      replayed.ran.err,
      "retry-after 7\nrequest-id req_42\nx-ratelimit-remaining 0\ncontent-type application/problem+json\n" +
        'x-twice one, two\n["a=1","b=2"] {}\n',
    );
  },
);

onEachRuntime(
  "a stream reaches the agent piece by piece while it is recorded, and replays in the same pieces",
  async (box, runtime) => {
    // The server sends each piece only when the agent has said that it has the one before: held up, it would never end.
    const script = writeAgent(
      box,
      `const response = await fetch(url + "/stream");
    console.log(response.headers.get("content-type"));
    for await (const chunk of response.body) {
      console.log("piece", JSON.stringify(new TextDecoder().decode(chunk)));
      await (await fetch(url + "/got")).text();
    }
    console.log("end");`,
    );
    const pieces = ["data: one\n\n", "data: tw", "o\n\n", "data: three\n\n"];
    let left: string[] = [];
    let stream: ServerResponse | undefined;
    const send = () => {
      const piece = left.shift();
      if (piece === undefined) stream!.end();
      else stream!.write(piece);
    };
    const tape = box.path("stream.tape");
    const said = await withServer((request, response) => {
      if (request.url === "/stream") {
        left = [...pieces];
        stream = response.writeHead(200, { "content-type": "text/event-stream" });
      } else response.end("go on");
      send();
    }, async (url) => {
      const command = runtime.command(script);
      const ran = await box.tracefork(["run", "-o", tape, "--", ...command], { env: { SERVICE_URL: url } });
      assert.equal(ran.code, 0, told(ran));
      return ran.out;
    });
    assert.deepEqual(said.split("\n"), [
      "text/event-stream",
      ...pieces.map((piece) => `piece ${JSON.stringify(piece)}`),
      "end",
      "",
    ]);
    const replayed = await box.replay(tape, ["--output"]);
    assertExact(replayed);
    assert.equal(replayed.ran.err, said);
  },
);
