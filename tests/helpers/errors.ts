/** What every error of the command line keeps to: exit code, stable code, a hint, and no stack trace. */
import assert from "node:assert/strict";
import { type Ran, told } from "./process.ts";

/** No stack trace, and nothing that looks as if tracefork itself had failed. */
export function assertNoStack(ran: Ran): void {
  for (const text of [ran.out, ran.err]) {
    assert.doesNotMatch(text, /^\s+at .*(:\d+:\d+|\(native\)|<anonymous>)/m, told(ran));
    assert.doesNotMatch(text, /TF_INTERNAL|Uncaught|core\/\w+\/\w+\.ts/, told(ran));
  }
}

/** Exit code `code`, `TF_…` on stderr, nothing on stdout. Returns what stderr says. */
export function assertFails(ran: Ran, code: number, tf: string): string {
  assert.equal(ran.code, code, told(ran));
  assert.match(ran.err, new RegExp(`^tracefork: .+\\(${tf}\\)$`, "ms"), told(ran));
  assert.equal(ran.out, "", told(ran));
  assertNoStack(ran);
  return ran.err;
}
