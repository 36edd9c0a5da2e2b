/**
 * The times at which tasks must have started or ended.
 *
 * One timer stands for the earliest of them. Since timers starve under a flood of messages, the pool
 * also checks whenever a worker answers.
 *
 * @module
 */

import type { PoolTask } from "./task.ts";

/** Hears about a task whose time is up. */
export type OnExpired = (task: PoolTask<unknown>, why: "deadline" | "queue") => void;

const LONGEST_TIMER = 2 ** 31 - 1;

/** Watches the deadlines of a pool's tasks. */
export class Deadlines {
  readonly #onExpired: OnExpired;
  /** Until when each task may wait in the queue; infinite once it runs. */
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

  /** The task has left the queue. */
  started(task: PoolTask<unknown>): void {
    if (this.#tasks.has(task)) this.#tasks.set(task, Infinity);
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
      if (now >= task.deadline || now >= queueUntil) {
        this.#tasks.delete(task);
        this.#onExpired(task, now >= task.deadline ? "deadline" : "queue");
      } else next = Math.min(next, task.deadline, queueUntil);
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
