/**
 * Lets so many pieces of work go on at once; the others wait in the order in which they came.
 *
 * @module
 */

/** A gate for work whose callers are few: it bounds what goes on, not who waits. */
export class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** Lets `most` through at once. */
  constructor(most: number) {
    this.#free = most;
  }

  /** Runs `work` when there is room for it, and resolves to its result. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
