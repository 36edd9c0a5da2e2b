/**
 * Signals that were blocked when they arrived.
 *
 * @module
 */

import type { Siginfo } from "./siginfo.ts";
import { SIGRTMIN } from "./signal_numbers.ts";

/** As many real-time signals of one number are kept; more are dropped. */
const LIMIT = 1024;

/** Whether signals of this number queue up instead of becoming one. */
export function isRealtime(signo: number): boolean {
  return SIGRTMIN > 0 && signo >= SIGRTMIN;
}

/** What waits until it is unblocked or waited for: one of each standard signal, each real-time one. */
export class PendingSet {
  readonly #held = new Map<number, Siginfo[]>();

  /** Keeps a signal. @returns Whether there was room for it, or it became one with another. */
  add(info: Siginfo): boolean {
    const held = this.#held.get(info.signo);
    if (held === undefined) this.#held.set(info.signo, [info]);
    else if (isRealtime(info.signo)) {
      if (held.length >= LIMIT) return false;
      held.push(info);
    }
    return true;
  }

  /** Whether a signal of this number is kept. */
  has(signo: number): boolean {
    return this.#held.has(signo);
  }

  /** Takes the first of the lowest number in a set. */
  take(set: ReadonlySet<number>): Siginfo | undefined {
    const signo = [...this.#held.keys()].filter((key) => set.has(key)).sort((a, b) => a - b)[0];
    if (signo === undefined) return undefined;
    const held = this.#held.get(signo)!;
    if (held.length === 1) this.#held.delete(signo);
    return held.shift();
  }

  /** Forgets a signal, as ignoring it does. */
  drop(signo: number): void {
    this.#held.delete(signo);
  }
}
