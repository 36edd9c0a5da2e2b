/**
 * Waiting for something that happens again and again.
 *
 * @module
 */

/** Lets those pass that wait, and nobody who comes later. */
export class Turnstile {
  #waiters: (() => void)[] = [];

  /** Waits until it opens next. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Lets pass whoever waits. */
  open(): void {
    const waiters = this.#waiters;
    if (waiters.length === 0) return;
    this.#waiters = [];
    for (const pass of waiters) pass();
  }
}
