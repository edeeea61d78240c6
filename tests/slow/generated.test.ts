/** 500 generated programs on each runtime; see `tests/e2e/generated.test.ts`. Takes about ten minutes. */
import { onEachRuntime } from "../helpers/box.ts";
import { replayGenerated, seedsOf } from "../helpers/generated.ts";

onEachRuntime(
  "500 generated agents replay exact",
  (box, runtime) => replayGenerated(box, runtime, seedsOf(500)),
);
