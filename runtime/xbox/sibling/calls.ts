/**
 * The messages of this box that siblings have not answered, and the times at which they must have.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../../checks.ts";
import type { Call } from "./call.ts";

/** Messages of one box that may be unanswered. */
export const MOST_CALLS = 16_384;

/** Messages on their way, by their numbers; one timer stands for the earliest end of all. */
export class Calls {
  readonly #calls = new Map<number, Call>();
  readonly #onExpired: (call: Call) => void;
  #lastId = 0;
  #earliest = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Hands each message whose time is up to `onExpired`, which is to remove it. */
  constructor(onExpired: (call: Call) => void) {
    this.#onExpired = onExpired;
  }

  /** How many there are. */
  get size(): number {
    return this.#calls.size;
  }

  /** A number that no message had. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** Adds a message. */
  add(call: Call): void {
    this.#calls.set(call.id, call);
    if (call.deadline < this.#earliest) this.#arm(call.deadline);
  }

  /** A message that went to a certain box; nobody else may speak of it. */
  get(id: number, pid: number): Call | undefined {
    const call = this.#calls.get(id);
    return call?.pid === pid ? call : undefined;
  }

  /** All that went to a box. */
  of(pid: number): Call[] {
    return [...this.#calls.values()].filter((call) => call.pid === pid);
  }

  /** Removes a message. */
  delete(call: Call): void {
    this.#calls.delete(call.id);
  }

  /** Releases the timer. */
  close(): void {
    this.#arm(Infinity);
  }

  #arm(at: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#earliest = at;
    if (at === Infinity) return;
    const wait = Math.min(LONGEST_TIMER_MS, Math.max(0, at - performance.now()) + 1);
    this.#timer = setTimeout(() => this.#check(), wait);
    Deno.unrefTimer(this.#timer);
  }

  #check(): void {
    const now = performance.now();
    let next = Infinity;
    for (const call of [...this.#calls.values()]) {
      if (call.deadline > now) next = Math.min(next, call.deadline);
      else this.#onExpired(call);
    }
    this.#arm(next);
  }
}
