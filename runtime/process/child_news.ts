/**
 * What SIGCHLD tells: the signal and the end of a child come here by different ways, in any order.
 *
 * @module
 */

import { startTimer } from "../own_timers.ts";
import { CLD_EXITED, CLD_KILLED } from "./constants.ts";
import type { Siginfo } from "./siginfo.ts";
import { SIGCHLD } from "./signal_numbers.ts";
import { wexitstatus, wifexited, wtermsig } from "./status.ts";

/** How long SIGCHLD waits for news of a child. */
const LATE_MS = 50;

/** Puts the signal and the ends of children together. */
export class ChildNews {
  readonly #tell: (info: Siginfo) => void;
  /** Children that ended and were not waited for, by pid with their status words. */
  readonly #exits = new Map<number, number>();
  /** How many children have not ended. */
  #living = 0;
  #late: ReturnType<typeof setTimeout> | undefined;
  #lateAt = 0;

  /** Makes one that calls `tell` once for each signal. */
  constructor(tell: (info: Siginfo) => void) {
    this.#tell = tell;
  }

  /** A child was started. */
  started(): void {
    this.#living++;
  }

  /** A child has ended, with this status word if that is to be told. */
  ended(pid: number, word: number | undefined): void {
    this.#living--;
    if (word !== undefined) this.#exits.set(pid, word);
    if (this.#late !== undefined) this.#tellNow();
  }

  /** A child that ended was waited for. */
  waited(pid: number): void {
    this.#exits.delete(pid);
  }

  /** The signal is here. It may be before Deno says which child it was. */
  heard(): void {
    if (this.#exits.size > 0 || this.#living === 0) this.#tellNow();
    else if (this.#late === undefined) {
      this.#lateAt = performance.now();
      this.#late = startTimer(() => this.#tellNow(), LATE_MS);
    }
  }

  /** Waits no longer where synchronous code keeps the timer from running. */
  look(): void {
    if (this.#late !== undefined && performance.now() - this.#lateAt >= LATE_MS) this.#tellNow();
  }

  /** One SIGCHLD stands for any number of exits, so it tells of the first and the rest is left to `wait()`. */
  #tellNow(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
    const [first] = this.#exits;
    this.#exits.clear();
    this.#tell(first === undefined ? { signo: SIGCHLD, errno: 0 } : infoOfChild(...first));
  }
}

/** What SIGCHLD says of a child that ended with a status word. */
export function infoOfChild(pid: number, word: number): Siginfo {
  const exited = wifexited(word);
  const status = exited ? wexitstatus(word) : wtermsig(word);
  return { signo: SIGCHLD, errno: 0, code: exited ? CLD_EXITED : CLD_KILLED, pid, status };
}
