/**
 * A bucket of tokens: so many at once, and so many more in each second.
 *
 * @module
 */

/** How many takes it lasts before the clock is looked at. */
const STRIDE = 64;

/** Says whether something that happens too often still may. */
export class Rate {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #since = performance.now();

  /** Takes what may happen at once, and in each second after. */
  constructor(burst: number, perSecond: number) {
    this.#burst = this.#tokens = burst;
    this.#perMs = perSecond / 1000;
  }

  /** Takes one token; says whether there was one. */
  take(): boolean {
    if (--this.#tokens % STRIDE === 0 || this.#tokens < 0) this.#refill();
    return this.#tokens >= 0;
  }

  #refill(): void {
    const added = Math.floor((performance.now() - this.#since) * this.#perMs);
    this.#tokens = Math.min(this.#burst, this.#tokens + added);
    this.#since += added / this.#perMs;
  }
}
