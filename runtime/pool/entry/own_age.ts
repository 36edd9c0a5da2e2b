/**
 * A worker's own age, as its handlers see it. Whether it is due, the pool says, by a clock of its own.
 *
 * @module
 */

import { checkTenure } from "../tenure.ts";

/** How old a worker is, and how old it may become. */
export class OwnAge {
  readonly #tell: (ms: number) => void;
  #since: number | undefined;
  #limitMs: number;

  /**
   * Begins with the first task.
   *
   * @param limitMs The age at which the worker is replaced, in milliseconds; 0: none.
   * @param tell Tells the pool of another one.
   */
  constructor(limitMs: number, tell: (ms: number) => void) {
    this.#limitMs = limitMs;
    this.#tell = tell;
  }

  /** A task begins, at this time on the clock of `performance.now()`. */
  begin(at: number): void {
    this.#since ??= at;
  }

  /** Milliseconds since the first task began. */
  get ms(): number {
    return this.#since === undefined ? 0 : performance.now() - this.#since;
  }

  /** The age at which the worker is replaced, in milliseconds; 0: none. */
  get limitMs(): number {
    return this.#limitMs;
  }

  /**
   * Changes that for this worker and those that take its place.
   *
   * @throws {RangeError} If `ms` is no whole number from 0 that a timer keeps.
   */
  set(ms: number): void {
    checkTenure(ms);
    this.#limitMs = ms;
    this.#tell(ms);
  }

  /** The pool says what holds: another worker of the same place may have changed it. */
  learn(ms: number): void {
    this.#limitMs = ms;
  }
}
