/**
 * Two origins for runs by hand: prints `<origin-url> <other-url>` and stays until its stdin ends, so that
 * `main.ts` can be run against them natively, recorded and replayed.
 */
import process from "node:process";
import { startOrigin } from "./origin.ts";

const [origin, other] = [await startOrigin(), await startOrigin()];
process.stdout.write(`${origin.url} ${other.url}\n`);
process.stdin.on("end", () => void Promise.all([origin.close(), other.close()]));
process.stdin.resume();
