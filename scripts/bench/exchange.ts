/** One exchange of a bench agent, as a model's client does it: JSON up, JSON or a stream of events down. */

const HEADERS = {
  "content-type": "application/json",
  "anthropic-version": "2023-06-01",
  "user-agent": "tracefork-bench",
  "x-api-key": "bench-key-0123456789",
};

/** Sends `body` and reads the answer whole; resolves to the number of chunks that were read. */
export async function exchange(server: string, kind: string, body: string): Promise<number> {
  const response = await fetch(`${server}/${kind}`, { method: "POST", headers: HEADERS, body });
  let chunks = 0;
  if (kind === "json") await response.json();
  else for await (const chunk of response.body!) if (chunk.length > 0) chunks++;
  return chunks;
}
