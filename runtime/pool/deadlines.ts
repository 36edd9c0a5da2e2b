/**
 * The times at which tasks must have started or ended.
 *
 * One timer stands for the earliest of them. Since timers starve under a flood of messages, the pool
 * also checks whenever a worker answers.
 *
 * @module
 */

import type { PoolTask } from "./task.ts";

/** Hears about a task whose time is up; says whether it was, since a task that runs waits no more. */
export type OnExpired = (task: PoolTask<unknown>, why: "deadline" | "queue") => boolean;

const LONGEST_TIMER = 2 ** 31 - 1;

/** Watches the deadlines of a pool's tasks. */
export class Deadlines {
  readonly #onExpired: OnExpired;
  /** Until when each task may wait to be run; infinite once it is known to run. */
  readonly #tasks = new Map<PoolTask<unknown>, number>();
  #earliest = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onExpired: OnExpired) {
    this.#onExpired = onExpired;
  }

  /** Watches a task that may wait until `queueUntil`. */
  add(task: PoolTask<unknown>, queueUntil: number): void {
    const next = Math.min(task.deadline, queueUntil);
    if (next === Infinity) return;
    this.#tasks.set(task, queueUntil);
    if (next < this.#earliest) this.#arm(next);
  }

  /** Forgets a task. */
  delete(task: PoolTask<unknown>): void {
    this.#tasks.delete(task);
  }

  /** Reports every task whose time is up. */
  check(): void {
    if (performance.now() < this.#earliest) return;
    let next = Infinity;
    for (const [task, queueUntil] of [...this.#tasks]) {
      // To report one task may take others with it.
      if (!this.#tasks.has(task)) continue;
      const now = performance.now();
      if (now >= task.deadline) {
        this.#tasks.delete(task);
        this.#onExpired(task, "deadline");
      } else if (now < queueUntil) {
        next = Math.min(next, task.deadline, queueUntil);
      } else if (this.#onExpired(task, "queue")) {
        this.#tasks.delete(task);
      } else {
        this.#tasks.set(task, Infinity);
        next = Math.min(next, task.deadline);
      }
    }
    this.#arm(next);
  }

  /** Releases the timer. */
  close(): void {
    this.#tasks.clear();
    this.#arm(Infinity);
  }

  #arm(at: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#earliest = at;
    if (at === Infinity) return;
    const wait = Math.min(LONGEST_TIMER, Math.max(0, at - performance.now()) + 1);
    this.#timer = setTimeout(() => this.#tick(), wait);
    Deno.unrefTimer(this.#timer);
  }

  #tick(): void {
    if (performance.now() < this.#earliest) this.#arm(this.#earliest);
    else this.check();
  }
}
