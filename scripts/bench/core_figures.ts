/**
 * Measures the WASM core against what it stands in for: hash-wasm, and the host's node:crypto. Both sides of a figure
 * take turns within one run, so that a machine that is busy is busy for both; what counts is the ratio.
 */

import { createHash } from "node:crypto";
import { createSHA256 } from "hash-wasm";
import { createWasmCore } from "../../wasm/mod.ts";
import { instantiate } from "../../wasm/module.ts";
import { WASM_BASE64 } from "../../wasm/core_generated.ts";

export interface CoreFigure {
  readonly what: string;
  readonly peer: string;
  /** Microseconds, the lower quartile. */
  readonly ours: number;
  readonly theirs: number;
  /** How many times as fast as the peer it should be, by runtime; none where it is only told. */
  readonly goal: Readonly<Record<string, number>>;
}

const NOT_YET = 10;

/** The lower quartile of what `ours` and `theirs` take in turns, in microseconds. `next` runs before each, untimed. */
function compare<T>(
  turns: number,
  next: (turn: number) => T,
  ours: (what: T) => unknown,
  theirs: (what: T) => unknown,
): { ours: number; theirs: number } {
  const times: [number[], number[]] = [[], []];
  for (let turn = -NOT_YET; turn < turns; turn++) {
    for (const side of turn % 2 === 0 ? [0, 1] : [1, 0]) {
      const what = next(turn + NOT_YET);
      const start = performance.now();
      if (side === 0) ours(what);
      else theirs(what);
      if (turn >= 0) times[side]!.push((performance.now() - start) * 1000);
    }
  }
  const [a, b] = times.map((each) => each.sort((x, y) => x - y)[each.length >> 2]!);
  return { ours: a!, theirs: b! };
}

function node(data: Uint8Array | string): Uint8Array {
  return createHash("sha256").update(data).digest();
}

/** What an agent sends: a conversation as JSON, of about `size` bytes. */
function conversation(size: number): string {
  const messages = [];
  for (let i = 0; i * 300 < size; i++) {
    messages.push({
      role: i % 2 === 0 ? "user" : "assistant",
      content: `step ${i}: ${"the quick brown fox ".repeat(13)}`,
    });
  }
  return JSON.stringify({ model: "some-model", messages }).slice(0, size);
}

/** All figures; takes about ten seconds. `turns`: how often each side is measured. */
export async function coreFigures(turns = 120): Promise<CoreFigure[]> {
  const core = createWasmCore();
  const second = await createSHA256();
  const peer = (data: Uint8Array) => second.init().update(data).digest("binary");
  const bytes = new Uint8Array(1 << 20).map((_, i) => i * 7 ^ i >> 8);
  const figures: CoreFigure[] = [];
  const add = (
    what: string,
    against: string,
    goal: CoreFigure["goal"],
    measured: { ours: number; theirs: number },
  ) => figures.push({ what, peer: against, goal, ...measured });
  const nothing = () => undefined;

  add(
    "one stream, 1 MiB",
    "hash-wasm",
    { deno: 1.5 },
    compare(turns, nothing, () => core.sha256(bytes), () => peer(bytes)),
  );
  const four = [0, 1, 2, 3].map((i) => bytes.subarray(i << 16, (i + 1) << 16));
  add(
    "four lanes, 4 × 64 KB",
    "hash-wasm",
    { deno: 3, bun: 1.5 },
    compare(turns, nothing, () => core.sha256Many(four), () => four.forEach(peer)),
  );
  const small = Array.from({ length: 1000 }, (_, i) => bytes.slice(i * 64, i * 64 + 64));
  add(
    "1,000 × 64 bytes",
    "node:crypto",
    { deno: 5 },
    compare(turns, nothing, () => core.sha256Many(small), () => small.forEach(node)),
  );
  const chunks = Array.from(
    { length: 100 },
    (_, i) => bytes.slice(i * 2000, i * 2000 + 512 + i * 997 % 3600),
  );
  add(
    "100 chunks of 0.5 to 4 KB",
    "node:crypto",
    {},
    compare(turns, nothing, () => core.sha256Many(chunks), () => chunks.forEach(node)),
  );
  figures.push(...scannerFigures(turns), ...hostFigures(turns, bytes), ...indexFigures(turns, small));
  return figures;
}

function scannerFigures(turns: number): CoreFigure[] {
  const figures: CoreFigure[] = [];
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const whole = conversation(1_300_000);
  const lanes = [0, 1].map((lane) => encoder.encode(`{"conversation":${lane},${whole.slice(1)}`));
  for (const kind of ["bytes", "text", "bytes in the cache"] as const) {
    const scanner = createWasmCore().scanner(undefined, node);
    const next = (turn: number) => {
      // A hundred steps make a conversation; the next one differs from it at its beginning.
      const lane = lanes[Math.floor((turn + NOT_YET) / 100) % 2]!;
      const body = lane.subarray(0, 1_000_000 + (turn + NOT_YET) % 100 * 2500);
      if (kind === "bytes in the cache") return body;
      // Made anew, as an agent makes it; it has left the cache, and so has what the scanner remembers.
      const text = JSON.parse(JSON.stringify(decoder.decode(body)));
      return kind === "text" ? text : encoder.encode(text);
    };
    const ours = (body: Uint8Array | string) => {
      scanner.load(body);
      scanner.digest();
      scanner.remember();
    };
    figures.push({
      what: `1 MB that grows by 2.5 KB, as ${kind}: load, digest, remember`,
      peer: "node:crypto on all of it",
      goal: { deno: 4, bun: 4, node: 4 },
      ...compare(turns, next, ours, node),
    });
  }
  const fresh = createWasmCore().scanner();
  const body = encoder.encode(whole);
  figures.push({
    what: "cut 1.3 MB, all new",
    peer: "node:crypto on it",
    goal: {},
    ...compare(turns, () => fresh.load(body), () => fresh.cut(), () => node(body)),
  });
  return figures;
}

/** From which size on the host is faster for what is new: the threshold of wasm/scanner.ts. */
function hostFigures(turns: number, bytes: Uint8Array): CoreFigure[] {
  const core = createWasmCore();
  return [1024, 2048, 4096, 8192, 65536].map((size) => {
    const many = Array.from({ length: 20 }, (_, i) => bytes.slice(i, i + size));
    return {
      what: `20 × ${size} bytes, one stream`,
      peer: "node:crypto",
      goal: {},
      ...compare(turns, () => undefined, () => many.forEach(core.sha256), () => many.forEach(node)),
    };
  });
}

function indexFigures(turns: number, keys: readonly Uint8Array[]): CoreFigure[] {
  const core = createWasmCore();
  const digests = keys.map((key) => core.sha256(key));
  const index = core.digestIndex();
  const map = new Map<string, number>();
  const hex = (digest: Uint8Array) =>
    Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  digests.forEach((digest, i) => {
    index.set(digest, i);
    map.set(hex(digest), i);
  });
  return [{
    what: "1,000 look-ups of a digest",
    peer: "a Map by its hex",
    goal: {},
    ...compare(
      turns,
      () => undefined,
      () => digests.forEach((digest) => index.get(digest)),
      () => digests.forEach((digest) => map.get(hex(digest))),
    ),
  }];
}

/** Bytes of the module, and what it takes to compile it and to make an instance of it, milliseconds, the first time. */
export function moduleFigures(): { bytes: number; compile: number; instance: number; second: number } {
  const binary = Uint8Array.from(atob(WASM_BASE64), (char) => char.charCodeAt(0));
  const times = [performance.now()];
  const module = new WebAssembly.Module(binary);
  times.push(performance.now());
  new WebAssembly.Instance(module);
  times.push(performance.now());
  instantiate();
  const before = performance.now();
  instantiate();
  const second = performance.now() - before;
  return { bytes: binary.length, compile: times[1]! - times[0]!, instance: times[2]! - times[1]!, second };
}
