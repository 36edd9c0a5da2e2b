/**
 * A box as a program: its log, the signals that end it, and the parent that it does not outlive.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import { createLog } from "../log.ts";
import type { Log, LogLevel } from "../types/log.ts";

/** What a program runs. */
export interface Drainable {
  /** Takes no new work, lets what is under way end, and stops. */
  drain(options: { graceMs: number }): Promise<void>;
  /** Ends at once what goes on when this program ends. */
  cut?(): void;
  /** Resolves once it has stopped, with an exit status if that is not 0. */
  readonly finished: Promise<number | void>;
}

/** How a program is ended. */
export interface LifecycleOptions {
  /** Where it is written that the box stops. */
  log: Log;
  /** Longest time for a drain, in milliseconds. */
  graceMs: number;
  /** Whether the box goes on when its parent process has ended. */
  detached: boolean;
}

/** A signal within this time of another is the same one, sent twice by a task runner. */
const ECHO_MS = 500;
const PARENT_CHECK_MS = 500;

/**
 * Lets the program go on when a page has left a promise that fails, or a timer that throws: it says nothing
 * about other requests, which would all end with the process.
 */
export function outliveFaults(log: Log, signal: AbortSignal): void {
  const note = (what: string, error: unknown) => {
    log.error(what, { why: messageOf(error), stack: (error as Error | undefined)?.stack });
  };
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    note("A promise failed that nobody waits for", event.reason);
  }, { signal });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    note("An error was thrown that nobody caught", event.error);
  }, { signal });
}

/** A log on standard error. */
export function standardLog(level: LogLevel = "info"): Log {
  return createLog({ level, write: (line) => console.error(line) });
}

/** Says something to whoever started the program. */
export function say(text: string): void {
  console.log(text);
}

/** Ends the program with what went wrong, in one line. */
export function exitWith(message: string, status: number): never {
  console.error(message);
  Deno.exit(status);
}

/**
 * Runs until a stop signal, or until the parent process is gone; then drains the box and ends the
 * program, with whatever the drain had to leave behind: stuck workers, clients that do not read.
 *
 * A second signal ends the program at once, unless it comes so soon that it is the echo of the first.
 */
export async function runUntilStopped(
  box: Drainable,
  { log, graceMs, detached }: LifecycleOptions,
): Promise<never> {
  let first = -Infinity;
  const onSignal = (name: Deno.Signal) => {
    const now = performance.now();
    if (first === -Infinity) {
      first = now;
      log.info("The box drains", { why: name });
      box.drain({ graceMs });
    } else if (now - first > ECHO_MS) {
      log.warn("The box ends at once", { why: name });
      box.cut?.();
      Deno.exit(name === "SIGINT" ? 130 : 143);
    }
  };
  const onInterrupt = () => onSignal("SIGINT");
  const onTerminate = () => onSignal("SIGTERM");
  Deno.addSignalListener("SIGINT", onInterrupt);
  Deno.addSignalListener("SIGTERM", onTerminate);
  const faults = new AbortController();
  outliveFaults(log, faults.signal);
  const parent = Deno.ppid;
  const watch = detached ? undefined : setInterval(() => {
    if (Deno.ppid === parent) return;
    clearInterval(watch);
    log.warn("The box drains", { why: "its parent process has ended" });
    box.drain({ graceMs });
  }, PARENT_CHECK_MS);
  const status = await box.finished ?? 0;
  clearInterval(watch);
  Deno.removeSignalListener("SIGINT", onInterrupt);
  Deno.removeSignalListener("SIGTERM", onTerminate);
  faults.abort();
  Deno.exit(status);
}
