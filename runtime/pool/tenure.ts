/**
 * How long a worker may stay: the pool's `maxAgeMs`, until the worker asks for another time.
 *
 * The worker and the one that takes its place hold the same tenure, so that what one of them was given outlives it.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../checks.ts";

/** Checks a time that a worker asks for. */
export function checkTenure(ms: unknown): asserts ms is number {
  if (typeof ms === "number" && Number.isInteger(ms) && ms >= 0 && ms <= LONGEST_TIMER_MS) return;
  // What stands here may come from a worker that nobody trusts.
  const given = typeof ms === "number" ? String(ms) : `a value of type ${typeof ms}`;
  throw new RangeError(
    `Cannot set the thread timeout: a whole number of milliseconds from 0 to ${LONGEST_TIMER_MS} is needed, ` +
      `and ${given} was given`,
  );
}

/** A worker that is told of changes. */
interface Holder {
  tell(maxAgeMs: number): Promise<unknown>;
  isTelling: boolean;
  isStale: boolean;
}

/** The time that one worker after another may stay in one place. */
export class Tenure {
  readonly #holders = new Map<object, Holder>();
  #maxAgeMs: number;

  /** Begins with what the pool gives, in milliseconds; 0: for ever. */
  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** So many milliseconds after its first task a worker is replaced; 0: never. */
  get maxAgeMs(): number {
    return this.#maxAgeMs;
  }

  /**
   * Changes it, for the workers that hold it now and those that will.
   *
   * @param by The holder that asks, which knows already.
   * @throws {RangeError} If `ms` is no whole number from 0 that a timer keeps.
   */
  set(ms: unknown, by: object): void {
    checkTenure(ms);
    this.#maxAgeMs = ms;
    for (const [holder, state] of this.#holders) if (holder !== by) this.#tell(state);
  }

  /**
   * Tells a holder what others change, until it lets go; one message at a time, however often they do.
   *
   * @param knownMs What the holder knows already.
   */
  hold(holder: object, knownMs: number, tell: (maxAgeMs: number) => Promise<unknown>): void {
    const state = { tell, isTelling: false, isStale: false };
    this.#holders.set(holder, state);
    if (knownMs !== this.#maxAgeMs) this.#tell(state);
  }

  /** The holder has ended. */
  release(holder: object): void {
    this.#holders.delete(holder);
  }

  async #tell(state: Holder): Promise<void> {
    state.isStale = true;
    if (state.isTelling) return;
    state.isTelling = true;
    while (state.isStale) {
      state.isStale = false;
      await state.tell(this.#maxAgeMs).catch(endSaysIt);
    }
    state.isTelling = false;
  }
}

/** A worker that ends before it has heard has no use for it. */
function endSaysIt(): void {}

/** Who inherits: tenures of workers that have gone, or go before long, until somebody takes their place. */
export class Vacancies {
  readonly #maxAgeMs: number;
  readonly #vacant: Tenure[] = [];

  /** Gives who takes nobody's place so many milliseconds. */
  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** A worker gives way, or did not come to take it. */
  leave(tenure: Tenure): void {
    this.#vacant.push(tenure);
  }

  /** A worker is about to start. */
  take(): Tenure {
    return this.#vacant.shift() ?? new Tenure(this.#maxAgeMs);
  }
}
