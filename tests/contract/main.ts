/**
 * The contract as a program: `main.ts <origin-url> <other-url> [filter …]` runs the cases in sequence and
 * prints one JSON line for each, `{"name", "observation", "measured"}` or `{"name", "threw", "measured"}`.
 *
 * Run natively it says what the runtime does; recorded and replayed by tracefork it has to say the same. Nothing
 * in it reaches outside but by fetch, timers, clock and random. It ends by itself: a case that leaves a timer or a
 * stream behind makes it hang, and that is a finding. Cases named "noisy: …" make the runtime write to stderr, with its
 * process id; without them (`!noisy`) stderr stays empty. `!beyond` leaves out what no seam covers.
 */
import process from "node:process";
import { cases } from "./cases.ts";
import { describeError } from "./observe.ts";
import { runCase, select } from "./contract.ts";

const [url, other, ...filters] = process.argv.slice(2);
if (url === undefined || other === undefined) {
  process.stderr.write("usage: main.ts <origin-url> <other-url> [text | !text …]\n");
  process.exitCode = 2;
} else {
  // An error that nobody caught ends the run with status 1, but after the other cases have had their say. Cases that
  // are about such errors listen themselves.
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, (error: unknown) => {
      if (process.listenerCount(event) > 1) return;
      process.exitCode = 1;
      process.stderr.write(`${event}: ${JSON.stringify(describeError(error))}\n`);
    });
  }
  for (const one of select(cases, filters)) {
    const result = await runCase(one, url.replace(/\/$/, ""), other.replace(/\/$/, ""));
    process.stdout.write(JSON.stringify(result) + "\n");
  }
}
