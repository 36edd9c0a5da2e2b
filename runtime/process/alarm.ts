/**
 * The alarm of the process.
 *
 * @module
 */

import { given, LONGEST_TIMER_MS } from "../checks.ts";
import { startTimer } from "../own_timers.ts";
import { SI_KERNEL } from "./constants.ts";
import { setLastError } from "./failure.ts";
import { hub } from "./hub.ts";
import { SIGALRM } from "./signal_numbers.ts";

const LONGEST = 4_294_967_295;

let timer: ReturnType<typeof setTimeout> | undefined;
/** When the alarm goes off, if one is set. */
let deadline: number | undefined;

/**
 * Sends this process SIGALRM after a while; there is one alarm, and a new one replaces it. Answers
 * `pcntl_alarm()` of PHP.
 *
 * The alarm is a timer: it does not keep the process alive, and synchronous code delays it, unless the signal thread
 * runs, which then has the timer. Without a handler SIGALRM ends the process.
 *
 * @param seconds Whole seconds from 0 to 4,294,967,295; 0 only takes the alarm away.
 * @returns The whole seconds that the alarm before had left, rounded up; 0 if there was none.
 * @throws {TypeError} If `seconds` is no whole number.
 * @throws {RangeError} If it is out of range.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { pcntl } from "@tandem/tandem";
 *
 * assert.equal(pcntl.alarm(60), 0);
 * assert.equal(pcntl.alarm(0), 60);
 * ```
 */
export function alarm(seconds: number): number {
  if (!Number.isInteger(seconds)) {
    throw new TypeError(`Cannot alarm: whole seconds are needed, and ${given(seconds)} was given`);
  }
  if (seconds < 0 || seconds > LONGEST) {
    setLastError("EINVAL");
    throw new RangeError(
      `Cannot alarm: seconds are from 0 to ${LONGEST}, and ${seconds} was given`,
    );
  }
  hub.collect();
  const left = deadline === undefined
    ? 0
    : Math.max(1, Math.ceil((deadline - performance.now()) / 1000));
  deadline = seconds > 0 ? performance.now() + seconds * 1000 : undefined;
  clearTimeout(timer);
  hub.port?.setAlarm(seconds * 1000);
  if (hub.port === undefined) look();
  return left;
}

/** Puts the alarm where it belongs after the signal thread has come or gone. */
export function moveAlarm(): void {
  clearTimeout(timer);
  if (deadline === undefined) return;
  // What is over by now goes off at once.
  if (hub.port !== undefined) hub.port.setAlarm(Math.max(deadline - performance.now(), 0.01));
  else look();
}

/** The alarm goes off. */
export function ring(): void {
  deadline = undefined;
  hub.raise({ signo: SIGALRM, errno: 0, code: SI_KERNEL });
}

function look(): void {
  if (deadline === undefined) return;
  const left = deadline - performance.now();
  if (left <= 0) return ring();
  timer = startTimer(look, Math.min(left, LONGEST_TIMER_MS));
  Deno.unrefTimer(timer);
}
