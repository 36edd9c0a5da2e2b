/**
 * A signal that says only that something has happened, and never misses that it has.
 *
 * @module
 */

/** Raised any number of times before it is asked for, it answers once. */
export class Pulse {
  #raised = false;
  #ended = false;
  #failure: { error: unknown } | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Says that something has happened. */
  raise(): void {
    this.#raised = true;
    this.#wake();
  }

  /** Says that nothing more will happen; whoever waits, now or later, is let go. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Says why nothing more can be heard of; whoever waits, now or later, is told. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /**
   * Waits until it is raised, and lowers it; at once when it was raised before or has ended.
   *
   * @throws What it failed with, once what was raised before is asked for.
   */
  async next(): Promise<void> {
    while (!this.#raised && !this.#ended && this.#failure === undefined) {
      this.#waiting ??= Promise.withResolvers();
      await this.#waiting.promise;
    }
    if (!this.#raised && !this.#ended) throw this.#failure!.error;
    this.#raised = false;
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
