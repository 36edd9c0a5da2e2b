/**
 * One worker of a pool: the tasks that it runs, and what decides when it is replaced.
 *
 * @module
 */

import type { Thread } from "../thread/thread.ts";

/** When a worker is to be replaced. */
export interface RecyclePolicy {
  /** After so many tasks; 0: never. */
  maxRequests: number;
  /** After so many milliseconds; 0: never. */
  maxAgeMs: number;
}

/**
 * A ready worker and what it is doing.
 *
 * @typeParam T The tasks.
 */
export class PoolWorker<T> {
  /** The worker's thread. */
  readonly thread: Thread;
  /** The tasks that run on it, by id: one of its own, and the tasks of its tasks that it was lent to. */
  readonly tasks: Map<number, T>;
  /** When it became ready, on the clock of `performance.now()`. */
  readonly since = performance.now();
  /** When its last task ended. */
  idleSince = this.since;
  /** Tasks that it has run. */
  requests = 0;
  /** Whether it takes no further task. */
  retiring = false;

  constructor(thread: Thread, tasks: Map<number, T>) {
    this.thread = thread;
    this.tasks = tasks;
  }

  /** Whether it can take a task now. */
  get idle(): boolean {
    return this.tasks.size === 0 && !this.retiring && this.thread.alive;
  }

  /** Whether it should give way to a fresh worker before it takes another task. */
  isDue({ maxRequests, maxAgeMs }: RecyclePolicy): boolean {
    return (maxRequests > 0 && this.requests >= maxRequests) ||
      (maxAgeMs > 0 && performance.now() - this.since > maxAgeMs);
  }
}
