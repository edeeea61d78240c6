/** All verbs, in the order in which help shows them. To add one, write its file and name it here. */

import { demoVerb } from "./demo.ts";
import { lsVerb } from "./ls.ts";
import { replayVerb } from "./replay.ts";
import { runVerb } from "./run.ts";
import { showVerb } from "./show.ts";
import type { Verb } from "./verb.ts";
import { verifyVerb } from "./verify.ts";
import { whereVerb } from "./where.ts";

export const VERBS: readonly Verb[] = [
  runVerb,
  replayVerb,
  verifyVerb,
  demoVerb,
  lsVerb,
  showVerb,
  whereVerb,
];
