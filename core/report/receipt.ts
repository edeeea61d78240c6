/** The replay receipt as text: fixed by the command line's contract. */

import type { Divergence } from "../session/divergence.ts";

/** What a receipt shows; `engine/replay_run.ts` computes it. */
export interface ReceiptFacts {
  readonly tape: string;
  readonly exact: boolean;
  readonly state: string;
  readonly exchanges: { readonly recorded: number; readonly matched: number };
  readonly draws: { readonly recorded: number; readonly served: number };
  readonly deliveries: { readonly recorded: number; readonly released: number };
  readonly output: { readonly identical: boolean | null };
  readonly exit: { readonly recorded: number | string | null; readonly replayed: number | string | null };
  readonly fingerprint: { readonly recorded: string; readonly replayed: string };
  readonly chain_intact: boolean;
  readonly left_over: boolean;
  readonly network_calls: number;
  readonly cost_usd: number;
  readonly recorded_ms: number;
  readonly replayed_ms: number;
  readonly divergence: Divergence | null;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function short(hex: string): string {
  return hex === "" ? "none" : `${hex.slice(0, 6)}…`;
}

function mark(yes: boolean): string {
  return yes ? "[x]" : "[ ]";
}

/** The lines about a divergence: step, expected against got, fields, nearest request, what to do next. */
export function divergenceText(tape: string, divergence: Divergence): string {
  const { step, kind, cause, expected, got, where, hint, nearest, diff } = divergence;
  return [
    `  diverged at step ${step} (${kind}): ${cause}`,
    `    expected  ${expected}`,
    `    got       ${got}`,
    ...(where === "" ? [] : [`    at        ${where}`]),
    ...(nearest === undefined ? [] : [`    nearest   recorded request ${tape}:${nearest}`]),
    ...(diff ?? []).slice(0, 20).map((line) => `      ${line}`),
    `    ${hint}`,
    "  go on with",
    `    tracefork show ${tape}:${nearest ?? step}`,
    `    tracefork verify ${tape}`,
    "",
  ].join("\n");
}

/** The whole receipt. `command` is the recorded one. */
export function receiptText(facts: ReceiptFacts, command: string): string {
  const { exchanges, draws, deliveries, output, exit, fingerprint } = facts;
  const allMatched = exchanges.matched === exchanges.recorded;
  const allServed = draws.served === draws.recorded && facts.divergence?.kind !== "draw";
  const lines = [
    `tracefork replay  ${facts.tape}  "${command}"`,
    `exchanges matched ....... ${exchanges.matched}/${exchanges.recorded}      ` +
    `draws served ...... ${draws.served}/${draws.recorded}      ` +
    `deliveries released ... ${deliveries.released}/${deliveries.recorded}`,
    `recorded fingerprint .... ${short(fingerprint.recorded)}  replayed fingerprint .... ${
      short(fingerprint.replayed)
    }`,
    `network calls / spend ... ${facts.network_calls} / $${facts.cost_usd.toFixed(2)}     ` +
    `time ... ${seconds(facts.recorded_ms)} recorded, ${seconds(facts.replayed_ms)} replayed`,
    `${mark(allMatched)} every request byte-identical   ${mark(allServed)} every draw served in order   ` +
    `${mark(!facts.left_over)} nothing left over`,
    `${mark(output.identical === true)} output ${
      output.identical === null ? "not recorded  " : "byte-identical"
    }          ${
      mark(exit.recorded === exit.replayed)
    } exit code ${exit.recorded} = ${exit.replayed}        ` +
    `${mark(facts.chain_intact && fingerprint.recorded === fingerprint.replayed)} chain recomputed and equal`,
    `RESULT: ${
      facts.exact ? "EXACT" : facts.state === "complete" ? "DIVERGED" : "NOT EXACT: the recording was cut off"
    }`,
  ];
  return `${lines.map((line) => `  ${line}`).join("\n")}\n`;
}
