/**
 * Draws as often as its argument says, and prints the same whatever came of it. No network.
 */
import process from "node:process";

for (let i = 0; i < Number(process.argv[2]); i++) Math.random();
console.log("done");
