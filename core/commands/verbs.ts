/**
 * All verbs, in the order in which help shows them. To add one, write its file and name it here. A verb is loaded when
 * it is wanted: a `verify` need not wait for the demo's model server.
 */

import type { Verb } from "./verb.ts";

/** A verb that is not loaded yet. Names are those of the verb itself. */
export interface VerbEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  load(): Promise<Verb>;
}

export const VERBS: readonly VerbEntry[] = [
  { name: "run", aliases: ["record"], load: async () => (await import("./run.ts")).runVerb },
  { name: "replay", load: async () => (await import("./replay.ts")).replayVerb },
  { name: "fork", load: async () => (await import("./fork.ts")).forkVerb },
  { name: "verify", load: async () => (await import("./verify.ts")).verifyVerb },
  { name: "demo", load: async () => (await import("./demo.ts")).demoVerb },
  { name: "ls", load: async () => (await import("./ls.ts")).lsVerb },
  { name: "show", load: async () => (await import("./show.ts")).showVerb },
  { name: "diff", load: async () => (await import("./diff.ts")).diffVerb },
  { name: "export", load: async () => (await import("./export.ts")).exportVerb },
  { name: "import", load: async () => (await import("./import.ts")).importVerb },
  { name: "note", load: async () => (await import("./note.ts")).noteVerb },
  { name: "rm", load: async () => (await import("./rm.ts")).rmVerb },
  { name: "prune", load: async () => (await import("./prune.ts")).pruneVerb },
  { name: "completions", load: async () => (await import("./completions.ts")).completionsVerb },
  { name: "where", load: async () => (await import("./where.ts")).whereVerb },
];

/** All verbs, loaded. */
export function loadVerbs(): Promise<Verb[]> {
  return Promise.all(VERBS.map((entry) => entry.load()));
}
