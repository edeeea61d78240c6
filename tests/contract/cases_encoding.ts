/** Compressed answers: what the caller gets and which headers are left. */
import type { ContractCase } from "./contract.ts";
import { concat, describeResponse, outcome, readChunks, summary } from "./observe.ts";

export const encodingCases: readonly ContractCase[] = [
  ...["gzip", "br", "zstd", "deflate", "gzip,br"].map((encoding): ContractCase => ({
    name: `encoding ${encoding}: headers and content`,
    async run({ url, measured }) {
      const response = await fetch(`${url}/encoded/${encoding}`);
      const seen = describeResponse(response);
      const chunks = await readChunks(response.body!);
      measured["chunks"] = chunks.map(({ length }) => length);
      return { seen, ...summary(concat(chunks)) };
    },
  })),
  {
    name: "encoding: text in full",
    async run({ url }) {
      const text = await (await fetch(`${url}/encoded/gzip`)).text();
      return [text.length, text.slice(0, 40), text.slice(-20)];
    },
  },
  {
    name: "noisy: a broken compressed stream",
    async run({ url, measured }) {
      const response = await fetch(`${url}/encoded/gzip?corrupt`);
      const reader = response.body!.getReader();
      let length = 0;
      const end = await outcome(async () => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return "done";
          length += value.length;
        }
      });
      measured["length"] = length;
      return { status: response.status, end };
    },
  },
  {
    name: "noisy: a broken compressed stream, read as text",
    run: ({ url }) =>
      outcome(async () => (await (await fetch(`${url}/encoded/gzip?corrupt`)).text()).length > 0),
  },
  {
    name: "encoding: gzip of an empty body",
    async run({ url }) {
      const response = await fetch(`${url}/encoded-empty`);
      return { seen: describeResponse(response), text: await outcome(() => response.text()) };
    },
  },
  {
    name: "encoding: each event of a gzipped stream comes before the next is written",
    async run({ url, measured }) {
      const response = await fetch(`${url}/encoded-sse`);
      const start = performance.now();
      const times: number[] = [];
      let text = "";
      for await (const chunk of response.body!) {
        times.push(performance.now() - start);
        text += new TextDecoder().decode(chunk);
      }
      measured["chunks"] = times.length;
      return { text, early: times.at(-1)! - times[0]! > 30, several: times.length > 2 };
    },
  },
];
