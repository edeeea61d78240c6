/**
 * The compiled AssemblyScript module (wasm/assembly) and its instances. It runs inside a preload, before the agent's
 * first line: so it imports nothing from the platform, compiles synchronously, and calls no global that a seam may
 * have patched. Each instance has a memory of its own and is for one thread.
 */

import { WASM_BASE64 } from "./core_generated.ts";

/** The exports of wasm/assembly/index.ts. Addresses and lengths are in bytes. */
export interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly IO: WebAssembly.Global;
  readonly IO_SIZE: WebAssembly.Global;
  readonly STATE: WebAssembly.Global;
  readonly LINK: WebAssembly.Global;
  readonly DIGEST: WebAssembly.Global;
  readonly MESSAGES: WebAssembly.Global;
  readonly DIGESTS: WebAssembly.Global;
  readonly BATCH: WebAssembly.Global;
  readonly HEAP: WebAssembly.Global;
  readonly STRIDE: WebAssembly.Global;
  readonly KEY: WebAssembly.Global;
  readonly GEAR: WebAssembly.Global;
  reserve(end: number): number;
  begin(): void;
  blocks(count: number): void;
  finish(length: number, total: number): void;
  hash(length: number): void;
  link(length: number, total: number): void;
  many(count: number): void;
  common(a: number, b: number, limit: number): number;
  digestBody(body: number, size: number, marks: number, known: number): number;
  cut(body: number, size: number, from: number, ends: number): number;
  listChunks(body: number, from: number, ends: number, count: number): void;
  beginIndex(records: number): number;
  get(): number;
  set(value: number): number;
  add(value: number): number;
  take(): number;
}

const { Module, Instance } = WebAssembly;
let compiled: WebAssembly.Module | undefined;

/** A fresh instance. The module is decoded and compiled the first time. */
export function instantiate(): Exports {
  compiled ??= new Module(decodeBase64(WASM_BASE64));
  return new Instance(compiled).exports as unknown as Exports;
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native !== undefined) return native.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
