/**
 * Asks for as many answers as its second argument says, from the URL of its first, and prints their total size:
 * what it has when its disk is full as well.
 */
import process from "node:process";

const [url, count] = process.argv.slice(2);
let total = 0;
for (let i = 0; i < Number(count); i++) {
  const response = await fetch(`${url}/${i}`);
  total += (await response.arrayBuffer()).byteLength;
}
console.log(`${total} bytes`);
