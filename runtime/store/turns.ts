/**
 * Turns at a key: changes to one entry from within this process go one after the other, so that
 * they do not make each other's commits fail.
 *
 * @module
 */

/** Runs work that belongs to the same id in the order in which it was given. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` when everything given before it for `id` has ended, and resolves to its result. */
  take<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id);
    const result = before === undefined ? work() : before.then(work);
    const end = settled(result).then(() => {
      if (this.#last.get(id) === end) this.#last.delete(id);
    });
    this.#last.set(id, end);
    return result;
  }
}

async function settled(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    // Whoever gave the work has the same promise and learns of it there.
  }
}
