/**
 * The core with the host's own SHA-256 for large messages, where that is several times faster than WASM
 * (`docs/performance.md`). Small ones stay in WASM, because a call into the host costs more than they do.
 */

import type { Core } from "../../wasm/core.ts";
import type { Platform } from "../seams/install.ts";

/** From this size on, in bytes, the host's own is faster on Deno, Bun and Node. */
const HOST_FROM = 4096;

interface HostCrypto {
  createHash(name: "sha256"): { update(data: Uint8Array): { digest(): Uint8Array } };
}

/** Wraps `core`. The host's function is taken before anything is patched. */
export function hostCore(core: Core, platform: Platform): Core {
  const crypto = platform.builtins.get<HostCrypto>("node:crypto");
  if (crypto === undefined) return core;
  const { createHash } = crypto;
  const host = (data: Uint8Array) => new Uint8Array(createHash("sha256").update(data).digest());
  return {
    ...core,
    sha256: (data) => data.length < HOST_FROM ? core.sha256(data) : host(data),
    scanner: (budget) => core.scanner(budget, host),
  };
}
