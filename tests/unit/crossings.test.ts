/** What a receipt calls network calls is counted where calls pass: with no session to refuse them, each one is. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { installSeams, takePlatform } from "../../core/seams/install.ts";

test("a call that goes to the network for real is counted, and one that stays here is not", async () => {
  const platform = takePlatform();
  const { undo } = installSeams(platform, () => undefined);
  try {
    await fetch("http://127.0.0.1:1/").catch(() => {});
    const asked = platform.crossings.network;
    // Where `fetch` is built on sockets of `node:net`, these count too.
    assert.ok(asked >= 1, `${asked} calls`);
    await new Promise((resolve) => connect({ port: 1, host: "127.0.0.1" }).on("error", resolve));
    assert.equal(platform.crossings.network, asked + 1);
    setTimeout(() => {}, 0);
    crypto.randomUUID();
    assert.equal(platform.crossings.network, asked + 1);
  } finally {
    undo();
  }
});
