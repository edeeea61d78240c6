// Replaces what a report could be written and a process be ended with, then asks for more than it did.
const extra = process.argv[2] === "extra";
console.log(Date.now() > 1, (await fetch(process.env.ORIGIN + "/json")).status);
if (extra) {
  JSON.stringify = () => "{}";
  process.exit = process.reallyExit = () => {};
  await fetch(process.env.ORIGIN + "/json").catch(() => {});
}
