/** What the origin answers, by the first part of the path. A comment in front of a route says what it takes. */
import { Buffer } from "node:buffer";
import * as zlib from "node:zlib";
import { gateRoutes } from "./origin_gates.ts";
import { echo } from "./origin_echo.ts";
import type { Exchange } from "./origin.ts";
import { answer, answerJson, drip, endChunked, startChunked, writeChunk, writeHead } from "./origin_send.ts";

/** Twelve server-sent events; the euro sign of the fifth is cut in two, its rest leads the sixth write. */
export function sseWrites(): Uint8Array[] {
  const writes = Array.from({ length: 12 }, (_, i) => Buffer.from(`data: {"i":${i},"text":"t€${i}"}\n\n`));
  const cut = writes[4]!.indexOf(0xe2) + 1;
  const [head, tail] = [writes[4]!.subarray(0, cut), writes[4]!.subarray(cut)];
  return [...writes.slice(0, 4), head, Buffer.concat([tail, writes[5]!]), ...writes.slice(6)];
}

/** Text that compresses, and is long enough to be cut by a decoder. */
export const longText = Array.from({ length: 2000 }, (_, i) => `line ${i} of some text, ä € 😀\n`).join("");

const encoders: Readonly<Record<string, (data: Uint8Array) => Uint8Array>> = {
  gzip: (data) => zlib.gzipSync(data),
  br: (data) => zlib.brotliCompressSync(data),
  zstd: (data) => zlib.zstdCompressSync(data),
  deflate: (data) => zlib.deflateSync(data),
};

export const routes: Readonly<Record<string, (exchange: Exchange) => void>> = {
  ...gateRoutes,
  "404": (x) => answer(x, { status: 404, statusText: "Not Found", body: "no such route" }),

  // /json: a small JSON answer. /text?body=&type=: the given text. /bytes: all 256 byte values.
  json: (x) => answerJson(x, { ok: true, text: "grüß €", n: 1.5 }, [["x-request-id", "req_1"]]),
  text: (x) => {
    const type = x.request.query.get("type");
    const headers = type === null ? [] : [["content-type", type] as const];
    answer(x, { headers, body: x.request.query.get("body") ?? "hello" });
  },
  hex: (x) => {
    const type = x.request.query.get("type") ?? "application/octet-stream";
    answer(x, {
      headers: [["content-type", type]],
      body: Buffer.from(x.request.query.get("hex") ?? "", "hex"),
    });
  },
  bytes: (x) => {
    const headers = [["content-type", "application/octet-stream"]] as const;
    answer(x, { headers, body: Uint8Array.from({ length: 256 }, (_, i) => i) });
  },
  big: (x) => {
    const body = new Uint8Array(5_000_000);
    for (let i = 0; i < body.length; i++) body[i] = (i * 7 + (i >> 8)) & 255;
    answer(x, { headers: [["content-type", "application/octet-stream"]], body });
  },
  multipart: (x) => {
    const part = (name: string, value: string) =>
      `--cut\r\ncontent-disposition: form-data; ${name}\r\n\r\n${value}\r\n`;
    const body = part('name="a"', "1") + part('name="f"; filename="n.txt"', "file text") + "--cut--\r\n";
    answer(x, { headers: [["content-type", "multipart/form-data; boundary=cut"]], body });
  },
  echo: (x) => echo(x),

  // /status/CODE/TEXT: that status line and, if the status may have one, a short body.
  status: (x) => {
    const [, , code = "200", text = ""] = x.request.path.split("/");
    const bare = code === "204" || code === "304";
    const retry = code === "429" || code === "529" ? [["retry-after", "2"] as const] : [];
    const headers = [["content-type", "text/plain"] as const, ...retry];
    const statusText = decodeURIComponent(text);
    answer(x, { status: Number(code), statusText, headers, body: bare ? "" : `s${code}`, unsized: bare });
  },
  empty: (x) => answer(x, {}),
  "empty-chunked": (x) => {
    startChunked(x, "text/plain");
    endChunked(x.socket);
  },
  "reset-content": (x) => answer(x, { status: 205, statusText: "Reset Content" }),
  headers: (x) => {
    answer(x, {
      headers: [
        ["X-First", "1"],
        ["Set-Cookie", "a=1; Path=/"],
        ["x-repeat", "one"],
        ["Set-Cookie", "b=2; Expires=Wed, 21 Oct 2065 07:28:00 GMT"],
        ["X-REPEAT", "two, three"],
        ["x-latin1", "caf\xe9 \xa9"],
        ["x-empty", ""],
        ["x-spaces", "  in  the middle  "],
        ["x-repeat", "four"],
        ["set-cookie", "a=3"],
        ["Content-Type", "text/plain;charset=UTF-8"],
        ["a-last", "z"],
      ],
      body: "headers",
    });
  },
  trailers: (x) => {
    startChunked(x, "text/plain", [["trailer", "x-sum"]]);
    writeChunk(x.socket, "body");
    x.socket.end("0\r\nx-sum: 42\r\n\r\n");
  },
  "early-hints": (x) => {
    writeHead(x.socket, 103, "Early Hints", [["link", "</style.css>; rel=preload"]]);
    answer(x, { headers: [["content-type", "text/plain"]], body: "after hints" });
  },
  // /until-close: no length, no chunks. /old: the same under HTTP/1.0. /big-header: a value of `size` characters.
  "until-close": (x) => {
    writeHead(x.socket, 200, "OK", [["content-type", "text/plain"], ["connection", "close"]]);
    x.socket.end("as long as it lasts");
  },
  old: (x) => void x.socket.end("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nold"),
  "big-header": (x) => {
    answer(x, { headers: [["x-big", "b".repeat(Number(x.request.query.get("size")))]], body: "big" });
  },
  // /keep: an answer on a connection that stays open.
  keep: (x) => {
    const body = x.request.query.get("id") ?? "";
    writeHead(x.socket, 200, "OK", [["content-length", String(body.length)], ["x-keep", "1"]]);
    x.socket.write(body);
  },

  // /encoded/NAME: long text under that content-encoding; `corrupt` breaks off in the middle of the stream.
  encoded: (x) => {
    const name = x.request.path.split("/")[2] ?? "";
    const packed = name.split(",").reduce(
      (data, one) => encoders[one]!(data),
      Buffer.from(longText) as Uint8Array,
    );
    const body = x.request.query.has("corrupt") ? packed.subarray(0, packed.length >> 1) : packed;
    answer(x, {
      headers: [["content-type", "text/plain"], ["content-encoding", name.replace(",", ", ")]],
      body,
    });
  },
  "encoded-empty": (x) => answer(x, { headers: [["content-encoding", "gzip"]] }),
  // Each event is flushed through gzip by itself: a client has to hand it on before the next.
  "encoded-sse": (x) => {
    startChunked(x, "text/event-stream", [["content-encoding", "gzip"]]);
    const gzip = zlib.createGzip();
    gzip.on("data", (data: Uint8Array) => writeChunk(x.socket, data));
    gzip.on("end", () => endChunked(x.socket));
    const next = (i: number): void => {
      if (x.socket.destroyed) return;
      if (i === 6) return void gzip.end();
      gzip.write(`data: ${i}\n\n`);
      gzip.flush(() => timer = setTimeout(() => next(i + 1), 15));
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    x.socket.on("close", () => clearTimeout(timer));
    next(0);
  },

  // /redirect/STATUS?to=: with that location. /chain/N: N hops. /loop: to itself.
  redirect: (x) => {
    const to = x.request.query.get("to");
    const headers = to === null ? [] : [["location", to] as const];
    const status = Number(x.request.path.split("/")[2]);
    answer(x, { status, statusText: "Moved", headers: [["x-hop", "1"], ...headers], body: "moved" });
  },
  chain: (x) => {
    const left = Number(x.request.path.split("/")[2]);
    const location = left > 1 ? `/chain/${left - 1}` : "/echo?end=1";
    answer(x, { status: 302, statusText: "Found", headers: [["location", location]] });
  },
  loop: (x) => answer(x, { status: 302, statusText: "Found", headers: [["location", "/loop"]] }),

  // Ways to die before or within the answer.
  reset: (x) => void x.socket.resetAndDestroy(),
  close: (x) => void x.socket.end(),
  garbage: (x) => void x.socket.end("this is no HTTP\r\n\r\n"),
  truncated: (x) => {
    writeHead(x.socket, 200, "OK", [["content-length", "100"], ["connection", "close"]]);
    x.socket.end("only these");
  },
  "truncated-chunked": (x) => {
    startChunked(x, "text/plain");
    writeChunk(x.socket, "only these");
    x.socket.end();
  },
  never: () => {},
  refused: (x) => answer(x, { body: String(x.origin.refusedPort) }),

  // Streams by the clock.
  sse: (x) => {
    startChunked(x, "text/event-stream");
    drip(x.socket, sseWrites(), 15);
  },
  "sse-done": (x) => {
    startChunked(x, "text/event-stream");
    writeChunk(x.socket, "data: one\n\n");
    writeChunk(x.socket, "data: [DONE]\n\n");
  },
  drip: (x) => {
    startChunked(x, "text/plain");
    drip(x.socket, [..."a long piece first, then ", ..."drip"].map((c) => Buffer.from(c)), 2);
  },
  "slow-headers": (x) => void setTimeout(() => answer(x, { body: "late head" }), 60),
  "slow-body": (x) => {
    startChunked(x, "text/plain");
    drip(x.socket, ["", "late ", "body"].filter((part) => part !== ""), 60);
  },
  infinite: (x) => {
    startChunked(x, "application/octet-stream");
    const piece = new Uint8Array(4096).fill(120);
    const pump = (): void => {
      while (!x.socket.destroyed && writeChunk(x.socket, piece));
    };
    x.socket.on("drain", pump);
    pump();
  },

  // /flaky?key=: 429, then 529, then 200, and so on round.
  flaky: (x) => {
    const key = x.request.query.get("key") ?? "";
    const seen = x.origin.counters.get(key) ?? 0;
    x.origin.counters.set(key, seen + 1);
    if (seen % 3 === 2) return answerJson(x, { attempt: 3 });
    const [status, statusText] = seen % 3 === 0
      ? [429, "Too Many Requests"] as const
      : [529, "Overloaded"] as const;
    answer(x, { status, statusText, headers: [["retry-after", "0"]], body: `{"error":${status}}` });
  },
};
