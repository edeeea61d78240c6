/**
 * Child processes for tests: started, talked to, waited for by what they say and never by the clock. The limit
 * is there only so that a hang fails one test instead of stopping the suite.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";

export interface StartOptions {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text for its standard input; `open` leaves the input open; left out, it is empty. */
  readonly input?: string;
  readonly open?: boolean;
  /** Milliseconds after which it counts as hanging. */
  readonly limitMs?: number;
}

/** What came of a process. */
export interface Ran {
  readonly command: readonly string[];
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly out: string;
  readonly err: string;
  /** Milliseconds from start to end. */
  readonly ms: number;
}

/** A process that runs. */
export interface Running {
  readonly pid: number;
  write(text: string): void;
  endInput(): void;
  /** To the process alone. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when its output (both streams) has matched; rejects when it has ended without. */
  until(pattern: RegExp): Promise<RegExpMatchArray>;
  readonly done: Promise<Ran>;
}

const LIMIT_MS = 60_000;

function describe(command: readonly string[], texts: { out: string; err: string }): string {
  return `${command.join(" ")}\n--- stdout\n${texts.out.slice(-4000)}\n--- stderr\n${texts.err.slice(-4000)}`;
}

/** Kills a process with everything that it started. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** Starts a command in a process group of its own. */
export function start(command: readonly string[], options: StartOptions): Running {
  const [file, ...args] = command as [string, ...string[]];
  const stdin = options.open === true || options.input !== undefined ? "pipe" : "ignore";
  const started = performance.now();
  const env = Object.fromEntries(Object.entries(options.env).filter(([, value]) => value !== undefined));
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: env as NodeJS.ProcessEnv,
    stdio: [stdin, "pipe", "pipe"],
    detached: true,
  });
  const texts = { out: "", err: "" };
  const waiting = new Set<() => void>();
  const listen = (stream: NodeJS.ReadableStream, key: "out" | "err") => {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      texts[key] += text;
      for (const look of [...waiting]) look();
    });
  };
  listen(child.stdout!, "out");
  listen(child.stderr!, "err");
  // A child may end without reading what it was sent.
  child.stdin?.on("error", () => {});
  if (options.input !== undefined) child.stdin!.end(options.input);
  let ended = false;
  const done = new Promise<Ran>((resolve, reject) => {
    const limit = setTimeout(() => {
      killGroup(child);
      reject(new Error(`still running after ${options.limitMs ?? LIMIT_MS} ms: ${describe(command, texts)}`));
    }, options.limitMs ?? LIMIT_MS);
    child.once("error", (error) => {
      clearTimeout(limit);
      reject(error);
    });
    child.once("close", (code, signal) => {
      clearTimeout(limit);
      ended = true;
      for (const look of [...waiting]) look();
      const ms = performance.now() - started;
      resolve({ command, code: code ?? undefined, signal: signal ?? undefined, ...texts, ms });
    });
  });
  // Whoever awaits it gets the error; a test that failed before must not fail a second time.
  done.catch(() => {});
  return {
    pid: child.pid!,
    write: (text) => void child.stdin!.write(text),
    endInput: () => void child.stdin!.end(),
    // Not `child.kill`: Deno then reports that signal as the child's end, whatever its real end was.
    kill: (signal) => void process.kill(child.pid!, signal),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(texts.out) ?? pattern.exec(texts.err);
          if (match === null && !ended) return;
          waiting.delete(look);
          if (match !== null) resolve(match);
          else reject(new Error(`ended without saying ${pattern}: ${describe(command, texts)}`));
        };
        waiting.add(look);
        look();
      }),
    done,
  };
}

/** Runs a command to its end. */
export function run(command: readonly string[], options: StartOptions): Promise<Ran> {
  return start(command, options).done;
}

/** What a failed assertion shows of a process. */
export function told(ran: Ran): string {
  return `exit ${ran.signal ?? ran.code} of ${describe(ran.command, ran)}`;
}

/** True while a process exists and is no zombie. */
function isRunning(pid: number): boolean {
  try {
    const stat = existsSync("/proc/self/stat") ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
    process.kill(pid, 0);
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    return false;
  }
}

/** Kills a process that is nobody's child here, and resolves when it is gone. */
export async function killForGood(pid: number): Promise<void> {
  while (isRunning(pid)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has gone in between.
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
