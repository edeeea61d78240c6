/** Routes that hold an answer until something else happens: a release, the end of a connection, other requests. */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Exchange } from "./origin.ts";
import { answer, answerJson, endChunked, startChunked, writeChunk } from "./origin_send.ts";

export const gateRoutes: Readonly<Record<string, (exchange: Exchange) => void>> = {
  // /gated?key=&chunks=a|b|c&end=finish|reset|close|hold: the head at once, then a piece with each
  // /release?key=; so a client that releases after it has read fixes every boundary without a clock.
  // /gone?key= answers when the gated connection has closed.
  gated: (x) => {
    const key = x.request.query.get("key") ?? "";
    const left = (x.request.query.get("chunks") ?? "").split("|").filter((chunk) => chunk !== "");
    const ends: Record<string, (socket: Socket) => unknown> = {
      finish: endChunked,
      reset: (socket) => socket.resetAndDestroy(),
      close: (socket) => socket.end(),
      hold: () => {},
    };
    const end = ends[x.request.query.get("end") ?? "finish"]!;
    startChunked(x, x.request.query.get("type") ?? "text/plain");
    const closed = new Promise<void>((resolve) => x.socket.on("close", () => resolve()));
    const release = () => {
      const chunk = left.shift();
      if (chunk === undefined) end(x.socket);
      else writeChunk(x.socket, Buffer.from(chunk, "latin1"));
    };
    x.origin.gates.set(key, { release, closed });
  },
  release: (x) => {
    const gate = x.origin.gates.get(x.request.query.get("key") ?? "");
    answer(x, { body: gate === undefined ? "no gate" : "released" });
    gate?.release();
  },
  gone: (x) => {
    const gate = x.origin.gates.get(x.request.query.get("key") ?? "");
    void gate?.closed.then(() => answer(x, { body: "gone" }));
  },

  // /race?n=: waits for n equal requests, then answers the last one first, each with a number of its own.
  race: (x) => {
    const { target, query } = x.request;
    const sockets = [...x.origin.waiting.get(target) ?? [], x.socket];
    x.origin.waiting.set(target, sockets);
    if (sockets.length < Number(query.get("n"))) return;
    x.origin.waiting.delete(target);
    sockets.toReversed().forEach((socket, i) => {
      const body = { rank: i, number: Math.floor(Math.random() * 1e15) };
      setTimeout(() => answerJson({ ...x, socket }, body), i * 10);
    });
  },
  // /pair?n=&id=: the same, but each request has its id, which the answer repeats.
  pair: (x) => {
    const group = `pair ${x.request.query.get("n")}`;
    const sockets = [...x.origin.waiting.get(group) ?? [], x.socket];
    x.origin.waiting.set(group, sockets);
    const id = Buffer.from(x.request.body).toString("latin1");
    const delay = [30, 0, 20, 10][Number(id) % 4]!;
    setTimeout(() => answerJson(x, { id, delay }), delay);
    if (sockets.length === Number(x.request.query.get("n"))) x.origin.waiting.delete(group);
  },
};
