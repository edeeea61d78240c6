/**
 * The loopback server of the bench, in a process of its own. Besides answers of 10 KB it keeps turns: agents
 * that ask for `/turn` run one after the other, a block of exchanges each, so that what else the machine does
 * meets all alike. Prints its port.
 */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { dice, prose } from "./texts.ts";

const CHUNKS = 20;
/** Milliseconds between two chunks of a stream: more than any reader needs for one, so that they stay apart. */
const PAUSE = 0.5;

const next = dice(Date.now());
const STOCK = Array.from({ length: 64 }, () => prose(9_900, next));
let served = 0;

/** Never the same twice, as a model's answers are. */
function nextAnswer(): { id: string; content: string } {
  return { id: `msg_${process.pid}_${served++}`, content: STOCK[served % STOCK.length]! };
}

function stream(to: ServerResponse): void {
  const { id, content } = nextAnswer();
  const size = Math.ceil(content.length / CHUNKS) - 80;
  let at = 0;
  let due = performance.now();
  // Polled, because a timer is late by up to a millisecond, which is more than what is to be measured.
  const write = () => {
    if (performance.now() >= due) {
      due += PAUSE;
      const delta = { type: "text_delta", text: content.slice(at * size, (at + 1) * size) };
      to.write(`event: content_block_delta\ndata: ${JSON.stringify({ id, index: at, delta })}\n\n`);
      at++;
    }
    if (at < CHUNKS) setImmediate(write);
    else to.end();
  };
  to.writeHead(200, { "content-type": "text/event-stream" });
  write();
}

/** Agents that take part, in the order of their turns. */
let order: string[] = [];
let turn = 0;
let running = false;
/** Until all are there nobody runs, so that nobody runs beside another one's start. */
let complete = false;
const waiting = new Map<string, ServerResponse>();

function passTurn(): void {
  complete ||= waiting.size === order.length;
  const held = waiting.get(order[turn] ?? "");
  if (running || !complete || held === undefined) return;
  running = true;
  waiting.delete(order[turn]!);
  held.end("{}");
}

const server = createServer((request, response) => {
  const [, what, name = ""] = request.url!.split("/");
  request.resume();
  request.on("end", () => {
    switch (what) {
      case "json": {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ type: "message", ...nextAnswer() }));
        break;
      }
      case "short":
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ id: nextAnswer().id, type: "message", content: [] }));
        break;
      case "sse":
        stream(response);
        break;
      case "agents":
        [order, turn, running, complete] = [name.split(","), 0, false, false];
        waiting.clear();
        response.end("{}");
        break;
      case "turn":
        waiting.set(name, response);
        if (running && order[turn] === name) [running, turn] = [false, (turn + 1) % order.length];
        passTurn();
        break;
      case "done":
        response.end("{}");
        order = order.filter((each) => each !== name);
        [running, turn] = [false, turn % Math.max(1, order.length)];
        passTurn();
        break;
    }
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
