/**
 * The preload as a file on disk: written once to a cache path that is named by its hash, private to the user.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemCode, TraceforkError } from "../base/errors.ts";
import { PRELOAD_HASH, PRELOAD_SOURCE } from "./preload_generated.ts";

function isThere(path: string): boolean {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex") === PRELOAD_HASH;
  } catch {
    return false;
  }
}

function write(folder: string): string {
  const path = join(folder, `preload-${PRELOAD_HASH.slice(0, 16)}.cjs`);
  if (isThere(path)) return path;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const part = `${path}.${process.pid}.part`;
  writeFileSync(part, PRELOAD_SOURCE, { mode: 0o600 });
  renameSync(part, path);
  return path;
}

/**
 * Path of the preload, written when it isn't there yet: in the user's cache folder, else in the system's
 * folder for temporary files. What is there already is used only when its hash is right.
 */
export function preloadFile(env: Readonly<Record<string, string | undefined>>): string {
  const home = env.HOME ?? env.USERPROFILE;
  const cache = env.XDG_CACHE_HOME || (home === undefined ? undefined : join(home, ".cache"));
  const folders = [
    ...(cache === undefined ? [] : [join(cache, "tracefork")]),
    join(tmpdir(), `tracefork-${process.getuid?.() ?? "user"}`),
  ];
  let failure: unknown;
  for (const folder of folders) {
    try {
      return write(folder);
    } catch (error) {
      failure = error;
    }
  }
  throw new TraceforkError(
    systemCode(failure) === "ENOSPC" ? "TF_DISK_FULL" : "TF_NOT_WRITABLE",
    `Cannot write the preload: tried ${folders.join(" and ")}`,
    { hint: "set XDG_CACHE_HOME to a folder that you may write to", cause: failure },
  );
}
