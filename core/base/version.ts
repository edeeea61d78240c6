/** tracefork's version; `deno.json` says the same, and `scripts/check.ts` holds the two together. */
export const VERSION = "0.1.0";
