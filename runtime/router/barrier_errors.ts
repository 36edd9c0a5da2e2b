/**
 * How waiting at a barrier fails.
 *
 * @module
 */

import { RouterError } from "./errors.ts";

/** How many parties a barrier can have. */
export const MOST_PARTIES = 4095;

/**
 * A barrier that somebody has left, because its time was up or its node ended. Nobody waits there until it is reset.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { tree } from "@tandem/tandem";
 *
 * const barrier = new tree.Barrier(2);
 * await assert.rejects(barrier.await(0.01), { name: "TimeoutError" });
 * await assert.rejects(barrier.await(), tree.BrokenBarrierError);
 * await barrier.reset();
 * await Promise.all([barrier.await(), barrier.await()]);
 * ```
 */
export class BrokenBarrierError extends RouterError {
  /** Makes one. */
  constructor() {
    super("BARRIER_BROKEN", "Cannot wait at the barrier: it is broken, somebody has left it");
    this.name = "BrokenBarrierError";
  }
}

/** The error of whoever has waited too long. */
export function tooLate(): DOMException {
  return new DOMException("Cannot wait longer at the barrier: the time is up", "TimeoutError");
}

/** The error of whoever would repair a barrier where somebody waits. */
export function busyBarrier(waiting: number): RouterError {
  return new RouterError("BARRIER_BUSY", `Cannot reset the barrier: ${waiting} wait at it`);
}
