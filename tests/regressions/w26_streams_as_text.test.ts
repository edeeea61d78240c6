/** W26: the original searched the raw events of a stream, so that a word split over two deltas was missed; it showed one event. */
import assert from "node:assert/strict";
import { answer, boxed } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const DELTAS = ["The booking is a SUC", "CE", "SS: seat ", "1", "2."];

function stream(): string {
  const sse = (event: { type: string }) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-haiku-4-5-20251001",
    content: [],
  };
  return [
    { type: "message_start", message: { ...message, usage: { input_tokens: 11, output_tokens: 1 } } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    ...DELTAS.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 17 },
    },
    { type: "message_stop" },
  ].map(sse).join("");
}

boxed(
  "a word that a stream splits over deltas is shown whole, with the usage of the whole stream",
  async (box) => {
    const script = writeAgent(
      box,
      `const response = await fetch(url + "/v1/messages", {
      method: "POST",
      headers: { "anthropic-version": "2023-06-01", "content-type": "application/json" },
      body: JSON.stringify({ model: "claude-haiku-4-5-20251001", max_tokens: 9, stream: true,
        messages: [{ role: "user", content: "book" }] }),
    });
    await response.text();`,
    );
    const tape = await withServer(
      (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" }).end(stream());
      },
      (url) => box.record("stream.tape", runtimeNamed("deno").command(script), { env: { SERVICE_URL: url } }),
    );
    const ran = await box.tracefork(["show", `${tape}:0`, "--json"]);
    assert.equal(ran.code, 0, told(ran));
    const { response } = answer<
      { response: { model: { text: string; usage: { input: number; output: number } } } }
    >(ran);
    assert.equal(response.model.text, DELTAS.join(""));
    assert.equal(response.model.usage.input, 11);
    assert.equal(response.model.usage.output, 17);
    const shown = await box.tracefork(["show", `${tape}:0`]);
    assert.match(shown.out, /The booking is a SUCCESS: seat 12\./, told(shown));
    const whole = await box.tracefork(["show", tape]);
    assert.match(whole.out, /The booking is a SUCCESS/, told(whole));
  },
);
