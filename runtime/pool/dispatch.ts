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
  /** Hands out once more what waits: a busy worker may not have come to what was left to it. */
  again(): void;
}

/** Tasks of quick routes that one worker may hold, however long they take. */
const AHEAD = 16;
/** What a task takes beside its handler, in milliseconds. */
const TASK_MS = 0.005;
/** So much quick work one worker may hold, and is left to it while it is busy with such work, in milliseconds. */
const AHEAD_MS = 1;
/** When a worker that has answered nothing for so long is no longer trusted to be quick, in milliseconds. */
const STALL_MS = 2;
/** Times that a task is sent to one worker after another that did not begin with it. */
const MAX_SENT = 8;
/** Urgency of what runs even when the box backs off. */
const HIGHEST: Urgency = 2;

/** Hands out what waits. */
export class Dispatcher {
  /** Whether only tasks of the highest priority may run. */
  held = false;
  readonly #options: DispatcherOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Releases the timer. */
  close(): void {
    clearTimeout(this.#timer);
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

  /**
   * Gives tasks to every worker that has nothing to do, each its share of what is quick; what is very quick goes to one
   * that is busy with such.
   *
   * @returns Whether more workers would have had something to do.
   */
  fill(): boolean {
    const { queue, crew, send } = this.#options;
    while (this.canTake) {
      const busy = this.#findBusy();
      if (busy !== undefined) {
        if (!this.#hasRoomAhead(busy)) return false;
        send(busy, this.#pick(busy, queue.size, true));
        continue;
      }
      const worker = crew.takeIdle();
      if (worker === undefined) return true;
      send(worker, this.#pick(worker, Math.ceil(queue.size / Math.max(1, crew.free))));
    }
    return false;
  }

  /** Sends quick tasks to workers that are busy with quick tasks. */
  sendAhead(): void {
    const { crew, queue, send } = this.#options;
    for (const worker of crew.workers) {
      if (!this.#isNextQuick()) return;
      if (!this.#isBusy(worker) || !this.#hasRoomAhead(worker)) continue;
      let quick = true;
      for (const task of worker.tasks.values()) quick &&= this.#isQuick(task);
      if (quick) send(worker, this.#pick(worker, queue.size));
    }
  }

  /** Gives half of what stands behind others to a worker that has nothing to do. */
  balance(): void {
    const { crew, policy, send } = this.#options;
    let most: PoolWorker | undefined;
    for (const worker of crew.workers) {
      if (worker.tasks.size <= (most?.tasks.size ?? policy.concurrency)) continue;
      if (!this.#isDoneSoon(worker)) most = worker;
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

  /** A busy worker that is done with all that waits before another would be worth waking; one with room, if there is. */
  #findBusy(): PoolWorker | undefined {
    const { crew, queue, routes } = this.#options;
    if (queue.size * TASK_MS > AHEAD_MS || !this.#isNextVeryQuick()) return undefined;
    const average = routes.averageMs(queue.peek()!.route);
    const more = { tasks: queue.size, ms: queue.size * (TASK_MS + average) };
    let found: PoolWorker | undefined;
    for (const worker of crew.workers) {
      if (!this.#isBusy(worker) || !this.#isDoneSoon(worker, more)) continue;
      if (this.#hasRoomAhead(worker)) return worker;
      found ??= worker;
    }
    return found;
  }

  /** Whether a worker has so much to do that it can only be sent tasks ahead, and may be. */
  #isBusy(worker: PoolWorker): boolean {
    const { policy } = this.#options;
    return worker.tasks.size >= policy.concurrency && worker.usable && !worker.isDue(policy) &&
      worker.room(policy) > 0;
  }

  /** Half empty only, so that messages are worth their cost. */
  #hasRoomAhead({ tasks }: PoolWorker): boolean {
    return tasks.size <= this.#mostAhead() / 2;
  }

  /**
   * Whether a worker that does not stall is done with its very quick tasks, and with what `more` there is, before another
   * would be worth waking. If so it is asked again later.
   */
  #isDoneSoon({ tasks, answeredAt }: PoolWorker, more = { tasks: 0, ms: 0 }): boolean {
    const { routes } = this.#options;
    if ((tasks.size + more.tasks) * TASK_MS > AHEAD_MS) return false;
    let { ms } = more;
    for (const task of tasks.values()) {
      if (!this.#isVeryQuick(task)) return false;
      ms += TASK_MS + routes.averageMs(task.route);
    }
    if (ms > AHEAD_MS || performance.now() - answeredAt > STALL_MS) return false;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#options.again();
    }, STALL_MS);
    return true;
  }

  /** Takes one task, or several quick ones that a worker can have at once. */
  #pick(worker: PoolWorker, share: number, onlyVeryQuick = false): AnyTask[] {
    const { queue, policy } = this.#options;
    const most = Math.min(share, worker.room(policy));
    const tasks: AnyTask[] = [];
    do tasks.push(queue.take()!); while (
      tasks.length < most && this.#isQuick(tasks[0]!) &&
      (onlyVeryQuick ? this.#isNextVeryQuick() : this.#isNextQuick()) &&
      tasks.length + worker.tasks.size < this.#mostAhead()
    );
    return tasks;
  }

  /** How many tasks like the next one a worker may hold. */
  #mostAhead(): number {
    const { queue, routes } = this.#options;
    const { route } = queue.peek()!;
    if (!routes.isVeryQuick(route)) return AHEAD;
    return Math.max(AHEAD, Math.floor(AHEAD_MS / (TASK_MS + routes.averageMs(route))));
  }

  #isNextQuick(): boolean {
    return this.canTake && this.#isQuick(this.#options.queue.peek()!);
  }

  #isNextVeryQuick(): boolean {
    return this.canTake && this.#isVeryQuick(this.#options.queue.peek()!);
  }

  #isVeryQuick(task: AnyTask): boolean {
    return this.#options.routes.isVeryQuick(task.route) && this.#isQuick(task);
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
