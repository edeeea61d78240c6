/**
 * A program's requests: what they carry, how they are aborted, what is told of the answer. `prepare` settles
 * everything that is sent, so that twins are byte for byte the same; `send` may run many times.
 */

import { drawBelow, drawQuietly } from "./draws.mjs";
import { readBody } from "./reads.mjs";
import { pause, reasonOf } from "./timers.mjs";
import { describe, digest, fault, take } from "./world.mjs";

/** @param {any} lane @param {string} carry */
function carried(lane, carry) {
  if (carry === "last") return lane.last;
  if (carry === "pool") return lane.world.pool.join(",");
  if (carry === "history") return lane.world.history;
  if (carry === "draw") return drawQuietly(lane, "random_uuid");
  return "nothing";
}

/** Pieces with pauses between them, sent as they come. @param {string[]} pieces @param {boolean} timed */
function streamOf(pieces, timed) {
  let cancelled = false;
  return new ReadableStream({
    async start(controller) {
      for (const piece of pieces) {
        if (timed) await pause(2);
        // The other side may hang up at any time; what the program does next must not depend on it.
        if (!cancelled) controller.enqueue(new TextEncoder().encode(piece));
      }
      if (!cancelled) controller.close();
    },
    cancel() {
      cancelled = true;
    },
  });
}

/** @param {string} kind @param {string} value */
function bodyOf(kind, value) {
  const text = JSON.stringify({ role: "user", value, turns: value.length });
  switch (kind) {
    case "json":
      return { body: text, headers: { "content-type": "application/json" } };
    case "bytes":
      return { body: new TextEncoder().encode(text) };
    case "params":
      return { body: new URLSearchParams({ value, kind }) };
    case "blob":
      return { body: new Blob([text, "\n", value], { type: "text/plain" }) };
    case "form": {
      const form = new FormData();
      form.append("value", value);
      form.append("file", new Blob([text]), "notes.json");
      return { body: form };
    }
    case "stream":
    case "stream_timed":
      return { body: streamOf([text, "\n", value, "\n"], kind === "stream_timed"), duplex: "half" };
    default:
      return {};
  }
}

/** @param {any} lane @param {any} spec */
export function prepare(lane, spec) {
  const value = carried(lane, spec.carry);
  const query = spec.carry === "nothing" || spec.body !== "none" ? "" : `?v=${encodeURIComponent(value)}`;
  return { url: `${lane.world.origin}${spec.path}${query}`, value };
}

/** Sets the abort of one request; the returned hooks are called as the request goes on. */
function armAbort(say, lane, { how, ms, reason, listen }) {
  const controller = new AbortController();
  let timer;
  const abort = () => {
    say("aborting");
    controller.abort(reasonOf(reason));
  };
  let signal = controller.signal;
  if (how === "timeout") signal = AbortSignal.timeout(ms);
  if (how === "any") signal = AbortSignal.any([controller.signal, AbortSignal.timeout(ms)]);
  // Kept, or a collected signal would fall silent whenever the collector likes.
  lane.world.kept.push(controller, signal);
  if (listen && how !== "none") {
    signal.addEventListener("abort", () => say(`signal aborted ${describe(signal.reason)}`), { once: true });
  }
  if (how === "before") abort();
  if (how === "head") timer = setTimeout(abort, ms);
  return {
    signal: how === "none" ? undefined : signal,
    issued() {
      if (how === "sync") abort();
      if (how === "micro") queueMicrotask(abort);
    },
    head() {
      if (how === "body_timer") timer = setTimeout(abort, Math.min(ms, 5));
    },
    chunk(count) {
      if (how === "body" && count === 1) abort();
    },
    done() {
      clearTimeout(timer);
      if (how === "late") abort();
    },
  };
}

/** What the head of an answer tells. @param {any} lane @param {Response} res */
function headOf(lane, res) {
  const url = res.url.replace(lane.world.origin, "").split("?")[0];
  const names = [...res.headers.keys()].join(",");
  const facts = [
    res.status,
    res.statusText,
    res.type,
    res.redirected ? "redirected" : "direct",
    url || "no-url",
  ];
  return `${facts.join(" ")} id=${res.headers.get("x-id")} headers=${digest(names)} cookies=${
    res.headers.getSetCookie().join("|")
  }`;
}

/**
 * One request and its answer. Fails as the platform fails, after saying so.
 * @param {any} say @param {any} lane @param {any} spec @param {any} prepared @param {AbortSignal} [cut]
 */
export async function send(say, lane, spec, prepared, cut) {
  const abort = armAbort(say, lane, spec.abort);
  const { headers, ...body } = bodyOf(spec.body, prepared.value);
  const signals = [abort.signal, cut].filter((signal) => signal !== undefined);
  const init = {
    ...body,
    method: spec.method,
    redirect: spec.redirect,
    headers: { ...headers, "x-agent": digest(prepared.value) },
    ...(signals.length > 0 ? { signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0] } : {}),
  };
  try {
    const pending = spec.as_request ? fetch(new Request(prepared.url, init)) : fetch(prepared.url, init);
    abort.issued();
    const res = await pending;
    abort.head();
    // A response that nobody holds may be cancelled by the collector.
    lane.world.kept.push(res);
    say(`head ${spec.path} ${headOf(lane, res)}`);
    const id = res.headers.get("x-id") ?? "";
    if (!res.ok) return { res, ok: false, summary: id };
    const summary = `${id}:${await readBody({ say, chunk: abort.chunk }, res, spec.read)}`;
    take(lane, summary);
    return { res, ok: true, summary };
  } catch (error) {
    say(`failed ${spec.path} ${describe(error)}`);
    throw error;
  } finally {
    abort.done();
  }
}

/** Runs `task`; with `swallow` its error ends here. */
async function maybeSwallow(say, swallow, task) {
  try {
    return await task();
  } catch (error) {
    if (!swallow) throw error;
    say(`swallowed ${describe(error)}`);
  }
}

export async function request({ say, st, lane }) {
  await maybeSwallow(say, st.swallow, async () => {
    const { ok, res, summary } = await send(say, lane, st, prepare(lane, st));
    if (ok) return;
    say(`not ok ${res.status} ${digest(await res.text())}`);
    take(lane, summary);
  });
}

/** Retries with jittered back-off, as SDKs do; the server's own wish comes first. */
export async function retry({ say, st, lane }) {
  await maybeSwallow(say, st.swallow, async () => {
    for (let attempt = 1; attempt <= st.attempts; attempt++) {
      let wanted = 0;
      try {
        const { ok, res } = await send(say, lane, st.request, prepare(lane, st.request));
        if (ok) return;
        wanted = Math.min(Number(res.headers.get("retry-after-ms") ?? 0), 20);
        say(`attempt ${attempt} ${res.status} retry-after=${res.headers.get("retry-after")}/${wanted}`);
        if (st.drain === "text") say(`drained ${digest(await res.text())}`);
        if (st.drain === "cancel") await res.body?.cancel();
      } catch (error) {
        say(`attempt ${attempt} ${describe(error)}`);
      }
      if (attempt === st.attempts) break;
      const ms = wanted || st.base_ms * attempt + drawBelow(st.jitter, st.base_ms);
      say(`back off ${ms}`);
      await pause(ms);
    }
    throw fault(`gave up on ${st.request.path}`);
  });
}

/** Identical requests in flight together: which answer reaches whom is all that tells them apart. */
export async function twins({ say, st, lane, join }) {
  const prepared = prepare(lane, st.request);
  await maybeSwallow(say, st.swallow, async () => {
    const calls = Array.from({ length: st.count }, async (_, index) => {
      const one = (text) => say(`twin ${index} ${text}`);
      const { ok, summary } = await send(one, lane, st.request, prepared);
      one(`came ${ok} ${summary} ${drawBelow("random_int", 1000)}`);
      if (!ok) throw fault(`twin ${index} was refused`);
      return summary;
    });
    say(`twins ${await join(st.join, calls)}`);
  });
}

/** A response against a timer of about the same time. */
export async function nearRace({ say, st, lane }) {
  const controller = new AbortController();
  lane.world.kept.push(controller);
  const timers = {
    timeout: () => pause(st.ms),
    timeout_promises: () => pause(st.ms),
    abort_timeout: () =>
      new Promise((resolve) => {
        const signal = AbortSignal.timeout(st.ms);
        lane.world.kept.push(signal);
        const anchor = setTimeout(() => {}, st.ms + 3);
        signal.onabort = () => (clearTimeout(anchor), resolve(undefined));
      }),
  };
  const loser = (who) => {
    say(`arrived ${who} ${drawQuietly(lane, st.source)}`);
    return who;
  };
  await maybeSwallow(say, st.swallow, async () => {
    const winner = await Promise.race([
      send(say, lane, st.request, prepare(lane, st.request), st.cuts ? controller.signal : undefined)
        .then(() => loser("response")),
      timers[st.via]().then(() => loser("timer")),
    ]);
    if (st.cuts && winner === "timer") controller.abort();
    say(`won by ${winner}`);
  });
}
