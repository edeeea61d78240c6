/**
 * A Deno agent that needs one permission: the network address that its first argument names. It also tries what it was
 * not allowed to do: read and write the file of its second argument, read a variable, ask another port.
 */
const [url, file] = Deno.args;

const tries = {
  read: () => Deno.readTextFileSync(file),
  list: () => [...Deno.readDirSync(".")].length,
  write: () => Deno.writeTextFileSync(file, "overwritten"),
  env: () => Deno.env.get("HOME"),
  run: () => {
    // Only asked for: a child process is refused on replay, whoever may start it.
    if (Deno.permissions.querySync({ name: "run" }).state !== "granted") throw new Deno.errors.NotCapable();
  },
  net: () => fetch("http://127.0.0.2:8099/"),
};
for (const [name, attempt] of Object.entries(tries)) {
  try {
    await attempt();
    console.log(`${name}: allowed`);
  } catch (error) {
    console.log(`${name}: ${error.name}`);
  }
}

const response = await fetch(`${url}/v1/messages`, {
  method: "POST",
  headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "any" },
  body: JSON.stringify({
    model: "claude-haiku-4-5-20251001",
    max_tokens: 100,
    messages: [{ role: "user", content: `It is ${new Date().toISOString()}, order ${crypto.randomUUID()}` }],
  }),
});
console.log(response.status, (await response.json()).content[0].text);
