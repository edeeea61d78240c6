/**
 * What this process was told to do, from `TRACEFORK_*` variables. On Deno a variable that may not be read is
 * taken as unset, without asking the user.
 */

/** Variables by which the launcher speaks to the preload; the first five are public. */
export const ORDER_VARIABLES = [
  "TRACEFORK_MODE",
  "TRACEFORK_STORE",
  "TRACEFORK_TAPE",
  "TRACEFORK_NAME",
  "TRACEFORK_REDACT",
  "TRACEFORK_RUN",
  "TRACEFORK_REPORT",
  "TRACEFORK_SECRETS",
  "TRACEFORK_OPTIONS",
  "TRACEFORK_KEY",
] as const;

type OrderVariable = typeof ORDER_VARIABLES[number];

/** Options of a replay, as JSON in `TRACEFORK_OPTIONS`. */
export interface ReplayOptions {
  readonly recordedSpeed?: boolean;
  readonly liveDraws?: boolean;
  /** Seconds without progress after which a replay is stalled. */
  readonly stallAfter?: number;
  /** The signal that ended the recorded run: an idle replay that is done ends itself with it. */
  readonly endSignal?: string;
  readonly codeChanged?: boolean;
}

/** See the head of this file. */
export interface Orders {
  readonly mode: "record" | "replay" | "fork" | "off";
  readonly get: (name: OrderVariable) => string | undefined;
  readonly options: ReplayOptions;
  /** Environment variables that hold secrets, with their values. */
  readonly secrets: readonly (readonly [name: string, value: string])[];
}

interface DenoPermissions {
  permissions?: { querySync(what: { name: "env"; variable: string }): { state: string } };
}

/** A variable's value; undefined where it is unset or may not be read. */
export function readEnv(name: string): string | undefined {
  const { Deno } = globalThis as unknown as { Deno?: DenoPermissions };
  if (Deno?.permissions !== undefined) {
    try {
      if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") return undefined;
    } catch {
      return undefined;
    }
  }
  return globalThis.process.env[name];
}

/** Reads the orders. @throws RangeError for a mode that does not exist. */
export function readOrders(isSecret: (name: string, value: string) => boolean): Orders {
  const get = (name: OrderVariable) => readEnv(name) || undefined;
  const mode = get("TRACEFORK_MODE") ?? "record";
  if (mode !== "record" && mode !== "replay" && mode !== "fork" && mode !== "off") {
    throw new RangeError(`TRACEFORK_MODE is ${JSON.stringify(mode)}, expected record, replay or off`);
  }
  const listed = get("TRACEFORK_SECRETS");
  let names: string[] = [];
  if (listed !== undefined) names = listed.split(",");
  else if (mode !== "off") {
    try {
      names = Object.entries(globalThis.process.env).filter(([name, value]) => isSecret(name, value ?? ""))
        .map(([name]) => name);
    } catch {
      names = [];
    }
  }
  const secrets = names.flatMap((name) => {
    const value = readEnv(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { mode, get, secrets, options: JSON.parse(get("TRACEFORK_OPTIONS") ?? "{}") as ReplayOptions };
}
