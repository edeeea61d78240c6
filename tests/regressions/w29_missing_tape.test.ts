/** W29: in the original a missing path became an empty file and a traceback, and there was no `--json`. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { answer, boxed } from "../helpers/box.ts";
import { assertFails } from "../helpers/errors.ts";
import { told } from "../helpers/process.ts";

for (const verb of ["replay", "verify", "show"]) {
  boxed(`${verb} of a path that is not there makes no file and no traceback`, async (box) => {
    for (const name of ["missing.tape", "./missing.tape", "a/b/missing.tape", "missing.tape:3"]) {
      const err = assertFails(await box.tracefork([verb, name]), 4, "TF_TAPE_NOT_FOUND");
      assert.ok(err.includes("missing.tape"), err);
      const ran = await box.tracefork([verb, name, "--json"]);
      assert.equal(ran.code, 4, told(ran));
      assert.equal(answer<{ error: { code: string } }>(ran).error.code, "TF_TAPE_NOT_FOUND");
    }
    assert.deepEqual(readdirSync(box.work), []);
    assert.deepEqual(readdirSync(box.dir).sort(), ["home", "work"]);
  });

  boxed(`${verb} of an unknown id makes no store and no traceback`, async (box) => {
    for (const name of ["3f2a91c0d4e7", "latest", "nightly", "latest~2"]) {
      assertFails(await box.tracefork([verb, name]), 4, "TF_TAPE_NOT_FOUND");
    }
    assert.deepEqual(readdirSync(box.dir).sort(), ["home", "work"]);
  });
}
