/**
 * Work that the platform does on its own threads: `node:fs/promises`, `Deno`'s files, Web Crypto's `subtle`. It is
 * done for real in both modes; what is held is the order in which its results come back, among everything else
 * that comes back. Its values are not on the tape yet: a file that has changed since is another file.
 *
 * Not held: callback forms (`fs.readFile` with a callback, `zlib`), file handles, `Bun.file`, streams of files.
 */

import type { SeamContext } from "./context.ts";
import { type AnyFunction, plain } from "./registry.ts";

const NOTHING = new Uint8Array(0);

/** A function that returns a promise, whose result waits for its turn. */
function inTurn(context: SeamContext): (original: AnyFunction) => AnyFunction {
  return (original) =>
    plain(function (this: unknown, ...args: unknown[]) {
      const session = context.session();
      if (session === undefined) return Reflect.apply(original, this, args);
      // What the platform calls for it later on passes through as well.
      const real = session.runInside(() => Reflect.apply(original, this, args)) as unknown;
      if (!(real instanceof Promise)) return real;
      return new Promise((resolve, reject) => {
        let settle: () => void = () => {};
        const op = session.open({ type: "timer", kind: "work", delay: 0 }, () => settle(), { start() {} });
        real.then((value) => {
          settle = () => resolve(value);
          op.sent(NOTHING);
        }, (error) => {
          settle = () => reject(error);
          op.sent(NOTHING);
        });
      });
    });
}

const FILES = [
  "access",
  "appendFile",
  "chmod",
  "copyFile",
  "cp",
  "link",
  "lstat",
  "mkdir",
  "mkdtemp",
  "readFile",
  "readdir",
  "readlink",
  "realpath",
  "rename",
  "rm",
  "rmdir",
  "stat",
  "symlink",
  "truncate",
  "unlink",
  "utimes",
  "writeFile",
];
const DENO_FILES = [
  "chmod",
  "copyFile",
  "lstat",
  "makeTempDir",
  "makeTempFile",
  "mkdir",
  "readFile",
  "readLink",
  "readTextFile",
  "realPath",
  "remove",
  "rename",
  "stat",
  "symlink",
  "truncate",
  "writeFile",
  "writeTextFile",
];
const SUBTLE = [
  "decrypt",
  "deriveBits",
  "deriveKey",
  "digest",
  "encrypt",
  "exportKey",
  "generateKey",
  "importKey",
  "sign",
  "unwrapKey",
  "verify",
  "wrapKey",
];

/** Patches work on the platform's threads. */
export function workSeam(context: SeamContext): void {
  const { registry, builtins } = context;
  const held = inTurn(context);
  builtins.patch(registry, "node:fs/promises", Object.fromEntries(FILES.map((name) => [name, held])));
  const fs = builtins.get<{ promises?: object }>("node:fs");
  const promises = builtins.get<object>("node:fs/promises");
  if (fs?.promises !== undefined && fs.promises !== promises) {
    for (const name of FILES) registry.method(fs.promises, name, held);
  }
  const { Deno } = globalThis as unknown as { Deno?: object };
  if (Deno !== undefined) { for (const name of DENO_FILES) registry.method(Deno, name, held); }
  for (const name of SUBTLE) registry.method(globalThis.crypto.subtle, name, held);
}
