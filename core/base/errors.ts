/**
 * The one error class that people see. Every error has a stable code, says what was wanted and what is
 * there, and carries a hint with the next step to take.
 */

/** Exit codes of the command line, fixed by its contract. */
export const EXIT = {
  ok: 0,
  checkFailed: 1,
  usage: 2,
  diverged: 3,
  tape: 4,
  interrupted: 130,
} as const;

/** Stable codes; scripts may match on them. */
export type ErrorCode =
  | "TF_USAGE"
  | "TF_COMMAND_NOT_FOUND"
  | "TF_COMMAND_NOT_EXECUTABLE"
  | "TF_TAPE_NOT_FOUND"
  | "TF_TAPE_AMBIGUOUS"
  | "TF_TAPE_EXISTS"
  | "TF_HAS_BRANCHES"
  | "TF_NOT_REPLAYABLE"
  | "TF_TAPE_IN_USE"
  | "TF_TAPE_EMPTY"
  | "TF_TAPE_TOO_NEW"
  | "TF_TAPE_TOO_OLD"
  | "TF_NOT_A_TAPE"
  | "TF_TAPE_DAMAGED"
  | "TF_STEP_OUT_OF_RANGE"
  | "TF_RESPONSE_INVALID"
  | "TF_NOT_WRITABLE"
  | "TF_DISK_FULL"
  | "TF_PERMISSION"
  | "TF_RUNTIME"
  | "TF_PORT"
  | "TF_CHECK_FAILED"
  | "TF_INTERNAL";

const EXIT_OF: Partial<Record<ErrorCode, number>> = {
  TF_USAGE: EXIT.usage,
  TF_STEP_OUT_OF_RANGE: EXIT.usage,
  TF_RESPONSE_INVALID: EXIT.usage,
  TF_COMMAND_NOT_FOUND: 127,
  TF_COMMAND_NOT_EXECUTABLE: 126,
  TF_NOT_REPLAYABLE: EXIT.diverged,
  TF_TAPE_NOT_FOUND: EXIT.tape,
  TF_TAPE_AMBIGUOUS: EXIT.usage,
  TF_TAPE_TOO_NEW: EXIT.tape,
  TF_TAPE_TOO_OLD: EXIT.tape,
  TF_NOT_A_TAPE: EXIT.tape,
  TF_TAPE_DAMAGED: EXIT.tape,
};

/** An expected failure: shown as one message and one hint, never with a stack trace (unless `--debug`). */
export class TraceforkError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TraceforkError";
    this.code = code;
    this.hint = options.hint;
  }

  /** The exit code that the command line ends with. */
  get exitCode(): number {
    return EXIT_OF[this.code] ?? EXIT.checkFailed;
  }
}

/** The `code` of a system error (`ENOENT`, …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** An error's message, or the value's text where something else was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
