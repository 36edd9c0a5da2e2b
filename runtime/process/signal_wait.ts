/**
 * Waiting for signals instead of handling them.
 *
 * @module
 */

import { startTimer } from "../own_timers.ts";
import { checkFields, fail, LONGEST_TIMER_MS } from "../checks.ts";
import { refuse, setLastError, unable } from "./failure.ts";
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
  options: SignalWaitOptions = {},
): Promise<Siginfo | false> {
  const signal = readAbort(options);
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
  options: SignalWaitOptions = {},
): Promise<Siginfo | false> {
  const signal = readAbort(options);
  const set = readSet("sigtimedwait", signals, false);
  const ms = readTime("sigtimedwait", seconds, nanoseconds);
  return await waitFor("sigtimedwait", set, ms, signal);
}

/**
 * Waits for a signal as {@linkcode sigtimedwait} does, and blocks the isolate meanwhile: no timer, message or
 * other work of it goes on, and a child that was started in the same turn does not get its program. It takes the signal thread.
 * A signal of a child is seen 50 ms after it came.
 *
 * @param seconds Whole seconds from 0, as many as a number can count.
 * @param nanoseconds 0 to 999,999,999 more; not both may be 0.
 * @returns False when the time is over, and with EINTR when a signal outside the set has a handler due.
 * @throws {RangeError} If the set is empty, or a number is out of range.
 * @throws {PcntlError} `ENOSYS` without a signal thread, and if it ends meanwhile.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { pcntl } from "@tandem/tandem";
 *
 * await using _thread = pcntl.startSignalThread();
 * assert.equal(pcntl.sigtimedwaitSync([pcntl.SIGUSR2], 0, 1_000_000), false); // one millisecond
 * ```
 */
export function sigtimedwaitSync(
  signals: Iterable<SignalLike>,
  seconds = 0,
  nanoseconds = 0,
): Siginfo | false {
  const name = "sigtimedwaitSync";
  const set = readSet(name, signals, false);
  const deadline = performance.now() + readTime(name, seconds, nanoseconds);
  if (hub.port === undefined) unable(name, "there is no signal thread; call startSignalThread()");
  hub.safePoint();
  let found = hub.takePending(set);
  if (found !== undefined) return found;
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  const waiter: SignalWaiter = { set, take: (info) => found = info };
  hub.addWaiter(waiter);
  hub.interrupts.add(interrupt);
  try {
    for (let pieces = 1;; pieces++) {
      hub.collect();
      if (found !== undefined || interrupted) break;
      if (hub.port === undefined) unable(name, "the signal thread ended while it waited");
      const left = deadline - performance.now();
      if (left <= 0) return false;
      hub.port.wait(Math.min(left, PIECE_MS));
      if (pieces % PINGED === 0) hub.port.ping();
    }
  } finally {
    hub.removeWaiter(waiter);
    hub.interrupts.delete(interrupt);
  }
  hub.safePointAfter();
  return found ?? refuse(name, "EINTR", false);
}

/** A blocked isolate looks around this often, and asks every so many times whether the thread lives. */
const PIECE_MS = 50;
const PINGED = 20;

function readAbort(options: SignalWaitOptions): AbortSignal | undefined {
  checkFields("wait options", options, ["signal"]);
  const { signal } = options;
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  return fail("signal", "an AbortSignal", signal);
}

function readTime(name: string, seconds: number, nanoseconds: number): number {
  checkTime(name, "seconds", seconds, Number.MAX_VALUE);
  checkTime(name, "nanoseconds", nanoseconds, 999_999_999);
  if (seconds > 0 || nanoseconds > 0) return seconds * 1000 + nanoseconds / 1e6;
  setLastError("EINVAL");
  throw new RangeError(`Cannot ${name}: seconds or nanoseconds must be above 0, and both are 0`);
}

function checkTime(name: string, field: string, value: number, highest: number): void {
  if (!Number.isInteger(value)) {
    throw new TypeError(`Cannot ${name}: ${field} is a whole number, and ${value} was given`);
  }
  if (value >= 0 && value <= highest) return;
  setLastError("EINVAL");
  throw new RangeError(
    `Cannot ${name}: ${field} is from 0 to ${highest}, and ${value} was given`,
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
  return promise.finally(() => hub.safePointAfter());
}
