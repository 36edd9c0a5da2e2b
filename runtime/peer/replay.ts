/**
 * Refuses what was sent before.
 *
 * A credential is a sender's name and a number that it uses once. Only what has a true signature is noted, so that a stranger
 * cannot fill the memory; a sender is forgotten when all that it sent is too old to be accepted anyway. What was seen ends with
 * the process: for `clockSkewMs` after a box has started, it takes once more what was sent before.
 *
 * @module
 */

import { startTimer } from "../own_timers.ts";
import { Counts } from "./counts.ts";

/** Numbers of one sender that are told apart: what comes that far out of order is refused. */
const COUNTS = 1 << 15;
/** Senders at once, 4 KiB each. */
const MOST_SENDERS = 2048;
/** So long what was seen is collected before others are told. */
const TELL_AFTER_MS = 10;
/** What is told at once at most; more is told earlier. */
const MOST_TOLD = 4096;

/** A credential that was seen: the sender, its number, and when it was made. */
export type Seen = readonly [sender: string, count: number, time: number];

/** What became of a credential. */
export type Verdict = "new" | "seen" | "full";

/** How {@linkcode ReplayGuard} is bounded. */
export interface ReplayOptions {
  /** So far a credential's time may be from this box's, in milliseconds. */
  clockSkewMs: number;
  /** Most senders that are known at once. @default 2048 */
  mostSenders?: number;
  /** The clock, in milliseconds since the epoch. @default Date.now */
  now?: () => number;
}

interface Sender {
  readonly counts: Counts;
  newest: number;
}

/** Remembers which credentials were seen. */
export class ReplayGuard {
  readonly #clockSkewMs: number;
  readonly #mostSenders: number;
  readonly #now: () => number;
  readonly #senders = new Map<string, Sender>();
  /** The newest time of all that was forgotten: nothing as old is taken, even if the clock goes back. */
  #floor = -Infinity;
  #tell: ((seen: Seen[]) => void) | undefined;
  #untold: Seen[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the bounds. */
  constructor({ clockSkewMs, mostSenders = MOST_SENDERS, now = Date.now }: ReplayOptions) {
    this.#clockSkewMs = clockSkewMs;
    this.#mostSenders = mostSenders;
    this.#now = now;
  }

  /** How many senders are known. */
  get senders(): number {
    this.#forget();
    return this.#senders.size;
  }

  /**
   * Notes a credential whose signature and time were found good.
   *
   * @returns `"new"`, and only then may it be accepted; `"full"` if it is of one sender more than can be known.
   */
  admit(sender: string, count: number, time: number): Verdict {
    const verdict = this.#add(sender, count, time);
    if (verdict === "new" && this.#tell !== undefined) this.#collect([sender, count, time]);
    return verdict;
  }

  /** Notes what another box that shares this one's address has seen. */
  note(sender: string, count: number, time: number): void {
    // There is nothing more to do where it is known, or where it is one too many: the latter is refused here as well.
    this.#add(sender, count, time);
  }

  /** Tells what was seen here, some 10 ms later and many at once; of several callbacks the last one holds. */
  onSeen(tell: ((seen: Seen[]) => void) | undefined): void {
    this.#flush();
    this.#tell = tell;
  }

  /** Tells what is left to tell, and no more. */
  close(): void {
    this.onSeen(undefined);
  }

  #add(sender: string, count: number, time: number): Verdict {
    let known = this.#senders.get(sender);
    if (known === undefined) {
      this.#forget();
      if (time <= this.#floor) return "seen";
      if (this.#senders.size >= this.#mostSenders) return "full";
      known = { counts: new Counts(COUNTS), newest: time };
      this.#senders.set(sender, known);
    }
    if (time > known.newest) known.newest = time;
    return known.counts.add(count) ? "new" : "seen";
  }

  /** Drops those of whom everything is too old. */
  #forget(): void {
    const oldest = this.#now() - this.#clockSkewMs;
    for (const [sender, { newest }] of this.#senders) {
      if (newest >= oldest) continue;
      this.#senders.delete(sender);
      this.#floor = Math.max(this.#floor, newest);
    }
  }

  #collect(seen: Seen): void {
    this.#untold.push(seen);
    if (this.#untold.length >= MOST_TOLD) this.#flush();
    else this.#timer ??= startTimer(() => this.#flush(), TELL_AFTER_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const seen = this.#untold;
    if (seen.length === 0) return;
    this.#untold = [];
    this.#tell?.(seen);
  }
}
