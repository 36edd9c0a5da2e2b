/**
 * Waiting for signals instead of handling them.
 *
 * @module
 */

import { startTimer } from "../own_timers.ts";
import { LONGEST_TIMER_MS } from "../checks.ts";
import { refuse, setLastError } from "./failure.ts";
import { hub, type SignalWaiter } from "./hub.ts";
import { readSet, type SignalLike } from "./signal_set.ts";
import type { Siginfo } from "./siginfo.ts";

/** How a wait can end early. */
export interface SignalWaitOptions {
  /** Rejects the wait with its reason. */
  signal?: AbortSignal;
}

/**
 * Waits for one signal of a set, and consumes it: no handler sees it. Answers `pcntl_sigwaitinfo()` of PHP.
 *
 * A pending one is taken at once, the lowest number first. While it waits, signals of the set come here although they are not
 * blocked; of several waiters the first gets the signal. It keeps the process alive. What nobody blocked and nobody
 * waits for takes its usual course, so block the set first, as in PHP.
 *
 * @param signals 1 to 64 or names, at least one.
 * @returns What is known of the signal; false, with EINTR, when a signal outside the set has a handler due.
 * @throws {RangeError} If the set is empty or a number is out of range.
 */
export async function sigwaitinfo(
  signals: Iterable<SignalLike>,
  { signal }: SignalWaitOptions = {},
): Promise<Siginfo | false> {
  const set = readSet("sigwaitinfo", signals, false);
  return await waitFor("sigwaitinfo", set, Infinity, signal);
}

/**
 * Waits for a signal as {@linkcode sigwaitinfo} does, but no longer than given. Answers
 * `pcntl_sigtimedwait()` of PHP.
 *
 * @param seconds Whole seconds from 0, as many as a number can count.
 * @param nanoseconds 0 to 999,999,999 more; not both may be 0.
 * @returns False when the time is over, which leaves the last error as it is.
 * @throws {RangeError} If the set is empty, or a number is out of range.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { pcntl } from "@tandem/tandem";
 *
 * assert.equal(await pcntl.sigtimedwait([pcntl.SIGUSR2], 0, 1_000_000), false); // one millisecond
 * ```
 */
export async function sigtimedwait(
  signals: Iterable<SignalLike>,
  seconds = 0,
  nanoseconds = 0,
  { signal }: SignalWaitOptions = {},
): Promise<Siginfo | false> {
  const set = readSet("sigtimedwait", signals, false);
  checkTime("seconds", seconds, Number.MAX_VALUE);
  checkTime("nanoseconds", nanoseconds, 999_999_999);
  if (seconds === 0 && nanoseconds === 0) {
    setLastError("EINVAL");
    throw new RangeError(
      "Cannot sigtimedwait: seconds or nanoseconds must be above 0, and both are 0",
    );
  }
  return await waitFor("sigtimedwait", set, seconds * 1000 + nanoseconds / 1e6, signal);
}

function checkTime(field: string, value: number, highest: number): void {
  if (!Number.isInteger(value)) {
    throw new TypeError(`Cannot sigtimedwait: ${field} is a whole number, and ${value} was given`);
  }
  if (value >= 0 && value <= highest) return;
  setLastError("EINVAL");
  throw new RangeError(
    `Cannot sigtimedwait: ${field} is from 0 to ${highest}, and ${value} was given`,
  );
}

function waitFor(
  name: string,
  set: ReadonlySet<number>,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<Siginfo | false> {
  signal?.throwIfAborted();
  hub.safePoint();
  const pending = hub.takePending(set);
  if (pending !== undefined) return Promise.resolve(pending);
  const { promise, resolve, reject } = Promise.withResolvers<Siginfo | false>();
  const deadline = performance.now() + ms;
  let timer: ReturnType<typeof setTimeout>;

  function end(): void {
    clearTimeout(timer);
    hub.removeWaiter(waiter);
    hub.interrupts.delete(interrupt);
    signal?.removeEventListener("abort", abort);
  }

  function interrupt(): void {
    end();
    try {
      resolve(refuse<false>(name, "EINTR", false));
    } catch (error) {
      reject(error);
    }
  }

  function abort(): void {
    end();
    reject(signal!.reason);
  }

  /** A timer keeps no more than some 24 days; without an end the timer only keeps the process alive. */
  function look(): void {
    const left = deadline - performance.now();
    if (left > 0) timer = startTimer(look, Math.min(left, LONGEST_TIMER_MS));
    else {
      end();
      resolve(false);
    }
  }

  const waiter: SignalWaiter = {
    set,
    take(info) {
      end();
      resolve(info);
    },
  };
  hub.addWaiter(waiter);
  hub.interrupts.add(interrupt);
  signal?.addEventListener("abort", abort);
  look();
  return promise;
}
