/**
 * Ticks: points of a long computation at which registered functions and signal handlers run.
 *
 * JavaScript has no hook between statements, so nothing happens by itself: the program says where a tick is.
 *
 * @module
 */

import { given } from "../checks.ts";
import { startTimer } from "../own_timers.ts";
import { signalDispatch } from "./signals.ts";

interface TickFunction {
  fn: (...args: unknown[]) => unknown;
  args: unknown[];
  running: boolean;
}

let functions: readonly TickFunction[] = [];

/**
 * Adds a function that runs at each tick, after those that were added before. Answers
 * `register_tick_function()` of PHP. It is not run again by ticks inside it.
 *
 * @param args What it is called with.
 * @throws {TypeError} If `fn` is no function.
 */
export function registerTickFunction<A extends unknown[]>(
  fn: (...args: A) => unknown,
  ...args: A
): true {
  if (typeof fn !== "function") {
    throw new TypeError(
      `Cannot registerTickFunction: a function is needed, and ${given(fn)} was given`,
    );
  }
  functions = [...functions, { fn: fn as TickFunction["fn"], args, running: false }];
  return true;
}

/**
 * Takes a function away; one that was added several times goes once, the first first. One that is not there is no
 * error. Answers `unregister_tick_function()` of PHP.
 */
export function unregisterTickFunction(fn: (...args: never[]) => unknown): void {
  const first = functions.findIndex((entry) => entry.fn === fn);
  functions = functions.filter((_, index) => index !== first);
}

/**
 * Makes a counter of ticks: each n-th call of the result is a {@linkcode tick}. Answers `declare(ticks=n)` of PHP.
 *
 * @param n From 1.
 * @throws {TypeError} If `n` is no whole number.
 * @throws {RangeError} If it is below 1.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { pcntl } from "@tandem/tandem";
 *
 * let ticks = 0;
 * const count = () => ticks++;
 * pcntl.registerTickFunction(count);
 * const tick = pcntl.declareTicks(3);
 * for (let i = 0; i < 9; i++) tick();
 * pcntl.unregisterTickFunction(count);
 * assert.equal(ticks, 3);
 * ```
 */
export function declareTicks(n: number): () => void {
  if (!Number.isInteger(n)) {
    throw new TypeError(`Cannot declareTicks: a whole number is needed, and ${given(n)} was given`);
  }
  if (n < 1) throw new RangeError(`Cannot declareTicks: at least 1 is needed, and ${n} was given`);
  let count = 0;
  return () => {
    if (++count < n) return;
    count = 0;
    tick();
  };
}

/** Runs the tick functions, then the handlers of queued signals. What one of them throws comes out here. */
export function tick(): void {
  for (const entry of functions) {
    if (entry.running) continue;
    entry.running = true;
    try {
      entry.fn(...entry.args);
    } finally {
      entry.running = false;
    }
  }
  signalDispatch();
}

/**
 * Lets the event loop have a turn: listeners, timers and messages get to run, and with `asyncSignals(true)`
 * so do handlers. To await a promise that is resolved already does not.
 */
export function checkpoint(): Promise<void> {
  return new Promise((resolve) => {
    startTimer(resolve, 0);
  });
}
