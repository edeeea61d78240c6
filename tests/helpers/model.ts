/** The embedded model server for tests: quick, and gone when the body is done. */
import { type ModelServerOptions, startModelServer } from "../../core/provider/model_server.ts";

/** What an agent needs to find the server. */
export interface Model {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  /** Requests that have arrived so far. */
  requests(): number;
}

export const MODEL_KEY = "sk-ant-test-0123456789abcdefXYZ";

const QUICK: ModelServerOptions = { latencyMs: [0, 12], chunkDelayMs: [0, 1], retryAfterMs: [1, 10] };

/** Runs `body` with a server; closes it afterwards. */
export async function withModel<T>(
  body: (model: Model) => Promise<T>,
  options: ModelServerOptions = {},
): Promise<T> {
  const server = await startModelServer({ ...QUICK, ...options });
  try {
    const env = { ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: MODEL_KEY };
    return await body({ url: server.url, env, requests: () => server.requests });
  } finally {
    await server.close();
  }
}
