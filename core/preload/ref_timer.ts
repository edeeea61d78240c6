/** Lets a timer of the platform keep the process alive, or not. Deno's are numbers. */
export function refTimer(timer: unknown, on: boolean): void {
  const { Deno } = globalThis as unknown as {
    Deno?: Record<"refTimer" | "unrefTimer", (id: number) => void>;
  };
  if (typeof timer === "number") Deno?.[on ? "refTimer" : "unrefTimer"](timer);
  else (timer as Record<"ref" | "unref", () => void>)[on ? "ref" : "unref"]();
}
