/** W3: the original kept no status: whatever was recorded came back as 200. */
import assert from "node:assert/strict";
import { assertExact, onEachRuntime } from "../helpers/box.ts";
import { told } from "../helpers/process.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";

const STATUSES = [429, 500, 201, 529, 200, 404] as const;

onEachRuntime(
  "a 429 replays as a 429, not as 200, and every other status as itself",
  async (box, runtime) => {
    const script = writeAgent(
      box,
      `for (const status of ${JSON.stringify(STATUSES)}) {
      const response = await fetch(url + "/" + status);
      console.log(response.status, response.statusText, response.ok, await response.text());
    }`,
    );
    const tape = box.path("status.tape");
    const [native, recorded] = await withServer((request, response) => {
      const status = Number(request.url!.slice(1));
      response.writeHead(status, `Number ${status}`).end(`body of ${status}`);
    }, async (url) => {
      const env = { SERVICE_URL: url };
      const command = runtime.command(script);
      return [
        await box.start(command, { env }).done,
        await box.tracefork(["run", "-o", tape, "--", ...command], { env }),
      ];
    });
    assert.equal(recorded!.code, 0, told(recorded!));
    const said = recorded!.out;
    // Deno alone does not keep the server's own words for a status; neither it nor any other loses them here.
    assert.equal(said, native!.out);
    for (const status of STATUSES) assert.match(said, new RegExp(`^${status} .* body of ${status}$`, "m"));
    const replayed = await box.replay(tape, ["--output"]);
    assertExact(replayed);
    assert.equal(replayed.ran.err, said);
  },
);
