/**
 * The queue between the arrival of a signal and its handler.
 *
 * @module
 */

import type { Siginfo, SignalHandler } from "./siginfo.ts";

/** As many entries as PHP keeps on Linux: one for each number that a signal can have. */
const LIMIT = 65;

/** Looks up who handles a signal at the moment of its delivery. */
export type HandlerLookup = (signo: number) => SignalHandler | undefined;

/** Signals that arrived and wait for a dispatch, in order. */
export class DeliveryQueue {
  /** How many did not fit. */
  dropped = 0;
  #entries: Siginfo[] = [];
  /** What the running dispatch has taken and not finished. */
  #taken: Siginfo[] = [];
  #running = false;

  /** How many wait for the next dispatch. */
  get size(): number {
    return this.#entries.length;
  }

  /** Whether handlers run just now. */
  get running(): boolean {
    return this.#running;
  }

  /** Adds one at the end; drops it when the queue is full. */
  push(info: Siginfo): void {
    if (this.#entries.length + this.#taken.length >= LIMIT) this.dropped++;
    else this.#entries.push(info);
  }

  /** Runs the handlers of what is queued now. What a throwing handler leaves goes back to the front. */
  run(lookup: HandlerLookup): void {
    if (this.#running) return;
    this.#begin();
    try {
      while (this.#taken.length > 0) {
        const info = this.#taken[0]!;
        try {
          lookup(info.signo)?.(info.signo, info);
        } finally {
          this.#taken.shift();
        }
      }
    } finally {
      this.#end();
    }
  }

  /** The same, and waits for each handler before the next one starts. */
  async runAsync(lookup: HandlerLookup): Promise<void> {
    if (this.#running) return;
    this.#begin();
    try {
      while (this.#taken.length > 0) {
        const info = this.#taken[0]!;
        try {
          await lookup(info.signo)?.(info.signo, info);
        } finally {
          this.#taken.shift();
        }
      }
    } finally {
      this.#end();
    }
  }

  #begin(): void {
    this.#running = true;
    this.#taken = this.#entries;
    this.#entries = [];
  }

  #end(): void {
    this.#running = false;
    this.#entries.unshift(...this.#taken);
    this.#taken = [];
  }
}
