/**
 * Checks of the signals that calls are given, before anything happens.
 *
 * @module
 */

import { given } from "../checks.ts";
import { setLastError } from "./failure.ts";
import { LAST_SIGNAL, numberOf } from "./signal_numbers.ts";

/** A signal by its number, or by a name such as `"SIGTERM"`; digits in a string are a number. */
export type SignalLike = number | string;

/** Reads one signal from 1 to 64. */
export function readSignal(name: string, value: SignalLike): number {
  const signo = toNumber(name, value);
  if (signo >= 1 && signo <= LAST_SIGNAL) return signo;
  setLastError("EINVAL");
  throw new RangeError(
    `Cannot ${name}: a signal from 1 to ${LAST_SIGNAL} is needed, and ${given(value)} was given`,
  );
}

/** Reads a signal of any number. */
export function toNumber(name: string, value: SignalLike): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  if (typeof value === "string") {
    if (/^[+-]?\d+$/.test(value)) return Number(value);
    if (/^SIG[A-Z0-9]+$/.test(value)) return numberOf(value);
  }
  setLastError("EINVAL");
  throw new TypeError(
    `Cannot ${name}: a signal is a whole number or a name such as "SIGTERM", and ${
      given(value)
    } was given`,
  );
}

/** Reads a set of signals, in ascending order. */
export function readSet(
  name: string,
  signals: Iterable<SignalLike>,
  mayBeEmpty: boolean,
): Set<number> {
  if (typeof signals !== "object" || signals === null || !(Symbol.iterator in signals)) {
    throw new TypeError(
      `Cannot ${name}: a list of signals is needed, and ${given(signals)} was given`,
    );
  }
  const numbers = [...signals].map((value) => readSignal(name, value));
  if (numbers.length === 0 && !mayBeEmpty) {
    setLastError("EINVAL");
    throw new RangeError(`Cannot ${name}: at least one signal is needed, and the list is empty`);
  }
  return new Set(numbers.sort((a, b) => a - b));
}
