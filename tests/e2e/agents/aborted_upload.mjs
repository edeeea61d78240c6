// Aborts an upload while its body is still being given: what the body does afterwards is nobody's error.
const body = new ReadableStream({
  async pull(controller) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    controller.enqueue(new TextEncoder().encode("x".repeat(1000)));
    if (++pulls === 5) controller.close();
  },
});
let pulls = 0;
const abort = new AbortController();
setTimeout(() => abort.abort(), 12);
try {
  const url = `${process.env.ORIGIN}/slow`;
  await fetch(url, { method: "POST", body, duplex: "half", signal: abort.signal });
  console.log("answered");
} catch (error) {
  console.log(error.name);
}
await new Promise((resolve) => setTimeout(resolve, 60));
console.log("alive", pulls);
