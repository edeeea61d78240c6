/** The contract: every case, in the order they run. */
import type { ContractCase } from "./contract.ts";
import { abortCases } from "./cases_abort.ts";
import { beyondCases } from "./cases_beyond.ts";
import { branchCases } from "./cases_branches.ts";
import { clockCases } from "./cases_clock.ts";
import { contextCases } from "./cases_context.ts";
import { encodingCases } from "./cases_encoding.ts";
import { errorCases } from "./cases_errors.ts";
import { identityCases } from "./cases_identity.ts";
import { identityResponseCases } from "./cases_identity_response.ts";
import { localCases } from "./cases_local.ts";
import { optionCases } from "./cases_options.ts";
import { orderCases } from "./cases_order.ts";
import { pipeCases } from "./cases_pipes.ts";
import { raceCases } from "./cases_race.ts";
import { randomCases } from "./cases_random.ts";
import { readerCases } from "./cases_readers.ts";
import { redirectCases } from "./cases_redirect.ts";
import { requestCases } from "./cases_request.ts";
import { responseCases } from "./cases_response.ts";
import { streamCases } from "./cases_streams.ts";
import { timerCases } from "./cases_timers.ts";
import { timersPromisesCases } from "./cases_timers_promises.ts";
import { uploadCases } from "./cases_uploads.ts";

export const cases: readonly ContractCase[] = [
  ...requestCases,
  ...optionCases,
  ...uploadCases,
  ...responseCases,
  ...readerCases,
  ...redirectCases,
  ...encodingCases,
  ...streamCases,
  ...branchCases,
  ...pipeCases,
  ...errorCases,
  ...abortCases,
  ...raceCases,
  ...localCases,
  ...identityResponseCases,
  ...identityCases,
  ...timerCases,
  ...timersPromisesCases,
  ...orderCases,
  ...contextCases,
  ...clockCases,
  ...randomCases,
  ...beyondCases,
];
