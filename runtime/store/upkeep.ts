/**
 * Removing what killed writers have left behind, when a store is opened and from time to time.
 *
 * @module
 */

import { ABANDONED_AFTER_MS, collectAbandoned } from "./chunks.ts";
import type { Engine } from "./engine.ts";

/** The upkeep of one engine, until it is stopped. */
export class Upkeep {
  readonly #engine: Engine;
  readonly #now: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;
  #ended: Promise<void>;

  /** Begins at once. */
  constructor(engine: Engine, now: () => number) {
    this.#engine = engine;
    this.#now = now;
    this.#ended = this.#collect();
  }

  /** Resolves when what is under way has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Begins nothing more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #collect(): Promise<void> {
    try {
      await collectAbandoned(this.#engine, this.#now());
    } catch {
      // The markers stand, and the next collection finds them.
    }
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#ended = this.#collect();
    }, ABANDONED_AFTER_MS);
    Deno.unrefTimer(this.#timer);
  }
}
