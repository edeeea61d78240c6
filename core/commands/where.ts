/** `tracefork where`: which store, which preload, which versions. */

import { EXIT } from "../base/errors.ts";
import { RUNTIME, RUNTIME_VERSION } from "../base/runtime.ts";
import { VERSION } from "../base/version.ts";
import { preloadFile } from "../launch/preload_file.ts";
import { locateStore } from "../store/locate.ts";
import { FORMAT } from "../tape/format.ts";
import { type Call, document, type Io, JSON_FLAG, on, STORE_FLAG, text, type Verb } from "./verb.ts";

async function run(call: Call, io: Io): Promise<number> {
  const place = locateStore({ cwd: io.cwd, env: (name) => io.env[name] }, text(call, "store"));
  const preload = preloadFile(io.env);
  const engine = `${RUNTIME} ${RUNTIME_VERSION}`;
  if (on(call, "json")) {
    io.out(
      document("where", {
        store: place.path,
        store_source: place.source,
        preload,
        version: VERSION,
        engine,
        format: FORMAT,
      }),
    );
  } else {
    io.out(`store    ${place.path} (by ${place.source})\npreload  ${preload}\n`);
    io.out(`version  ${VERSION} (${engine}, tape format ${FORMAT})\n`);
  }
  return await Promise.resolve(EXIT.ok);
}

export const whereVerb: Verb = {
  name: "where",
  group: "more",
  summary: "say which store and which preload are used, and why",
  usage: "[--json]",
  args: [],
  about: "The preload is written to its cache path when it isn't there yet, so that it can be used alone:\n" +
    '`bun --preload "$(tracefork where --json | jq -r .preload)" agent.ts`.',
  flags: [STORE_FLAG, JSON_FLAG],
  examples: [["tracefork where --json | jq -r .preload", "the preload's path"]],
  run,
};
