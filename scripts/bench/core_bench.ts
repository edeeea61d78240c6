/**
 * Prints how the WASM core compares, on the runtime that runs it; as JSON when asked:
 *
 *   deno run -A scripts/bench/core_bench.ts [json] [turns]      or with bun, or with node
 */

import process from "node:process";
import { coreFigures, moduleFigures } from "./core_figures.ts";
import { RUNTIME as name } from "../../core/base/runtime.ts";

const [form, turns] = process.argv.slice(2);
const { bytes, compile, instance, second } = moduleFigures();
const figures = await coreFigures(Number(turns ?? 120));
if (form === "json") {
  console.log(JSON.stringify(figures));
  process.exit();
}
console.log(
  `${name}: module of ${bytes} bytes, compiled in ${compile.toFixed(2)} ms, ` +
    `first instance ${instance.toFixed(2)} ms, a later one ${second.toFixed(2)} ms`,
);
for (const { what, peer, ours, theirs, goal } of figures) {
  const ratio = theirs / ours;
  const want = goal[name];
  const verdict = want === undefined
    ? ""
    : ratio >= want
    ? `  (goal ${want}: met)`
    : `  (goal ${want}: missed)`;
  console.log(
    `${ratio.toFixed(2).padStart(6)} ×  ${what}: ${ours.toFixed(1)} µs, ${peer} ${
      theirs.toFixed(1)
    } µs${verdict}`,
  );
}
