/**
 * Runs a child process whose streams may be teed: what it writes goes through at once and to a listener too.
 * Signals are passed on; the first Ctrl-C lets the child end by itself, the second ends it.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import process from "node:process";
import { systemCode, TraceforkError } from "../base/errors.ts";

/** What happens to one of a child's streams. */
export type OutputPlan =
  | { readonly kind: "inherit" }
  | { readonly kind: "ignore" }
  | {
    readonly kind: "tee";
    /** Gets every chunk. */
    readonly onData: (chunk: Uint8Array) => void;
    /** Where the chunk goes on to; undefined for nowhere. */
    readonly to: NodeJS.WritableStream | undefined;
  };

/** What a child reads from its standard input. */
export type InputPlan =
  | { readonly kind: "inherit" }
  | { readonly kind: "ignore" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "tee"; readonly onData: (chunk: Uint8Array) => void };

/** A child to start. */
export interface ChildPlan {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of its process id. */
  readonly onStart?: (pid: number | undefined) => void;
  /** Looks after the child while it runs; true ends it at once. */
  readonly watch?: { readonly everyMs: number; look(): boolean };
  readonly stdin: InputPlan;
  readonly stdout: OutputPlan;
  readonly stderr: OutputPlan;
}

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly pid: number | undefined;
  /** True when the user pressed Ctrl-C meanwhile. */
  readonly interrupted: boolean;
}

/** `child.kill` marks the child as killed at once on Deno, whatever the child makes of the signal. */
function signalTo(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined && child.exitCode === null) process.kill(child.pid, signal);
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error;
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The path of a command, as the shell would find it.
 * @throws TraceforkError TF_COMMAND_NOT_FOUND (127) or TF_COMMAND_NOT_EXECUTABLE (126).
 */
export function findCommand(file: string, cwd: string, path: string | undefined): string {
  const direct = /[\\/]/.test(file);
  const candidates = direct
    ? [resolve(cwd, file)]
    : (path ?? "").split(delimiter).map((dir) => join(dir, file));
  const there = candidates.filter(isFile);
  for (const candidate of there) {
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not this one: a later folder may have an executable of that name.
    }
  }
  const folder = direct &&
    candidates.some((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isDirectory());
  if (folder) {
    throw new TraceforkError("TF_COMMAND_NOT_EXECUTABLE", `Cannot start ${file}: it is a folder`, {
      hint: "what stands after -- must be a command as you would type it in a shell",
    });
  }
  if (there.length > 0) {
    throw new TraceforkError(
      "TF_COMMAND_NOT_EXECUTABLE",
      `Cannot start ${file}: ${there[0]} is not executable`,
      {
        hint: "make it executable with chmod +x, or name its interpreter after --",
      },
    );
  }
  throw new TraceforkError(
    "TF_COMMAND_NOT_FOUND",
    `Cannot start ${file}: there is no such ${direct ? "file" : "command in PATH"}`,
    { hint: "what stands after -- must be a command as you would type it in a shell" },
  );
}

function stdio(plan: OutputPlan | InputPlan): "inherit" | "ignore" | "pipe" {
  return plan.kind === "inherit" || plan.kind === "ignore" ? plan.kind : "pipe";
}

function feed(child: ChildProcess, plan: InputPlan): () => void {
  const { stdin } = child;
  if (stdin === null) return () => {};
  // A child may end without having read it all.
  stdin.on("error", () => {});
  if (plan.kind === "bytes") {
    stdin.end(plan.bytes);
    return () => {};
  }
  if (plan.kind !== "tee") return () => {};
  const onData = (chunk: Uint8Array) => {
    plan.onData(chunk);
    if (!stdin.write(chunk)) {
      process.stdin.pause();
      stdin.once("drain", () => process.stdin.resume());
    }
  };
  const onEnd = () => void stdin.end();
  process.stdin.on("data", onData).on("end", onEnd).on("error", onEnd);
  return () => {
    process.stdin.off("data", onData).off("end", onEnd).off("error", onEnd);
    process.stdin.pause();
    process.stdin.unref?.();
  };
}

function tee(source: NodeJS.ReadableStream | null, plan: OutputPlan): void {
  if (source === null || plan.kind !== "tee") return;
  const { to } = plan;
  source.on("data", (chunk: Uint8Array) => {
    plan.onData(chunk);
    if (to !== undefined && !to.write(chunk)) {
      source.pause();
      to.once("drain", () => source.resume());
    }
  });
}

/** Passes signals on while the child lives. Returns how to stop, and whether there was an interrupt. */
function passSignals(child: ChildProcess): { stop(): void; interrupted(): boolean } {
  let interrupts = 0;
  const onInterrupt = () => {
    interrupts++;
    // On a terminal the child is in the foreground group and has got it already.
    if (interrupts > 1) signalTo(child, "SIGKILL");
    else if (!process.stdin.isTTY) signalTo(child, "SIGINT");
  };
  const pass = (signal: NodeJS.Signals) => () => signalTo(child, signal);
  const handlers: [NodeJS.Signals, () => void][] = [
    ["SIGINT", onInterrupt],
    ["SIGTERM", pass("SIGTERM")],
    ["SIGHUP", pass("SIGHUP")],
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    stop: () => handlers.forEach(([signal, handler]) => process.off(signal, handler)),
    interrupted: () => interrupts > 0,
  };
}

/** How long the pipes of a child that has ended may stay open (a grandchild may hold them), in milliseconds. */
const PIPES_MS = 1000;

/** Starts a child and waits for its end. @throws TraceforkError where it can't be started. */
export function runChild(plan: ChildPlan): Promise<ChildEnd> {
  return new Promise((resolveEnd, reject) => {
    const child = spawn(plan.file, [...plan.args], {
      cwd: plan.cwd,
      env: plan.env as NodeJS.ProcessEnv,
      stdio: [stdio(plan.stdin), stdio(plan.stdout), stdio(plan.stderr)],
    });
    plan.onStart?.(child.pid);
    const signals = passSignals(child);
    const stopFeeding = feed(child, plan.stdin);
    tee(child.stdout, plan.stdout);
    tee(child.stderr, plan.stderr);
    const { watch } = plan;
    const watching = watch && setInterval(() => {
      if (watch.look()) signalTo(child, "SIGKILL");
    }, watch.everyMs);
    let ended: ChildEnd | undefined;
    let patience: ReturnType<typeof setTimeout> | undefined;
    const finish = () => {
      clearTimeout(patience);
      clearInterval(watching);
      signals.stop();
      stopFeeding();
      // A grandchild may hold the pipes open: that must not keep this process.
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.stdin?.destroy();
      if (ended !== undefined) resolveEnd(ended);
    };
    child.once("error", (error) => {
      clearInterval(watching);
      signals.stop();
      stopFeeding();
      const denied = systemCode(error) === "EACCES";
      reject(
        new TraceforkError(
          denied ? "TF_COMMAND_NOT_EXECUTABLE" : "TF_COMMAND_NOT_FOUND",
          `Cannot start ${plan.file}: ${error.message}`,
          { hint: "what stands after -- must be a command as you would type it in a shell", cause: error },
        ),
      );
    });
    child.once("exit", (code, signal) => {
      ended = {
        code: code ?? undefined,
        signal: signal ?? undefined,
        pid: child.pid,
        interrupted: signals.interrupted(),
      };
      patience = setTimeout(finish, PIPES_MS);
    });
    child.once("close", finish);
  });
}
