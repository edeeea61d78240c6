/**
 * How a recorded process tells its launcher of the secrets that it has learned (from a request's headers), so
 * that they don't stand in the teed output either. They pass through the tape's file, masked with a key that is
 * in the two processes' memory only, and the rows are gone when the run is closed.
 */

import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Core } from "../../wasm/core.ts";
import type { Database } from "./database.ts";

/** A secret, and what stands for it on the tape. */
export interface HandedSecret {
  readonly value: string;
  readonly stand: string;
}

/** Masks or unmasks: a key stream of SHA-256 blocks over key, number and block number. Each number is used once. */
function mask(core: Core, key: Uint8Array, seq: number, bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  for (let block = 0; block * 32 < out.length; block++) {
    const stream = core.sha256(utf8(`${Array.from(key).join()} ${seq} ${block}`));
    for (let i = 0; i < 32 && block * 32 + i < out.length; i++) out[block * 32 + i]! ^= stream[i]!;
  }
  return out;
}

/** Reads what `maskSecret` wrote. */
export function unmaskSecret(core: Core, key: Uint8Array, seq: number, data: Uint8Array): HandedSecret {
  const [value, stand] = JSON.parse(fromUtf8(mask(core, key, seq, data))) as [string, string];
  return { value, stand };
}

/** What the recorded process writes. `lane` keeps the numbers of several processes apart. */
export function maskSecret(core: Core, key: Uint8Array, seq: number, secret: HandedSecret): Uint8Array {
  return mask(core, key, seq, utf8(JSON.stringify([secret.value, secret.stand])));
}

/** The launcher's side. */
export class HandedSecrets {
  readonly #db: Database;
  readonly #core: Core;
  readonly #run: number;
  readonly #key: Uint8Array;
  readonly #select;
  readonly #seen = new Set<number>();

  constructor(db: Database, core: Core, run: number, key: Uint8Array) {
    this.#db = db;
    this.#core = core;
    this.#run = run;
    this.#key = key;
    this.#select = db.prepare("SELECT seq, data FROM handover WHERE run = ?");
  }

  /** Secrets that came since the last call. */
  take(): HandedSecret[] {
    const rows = this.#select.all(this.#run) as { seq: number; data: Uint8Array }[];
    return rows.filter(({ seq }) => !this.#seen.has(seq)).map(({ seq, data }) => {
      this.#seen.add(seq);
      return unmaskSecret(this.#core, this.#key, seq, data);
    });
  }

  /** Takes the rows away. */
  drop(): void {
    this.#db.exec("PRAGMA secure_delete = ON");
    this.#db.prepare("DELETE FROM handover WHERE run = ?").run(this.#run);
  }
}
