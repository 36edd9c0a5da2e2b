/**
 * Times that run out. Those that are equally long share one timer, which is started again only when the first of them runs
 * out: a timer for each call would take longer than its signature.
 *
 * @module
 */

import { startTimer } from "../own_timers.ts";

/** A time that runs. */
export interface Deadline {
  /** Ends it, so that nothing happens when it is up. */
  end(): void;
}

interface Entry {
  readonly at: number;
  readonly expire: () => void;
}

/** Deadlines, few of whose lengths differ. */
export class Deadlines {
  readonly #lanes = new Map<number, Lane>();

  /** Calls `expire` after `ms` milliseconds, unless it is ended before. It must not throw. */
  start(ms: number, expire: () => void): Deadline {
    let lane = this.#lanes.get(ms);
    if (lane === undefined) {
      this.#lanes.set(ms, lane = new Lane(ms, () => this.#lanes.delete(ms)));
    }
    return lane.start(expire);
  }
}

/** Deadlines of one length: the first that began is the first to run out. */
class Lane {
  readonly #ms: number;
  readonly #empty: () => void;
  readonly #entries = new Set<Entry>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, empty: () => void) {
    this.#ms = ms;
    this.#empty = empty;
  }

  start(expire: () => void): Deadline {
    const entry = { at: performance.now() + this.#ms, expire };
    this.#entries.add(entry);
    this.#timer ??= startTimer(() => this.#run(), this.#ms);
    return { end: () => this.#end(entry) };
  }

  #run(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const entry of this.#entries) {
      if (entry.at > now) {
        // One that began during this has started it already.
        this.#timer ??= startTimer(() => this.#run(), entry.at - now);
        return;
      }
      this.#entries.delete(entry);
      entry.expire();
    }
    this.#end();
  }

  #end(entry?: Entry): void {
    if (entry !== undefined) this.#entries.delete(entry);
    if (this.#entries.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#empty();
  }
}
