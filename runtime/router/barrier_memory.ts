/**
 * A barrier in memory that workers share.
 *
 * One word holds everything, so that each step is one exchange: the generation, whether it is broken, and how many wait.
 *
 * @module
 */

import { startTimer } from "../own_timers.ts";
import { LONGEST_TIMER_MS } from "../checks.ts";
import { BrokenBarrierError, busyBarrier, MOST_PARTIES, tooLate } from "./barrier_errors.ts";

/** The places of the words. */
const STATE = 0;
const PARTIES = 1;

/** Parts of the state: the lower twelve bits count, then a bit for broken, then the generation. */
const COUNT = MOST_PARTIES;
const BROKEN = COUNT + 1;
const GENERATION = BROKEN << 1;

/** What tells memory of a barrier from any other. */
const MARK = 0x7461_6e62;

/** One barrier, seen from one isolate. */
export class MemoryBarrier {
  /** The memory, to be handed to a worker by `postMessage`. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  /** Makes one for so many parties, or joins the one in a buffer. */
  constructor(from: number | SharedArrayBuffer) {
    if (typeof from === "number") {
      this.buffer = new SharedArrayBuffer(12);
      this.#words = new Int32Array(this.buffer);
      this.#words[PARTIES] = from;
      this.#words[2] = MARK;
      return;
    }
    this.buffer = from;
    if (from.byteLength !== 12 || new Int32Array(from)[2] !== MARK) {
      throw new TypeError("Cannot join a barrier: the memory is not that of one");
    }
    this.#words = new Int32Array(from);
  }

  get parties(): number {
    return this.#words[PARTIES]!;
  }

  get waiting(): number {
    return this.#state & COUNT;
  }

  get broken(): boolean {
    return (this.#state & BROKEN) !== 0;
  }

  /** Waits for the others. */
  async await(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    const generation = this.#enter();
    if (generation === undefined) return;
    // Waiting for memory keeps no isolate alive, a timer does.
    const alive = startTimer(() => {}, LONGEST_TIMER_MS);
    try {
      await this.#wait(generation, until);
    } finally {
      clearTimeout(alive);
    }
  }

  /** Repairs it. */
  reset(): void {
    for (;;) {
      const state = this.#state;
      const waiting = state & COUNT;
      if (waiting > 0) throw busyBarrier(waiting);
      if (this.#change(state, (state & ~BROKEN) + GENERATION)) return;
    }
  }

  get #state(): number {
    return Atomics.load(this.#words, STATE);
  }

  /** Replaces the state if it is still that one, and wakes those who wait. */
  #change(from: number, to: number): boolean {
    if (Atomics.compareExchange(this.#words, STATE, from, to | 0) !== from) return false;
    Atomics.notify(this.#words, STATE);
    return true;
  }

  /** Counts this party and returns the generation that it waits in; nothing if it was the last. */
  #enter(): number | undefined {
    for (;;) {
      const state = this.#state;
      if ((state & BROKEN) !== 0) throw new BrokenBarrierError();
      const last = (state & COUNT) + 1 >= this.parties;
      const next = last ? (state & ~COUNT) + GENERATION : state + 1;
      if (this.#change(state, next)) return last ? undefined : generationOf(state);
    }
  }

  async #wait(generation: number, until: number): Promise<void> {
    for (;;) {
      const state = this.#state;
      if (generationOf(state) !== generation) return;
      if ((state & BROKEN) !== 0) {
        if (this.#change(state, state - 1)) throw new BrokenBarrierError();
        continue;
      }
      const left = until - performance.now();
      if (left <= 0) {
        if (this.#change(state, (state | BROKEN) - 1)) throw tooLate();
        continue;
      }
      const { value } = Atomics.waitAsync(this.#words, STATE, state, Math.min(left, 2 ** 30));
      await value;
    }
  }
}

function generationOf(state: number): number {
  return state & ~(COUNT | BROKEN);
}
