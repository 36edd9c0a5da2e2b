/**
 * How many messages there are. Nobody keeps a number that all boxes would have to write: each box counts the small rows
 * of the index now and then, the seldomer the longer it takes, and adds what it has done itself since.
 *
 * @module
 */

import type { Engine } from "../../store/engine.ts";
import type { PostsFigures, PostsStatus } from "../../types/posts.ts";
import { DEAD, DUE, type Due, HELD, type Held, readRow } from "./rows.ts";

/** Least time from one count to the next, in milliseconds. */
const EVERY_MS = 1000;
/** A count may take this part of the time. */
const SHARE = 1 / 20;
/** So many rows are counted at most of each kind. */
const MOST_COUNTED = 1_000_000;
/** A full queue is counted again before it refuses, but not more often than this. */
const FULL_EVERY_MS = 50;

/** Counts the messages of one queue. */
export class Census {
  /** What this box has seen. */
  readonly here: PostsFigures = {
    accepted: 0,
    duplicates: 0,
    delivered: 0,
    handled: 0,
    failed: 0,
    died: 0,
    lost: 0,
  };
  readonly #engine: Engine;
  readonly #now: () => number;
  readonly #limit: number;
  #counted = { waiting: 0, delayed: 0, running: 0, dead: 0, oldest: Infinity, at: 0 };
  /** Messages that this box has added and taken away since the count began. */
  #since = 0;
  /** Messages that this box is writing. */
  #entering = 0;
  #tookMs = 0;
  #endedAt = -Infinity;
  #counting: Promise<void> | undefined;
  #isClosed = false;

  /** Counts in `engine`, by the clock `now`; more than `limit` messages, the dead among them, are too many. */
  constructor(engine: Engine, now: () => number, limit: number) {
    this.#engine = engine;
    this.#now = now;
    this.#limit = limit;
  }

  /** A message has come. */
  added(): void {
    this.#since++;
  }

  /** A message is handled, taken back or cleared, and not there any more. */
  removed(): void {
    this.#since--;
  }

  /** Whether the last count is so old that it is time for another. */
  get isDue(): boolean {
    return performance.now() - this.#endedAt > Math.max(EVERY_MS, this.#tookMs / SHARE);
  }

  /**
   * Says whether there is room for one more message, and keeps it until {@linkcode Census.left}; a full queue is counted
   * again first.
   */
  enter(): boolean | Promise<boolean> {
    if (this.#takeRoom()) return true;
    const age = performance.now() - this.#endedAt;
    if (age < Math.max(FULL_EVERY_MS, this.#tookMs)) return false;
    return this.count().then(() => this.#takeRoom());
  }

  /** One that has entered is written, or will not be. */
  left(): void {
    this.#entering--;
  }

  /** Figures as they were when they were last counted. */
  status(): PostsStatus {
    const { waiting, delayed, running, dead, oldest, at } = this.#counted;
    const oldestMs = oldest === Infinity ? 0 : Math.max(0, this.#now() - oldest);
    return { waiting, delayed, running, dead, oldestMs, countedAt: at, here: { ...this.here } };
  }

  /** Counts; who asks while a count goes on gets that one. */
  count(): Promise<void> {
    return this.#counting ??= this.#count().finally(() => this.#counting = undefined);
  }

  /** Gives a count up that goes on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#counting?.catch(whoAskedHearsIt);
  }

  #takeRoom(): boolean {
    const { waiting, delayed, running, dead } = this.#counted;
    const there = waiting + delayed + running + dead + this.#since;
    if (there + this.#entering >= this.#limit) return false;
    this.#entering++;
    return true;
  }

  async #count(): Promise<void> {
    const began = performance.now();
    const before = this.#since;
    const now = this.#now();
    const found = { waiting: 0, delayed: 0, running: 0, dead: 0, oldest: Infinity, at: now };
    let left = MOST_COUNTED;
    for await (const { key, value } of this.#engine.scan(DUE)) {
      const at = key[DUE.length] as number;
      const { owner, since } = readRow<Due>(value!);
      if (at <= now) found.waiting++;
      else if (owner !== undefined) found.running++;
      else found.delayed++;
      if (at <= now || owner !== undefined) found.oldest = Math.min(found.oldest, since);
      if (--left === 0 || this.#isClosed) break;
    }
    for await (const { value } of this.#engine.scan(HELD)) {
      const { at } = readRow<Held>(value!);
      found.waiting++;
      if (at <= now) found.oldest = Math.min(found.oldest, at);
      if (--left <= 0 || this.#isClosed) break;
    }
    for await (const _ of this.#engine.scan(DEAD)) {
      found.dead++;
      if (--left <= 0 || this.#isClosed) break;
    }
    this.#counted = found;
    this.#since -= before;
    this.#endedAt = performance.now();
    this.#tookMs = this.#endedAt - began;
  }
}

function whoAskedHearsIt(): void {}
