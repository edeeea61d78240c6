// What this agent sends depends on what came first: the keys of its JSON stand in the order in which answers
// arrived, and a retried call says in a header how often it was tried.
const base = process.env.ORIGIN;

const seen = {};
await Promise.all(["a", "b", "c", "d"].map(async (name) => {
  const answer = await fetch(`${base}/late?${name}`);
  seen[name] = (await answer.text()).length;
}));
await fetch(`${base}/sum`, { method: "POST", body: JSON.stringify(seen) });
console.log(JSON.stringify(seen));

for (let tries = 0;; tries++) {
  const answer = await fetch(`${base}/flaky`, {
    method: "POST",
    headers: { "x-stainless-retry-count": `${tries}` },
  });
  await answer.text();
  console.log(tries, answer.status);
  if (answer.ok) break;
}
