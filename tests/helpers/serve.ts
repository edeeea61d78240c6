/** A server of a test's own making, and agents of a few lines that talk to it. */
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Box } from "./box.ts";

/** Answers a request, whose body has been read. */
export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** Runs `body` with a server on a free port of 127.0.0.1. */
export async function withServer<T>(answer: Answer, body: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    const parts: Uint8Array[] = [];
    // A client that breaks off is some tests' business.
    request.on("error", () => {});
    request.on("data", (part: Uint8Array) => parts.push(part));
    request.on("end", () => answer(request, response, Buffer.concat(parts).toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Writes an agent into the box. It finds the server's address in `url`, and its arguments in `args`. */
export function writeAgent(box: Box, text: string, name = "agent.mjs"): string {
  const path = box.path(name);
  writeFileSync(
    path,
    `import process from "node:process";\nconst url = process.env.SERVICE_URL;\nconst args = process.argv.slice(2);\n${text}`,
  );
  return path;
}
