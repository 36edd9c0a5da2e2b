/**
 * Waiting for children. Only those of `forkModule()` are known here; what else the program starts is not.
 *
 * @module
 */

import { given } from "../checks.ts";
import { backend } from "./backend.ts";
import { children, type WaitResult } from "./children.ts";
import { WCONTINUED, WNOHANG, WUNTRACED } from "./constants.ts";
import { refuse } from "./failure.ts";
import { hub } from "./hub.ts";

/**
 * Waits until a child has ended, and takes what is left of it. Answers `pcntl_waitpid()` of PHP.
 *
 * What a child leaves stays until it is taken, so a late wait loses nothing; a second one finds no child. A stop is
 * reported once, to a wait with `WUNTRACED`, a continue to one with `WCONTINUED`; both only by the native backend
 * (`capabilities().stopEvents`). Only a signal whose handler was installed with `restart` false ends
 * the wait, with EINTR.
 *
 * @param pid A child; -1 for any; 0 for any in our process group; below -1 for a detached child, whose group is `-pid`.
 * @param options 0, or `WNOHANG`, `WUNTRACED` and `WCONTINUED` put together.
 * @returns A pid of 0 with `WNOHANG` while none has ended; -1 with ECHILD, EINTR or EINVAL.
 * @throws {TypeError} If an argument is no whole number.
 */
export async function waitpid(pid: number, options = 0): Promise<WaitResult> {
  checkNumbers("waitpid", pid, options);
  hub.safePoint();
  const found = look("waitpid", pid, options);
  if (found.pid !== 0 || options & WNOHANG) return found;
  const { promise, resolve, reject } = Promise.withResolvers<WaitResult>();

  /** Failing may throw, by the program's choice. */
  function settle(result: () => WaitResult): void {
    children.unwatch(watcher);
    unlisten?.();
    hub.interrupts.delete(interrupt);
    try {
      resolve(result());
    } catch (error) {
      reject(error);
    }
  }

  function interrupt(restart: boolean): void {
    if (!restart) settle(() => refuse("waitpid", "EINTR", nothing(-1)));
  }

  const watcher = {
    pid,
    look() {
      const found = take(pid, options);
      if (found !== undefined) settle(() => found);
      else if (!children.has(pid)) settle(() => refuse("waitpid", "ECHILD", nothing(-1)));
    },
  };
  children.watch(watcher);
  hub.interrupts.add(interrupt);
  const changes = options & (WUNTRACED | WCONTINUED);
  const unlisten = changes ? backend.native?.onChange(() => watcher.look()) : undefined;
  // What changed before anybody listened.
  if (unlisten !== undefined) watcher.look();
  try {
    return await promise;
  } finally {
    hub.safePointAfter();
  }
}

/** Waits for any child, as `waitpid(-1)` does. Answers `pcntl_wait()` of PHP. */
export function wait(options = 0): Promise<WaitResult> {
  return waitpid(-1, options);
}

/**
 * Does what {@linkcode waitpid} does with `WNOHANG`, and returns at once. A child's end is known one turn of
 * the event loop after it.
 *
 * @throws {TypeError} If an argument is no whole number.
 */
export function waitpidNow(pid: number, options = 0): WaitResult {
  checkNumbers("waitpidNow", pid, options);
  hub.safePoint();
  return look("waitpidNow", pid, options);
}

function look(name: string, pid: number, options: number): WaitResult {
  if (options & ~(WNOHANG | WUNTRACED | WCONTINUED)) return refuse(name, "EINVAL", nothing(-1));
  const found = take(pid, options);
  if (found !== undefined) return found;
  return children.has(pid) ? nothing(0) : refuse(name, "ECHILD", nothing(-1));
}

/** An end goes before a stop, as far as it is known here. */
function take(pid: number, options: number): WaitResult | undefined {
  return children.take(pid) ?? children.takeChange(pid, options);
}

function nothing(pid: number): WaitResult {
  return { pid, status: 0, rusage: {} };
}

function checkNumbers(name: string, ...values: number[]): void {
  for (const value of values) {
    if (Number.isInteger(value)) continue;
    throw new TypeError(`Cannot ${name}: whole numbers are needed, and ${given(value)} was given`);
  }
}
