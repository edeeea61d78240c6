/**
 * Where runs are kept: which store file, and why that one. Found like `.git`: an explicit file, then
 * `TRACEFORK_STORE`, then the nearest `.tracefork/` upward, then the user's data folder.
 */

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** A store file and how it was found. */
export interface StorePlace {
  readonly path: string;
  readonly source: "flag" | "environment" | "folder" | "data folder";
}

/** What the search needs from the surroundings; functions, so that no variable is read without need. */
export interface Surroundings {
  readonly cwd: string;
  env(name: string): string | undefined;
}

/** The nearest `.tracefork/` at or above `from`. */
function folderAbove(from: string): string | undefined {
  for (let at = resolve(from);; at = dirname(at)) {
    const candidate = join(at, ".tracefork");
    if (existsSync(candidate)) return candidate;
    if (dirname(at) === at) return undefined;
  }
}

/** Finds the store. `flag` is what `--store` says. */
export function locateStore({ cwd, env }: Surroundings, flag?: string): StorePlace {
  if (flag !== undefined) return { path: resolve(cwd, flag), source: "flag" };
  const named = env("TRACEFORK_STORE");
  if (named) return { path: resolve(cwd, named), source: "environment" };
  const folder = folderAbove(cwd);
  if (folder !== undefined) return { path: join(folder, "store.db"), source: "folder" };
  const data = env("XDG_DATA_HOME") || join(env("HOME") ?? env("USERPROFILE") ?? cwd, ".local", "share");
  return { path: join(data, "tracefork", "store.db"), source: "data folder" };
}
