/** W14: the original did not hash stored bodies when it read them: one edited under its old digest loaded in silence. */
import assert from "node:assert/strict";
import { assertExact, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";
import { runtimeNamed } from "../helpers/runtimes.ts";
import { withServer, writeAgent } from "../helpers/serve.ts";
import { alterTape, bodyOf, edited, eventsOfType, replaceBody } from "../helpers/tape.ts";

const AGENT = `console.log(await (await fetch(url, { method: "POST", body: "the question" })).text());`;

const EDITS = [
  ["another text of the same length", (bytes: Uint8Array) => edited(bytes, "answer", "ANSWER")],
  ["a longer text", (bytes: Uint8Array) => edited(bytes, "answer", "long answer")],
  ["nothing", () => new Uint8Array(0)],
] as const;

for (const [name, edit] of EDITS) {
  boxed(`a body replaced by ${name} under its old digest is never shown, served or verified`, async (box) => {
    const script = writeAgent(box, AGENT);
    const tape = await withServer(
      (_, response) => void response.end("the answer"),
      (url) => box.record("x.tape", runtimeNamed("deno").command(script), { env: { SERVICE_URL: url } }),
    );
    const control = await box.tracefork(["show", `${tape}:0`, "--raw"]);
    assert.equal(control.out, "the answer", told(control));
    assertExact(await box.replay(tape));

    const [{ event, seq }] = eventsOfType(tape, "chunk") as [ReturnType<typeof eventsOfType<"chunk">>[0]];
    replaceBody(tape, event.body.digest, edit(bodyOf(tape, event.body.digest)));
    for (const part of ["--raw", "--json", "--response"]) {
      assertFails(
        await box.tracefork(["show", `${tape}:0`, ...(part === "--json" ? [] : [part])]),
        4,
        "TF_TAPE_DAMAGED",
      );
    }
    const verified = await box.tracefork(["verify", tape]);
    assert.equal(verified.code, 4, told(verified));
    assert.match(verified.out, new RegExp(`event ${seq}: .*digest`));
    assert.equal((await box.replay(tape)).divergence?.cause, "tampered_tape");
  });
}

boxed("a body that can't be decompressed is named, not thrown", async (box) => {
  const script = writeAgent(box, AGENT);
  const tape = await withServer(
    (_, response) => void response.end("the answer ".repeat(500)),
    (url) => box.record("x.tape", runtimeNamed("deno").command(script), { env: { SERVICE_URL: url } }),
  );
  alterTape(tape, (db) => db.exec("UPDATE blobs SET data = x'0011223344' WHERE zstd = 1"));
  const verified = await box.tracefork(["verify", tape]);
  assert.equal(verified.code, 4, told(verified));
  assert.match(verified.out, /decompressed/);
  assertFails(await box.tracefork(["show", `${tape}:0`, "--raw"]), 4, "TF_TAPE_DAMAGED");
});
