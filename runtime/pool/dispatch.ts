/**
 * Which waiting tasks go to which worker: one at a time, or, where they are known to be quick, several in
 * a message, also to workers that are busy with quick ones.
 *
 * @module
 */

import type { Crew } from "./crew.ts";
import type { FairQueue, Urgency } from "./queue.ts";
import type { Routes } from "./routes.ts";
import type { PoolTask } from "./task.ts";
import type { PoolWorker, RecyclePolicy } from "./worker.ts";

type AnyTask = PoolTask<unknown>;

/** What a {@linkcode Dispatcher} stands on. */
export interface DispatcherOptions {
  /** What waits. */
  queue: FairQueue<AnyTask>;
  /** The workers. */
  crew: Crew;
  /** How long the tasks of each route take. */
  routes: Routes;
  /** When workers are replaced, and how much they run at once. */
  policy: RecyclePolicy & { concurrency: number };
  /** Sends tasks to a worker. */
  send(worker: PoolWorker, tasks: readonly AnyTask[]): void;
}

/** Tasks of quick routes that one worker may hold. */
const AHEAD = 16;
/** Times that a task is sent to one worker after another that did not begin with it. */
const MAX_SENT = 8;
/** Urgency of what runs even when the box backs off. */
const HIGHEST: Urgency = 2;

/** Hands out what waits. */
export class Dispatcher {
  /** Whether only tasks of the highest priority may run. */
  held = false;
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Whether the next task in the queue may run. */
  get canTake(): boolean {
    const next = this.#options.queue.peek();
    return next !== undefined && this.mayRun(next);
  }

  /** Whether a task may run, as far as that is held back. */
  mayRun({ priority }: AnyTask): boolean {
    return !this.held || priority === HIGHEST;
  }

  /** Gives tasks to every worker that has nothing to do, each its share of what is quick. */
  fill(): void {
    const { queue, crew, send } = this.#options;
    while (this.canTake) {
      const worker = crew.takeIdle();
      if (worker === undefined) break;
      send(worker, this.#pick(worker, Math.ceil(queue.size / Math.max(1, crew.free))));
    }
  }

  /** Sends quick tasks to workers that are busy with quick tasks. */
  sendAhead(): void {
    const { crew, policy, send } = this.#options;
    for (const worker of crew.workers) {
      // Half empty only, so that messages are worth their cost.
      if (!this.#isNextQuick()) return;
      if (!worker.usable || worker.tasks.size > AHEAD / 2 || worker.isDue(policy)) continue;
      if (worker.tasks.size < policy.concurrency || worker.room(policy) <= 0) continue;
      let quick = true;
      for (const task of worker.tasks.values()) quick &&= this.#isQuick(task);
      if (quick) send(worker, this.#pick(worker, AHEAD));
    }
  }

  /** Gives half of what stands behind others to a worker that has nothing to do. */
  balance(): void {
    const { crew, policy, send } = this.#options;
    let most: PoolWorker | undefined;
    for (const worker of crew.workers) {
      if (worker.tasks.size > (most?.tasks.size ?? policy.concurrency)) most = worker;
    }
    if (most === undefined) return;
    const idle = crew.takeIdle();
    if (idle === undefined || idle.tasks.size > 0) return;
    const behind = [...most.tasks.values()].filter((task) =>
      isMovable(task) && !most.hasStarted(task)
    );
    const share = Math.min(behind.length - (behind.length >> 1), idle.room(policy));
    const taken = behind.slice(behind.length - share).filter((task) => most.takeBack(task));
    if (taken.length > 0) send(idle, taken);
  }

  /** Takes one task, or several quick ones that a worker can have at once. */
  #pick(worker: PoolWorker, share: number): AnyTask[] {
    const { queue, policy } = this.#options;
    const most = Math.min(share, AHEAD - worker.tasks.size, worker.room(policy));
    const tasks: AnyTask[] = [];
    do tasks.push(queue.take()!); while (
      tasks.length < most && this.#isQuick(tasks[0]!) && this.#isNextQuick()
    );
    return tasks;
  }

  #isNextQuick(): boolean {
    return this.canTake && this.#isQuick(this.#options.queue.peek()!);
  }

  /** A task that somebody waits for on a worker must not stand behind one that waits. */
  #isQuick({ job, route }: AnyTask): boolean {
    const { parent, transferables } = job;
    return parent === undefined && transferables === undefined &&
      this.#options.routes.isQuick(route);
  }
}

/** Whether another worker may run the task, if none has begun with it. */
export function isMovable({ job, sent, error }: AnyTask, maxSent = MAX_SENT): boolean {
  return job.transferables === undefined && sent < maxSent && error === undefined;
}
