/**
 * Agents that nobody wrote: 30 generated programs on each runtime, recorded against a server that is truly random,
 * replayed with the server's answers from the tape. `tests/slow` has 500.
 */
import { onEachRuntime } from "../helpers/box.ts";
import { replayGenerated, seedsOf } from "../helpers/generated.ts";

onEachRuntime(
  "30 generated agents replay exact",
  (box, runtime) => replayGenerated(box, runtime, seedsOf(30, 0)),
);
