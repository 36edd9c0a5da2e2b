/**
 * When something that failed is tried again, and when no more.
 *
 * @module
 */

/** How failures are borne. Durations are milliseconds. */
export interface BackOffOptions {
  /** The first pause; each is twice the one before. */
  firstMs: number;
  /** The longest pause. */
  longestMs: number;
  /** Failures in a row after which it is given up. */
  most: number;
  /** What has held so long is no failure when it ends. */
  soundMs: number;
}

/** Counts failures in a row. */
export class BackOff {
  readonly #options: BackOffOptions;
  #failures = 0;

  /** Begins without failures. */
  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** How often in a row it has failed. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * It has failed after it held for some time.
   *
   * @returns The pause before it is tried again; nothing if it is given up.
   */
  failed(heldMs: number): number | undefined {
    const { firstMs, longestMs, most, soundMs } = this.#options;
    // Who served for long and then ended is started again at once.
    if (heldMs >= soundMs) {
      this.#failures = 0;
      return 0;
    }
    this.#failures++;
    if (this.#failures >= most) return undefined;
    return Math.min(longestMs, firstMs * 2 ** (this.#failures - 1));
  }

  /** What is tried now has nothing to do with what failed. */
  reset(): void {
    this.#failures = 0;
  }
}
