/**
 * The workers of one kind: a queue, the workers that take from it, and the deadlines of both.
 *
 * Tasks run first in, first out, one at a time on each worker. Workers start on demand up to a limit
 * and retire when idle. A task that somebody waits for may also run on the worker of a task above it,
 * which is itself only waiting, so that a pool full of parents that wait for children never stands still.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { Services } from "../thread/thread.ts";
import { Crew, type CrewOptions } from "./crew.ts";
import { Deadlines } from "./deadlines.ts";
import { type Answered, type FindTask, type Job, PoolTask } from "./task.ts";
import type { PoolWorker } from "./worker.ts";

/** How a pool behaves. Durations are milliseconds. */
export interface PoolOptions extends CrewOptions {
  /** Most tasks that may wait. */
  queueLimit: number;
  /** Longest wait in the queue; 0: no limit of its own. */
  maxQueueMs: number;
  /** Longest time from submission to end; 0: no limit. */
  deadlineMs: number;
  /** Makes the services of one worker, given a way to find the tasks that run on that worker. */
  services(find: FindTask): Services;
}

/** Figures of a pool. */
export interface PoolStatus {
  /** Workers that are ready or busy. */
  workers: number;
  /** Workers that have a task. */
  busy: number;
  /** Tasks that wait. */
  queued: number;
  /** Tasks that have ended, in whatever way. */
  ended: number;
  /** Tasks that were refused. */
  refused: number;
  /** Workers that were given up while stuck: each burns a core until the process ends. */
  leaked: number;
}

/** How deep tasks may start tasks. */
const MAX_DEPTH = 32;

type AnyTask = PoolTask<unknown>;
type AnyWorker = PoolWorker<AnyTask>;

/** Runs jobs on workers of one kind. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #crew: Crew<AnyTask>;
  readonly #queue = new Set<AnyTask>();
  readonly #waited = new Set<AnyTask>();
  readonly #deadlines: Deadlines;
  readonly #figures = { ended: 0, refused: 0 };
  #nextId = 1;
  #stopping = false;
  #closed = false;
  #emptied: (() => void)[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines((task, why) => this.#expire(task, why));
    this.#crew = new Crew(options, {
      services: (tasks) => {
        const find: FindTask = (id) => tasks.get(id as number);
        return { done: (id) => this.#done(find(id)), ...options.services(find) };
      },
      onReady: () => this.#pump(),
      onLost: (worker, error) => {
        for (const task of [...worker.tasks.values()]) this.#settle(worker, task, error);
        this.#pump();
      },
    });
  }

  /** Starts workers until `spares` are ready; rejects with what kept one from starting. */
  async warm(): Promise<void> {
    await this.#crew.warm();
  }

  /**
   * Takes a job.
   *
   * @throws {RuntimeError} `QUEUE_FULL`, `STOPPING` or `DEPTH_EXCEEDED` when it is refused.
   */
  submit<A>(job: Job<A>): PoolTask<A> {
    const { queueLimit, deadlineMs, maxQueueMs } = this.#options;
    this.#refuse(job as Job<unknown>, queueLimit);
    const now = performance.now();
    const deadline = Math.min(
      job.timeoutMs === undefined ? Infinity : now + job.timeoutMs,
      deadlineMs === 0 ? Infinity : now + deadlineMs,
      job.parent?.deadline ?? Infinity,
    );
    const task = new PoolTask(this.#nextId++, job, deadline, {
      wait: (waiting) => this.#wait(waiting),
      abandon: (given, error) => this.#abandon(given, error),
    });
    const queued = task as AnyTask;
    this.#queue.add(queued);
    this.#deadlines.add(queued, maxQueueMs === 0 ? Infinity : now + maxQueueMs);
    this.#cancelWithParent(queued);
    this.#pump();
    return task;
  }

  /** Calls a function of every worker that is ready and does not wait for its answer. */
  tell(method: string, value: unknown): void {
    for (const { thread } of this.#crew.workers) thread.call(method, [value]).catch(endSaysIt);
  }

  /** Figures for people and health checks. */
  status(): PoolStatus {
    const { workers, leaked } = this.#crew;
    let busy = 0;
    for (const worker of workers) if (worker.tasks.size > 0) busy++;
    return { workers: workers.size, busy, queued: this.#queue.size, ...this.#figures, leaked };
  }

  /** Takes no new task but those of running tasks, and resolves when all have ended. */
  async drain(): Promise<void> {
    this.#stopping = true;
    if (this.#busy) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  /** Gives up what is left and ends the workers, each within `graceMs` milliseconds, 0: at once. */
  async close(graceMs: number): Promise<void> {
    this.#stopping = this.#closed = true;
    const { name } = this.#options;
    const gone = new RuntimeError("STOPPING", `Cannot run in pool ${name}: it closed`);
    for (const task of this.#queue) this.#abandon(task, gone);
    for (const worker of this.#crew.workers) {
      for (const task of [...worker.tasks.values()]) this.#settle(worker, task, gone);
    }
    await this.#crew.close(graceMs, gone);
    this.#deadlines.close();
  }

  get #busy(): boolean {
    if (this.#queue.size > 0) return true;
    for (const worker of this.#crew.workers) if (worker.tasks.size > 0) return true;
    return false;
  }

  #refuse(job: Job<unknown>, queueLimit: number): void {
    const { name } = this.#options;
    const cannot = `Cannot start ${job.name}`;
    if (this.#closed || (this.#stopping && job.parent === undefined)) {
      this.#figures.refused++;
      throw new RuntimeError("STOPPING", `${cannot}: pool ${name} is stopping`);
    }
    if (this.#queue.size >= queueLimit && !this.#hasRoom()) {
      this.#figures.refused++;
      throw new RuntimeError(
        "QUEUE_FULL",
        `${cannot}: the queue of pool ${name} holds ${this.#queue.size} of ${queueLimit}`,
      );
    }
    if (job.parent !== undefined && job.parent.depth + 1 > MAX_DEPTH) {
      this.#figures.refused++;
      throw new RuntimeError(
        "DEPTH_EXCEEDED",
        `${cannot}: tasks may start tasks ${MAX_DEPTH} levels deep`,
      );
    }
  }

  /** Gives queued tasks to whoever can take them. */
  #pump(): void {
    for (const task of this.#queue) {
      const worker = this.#crew.takeIdle();
      if (worker === undefined) break;
      this.#run(worker, task);
    }
    for (let wanted = this.#queue.size - this.#crew.starting; wanted > 0; wanted--) {
      if (!this.#crew.canGrow) break;
      this.#crew.grow().catch((error) => this.#failHead(error));
    }
    if (this.#queue.size > 0 && this.#crew.starting === 0) {
      for (const task of this.#waited) this.#lend(task);
    }
  }

  #hasRoom(): boolean {
    for (const worker of this.#crew.workers) if (worker.idle) return true;
    return this.#crew.canGrow;
  }

  #run(worker: AnyWorker, task: AnyTask): void {
    this.#queue.delete(task);
    this.#waited.delete(task);
    this.#deadlines.started(task);
    task.state = "running";
    task.worker = worker;
    worker.tasks.set(task.id, task);
    this.#call(worker, task).then(
      () => this.#settleWhenFree(worker, task),
      (error) => this.#settle(worker, task, error),
    );
  }

  async #call(worker: AnyWorker, task: AnyTask): Promise<void> {
    const { job } = task;
    const made = job.payload();
    const payload = made instanceof Promise ? await made : made;
    if (task.error !== undefined) throw task.error;
    const args = [task.id, payload, task.deadline === Infinity ? 0 : task.remainingMs];
    const answered = await worker.thread.call("run", args, {
      accept: (value) => job.accept(value, task),
      transferables: job.transferables,
    }) as Answered<unknown>;
    this.#deadlines.check();
    // The worker may have said that it is done before its answer was looked at.
    task.holds.worker &&= answered.open;
    task.holds.stream = answered.drained !== undefined;
    task.succeed(answered.value);
    answered.drained?.then(() => {
      task.holds.stream = false;
      this.#settleWhenFree(worker, task);
    });
  }

  #settleWhenFree(worker: AnyWorker, task: AnyTask): void {
    if (!task.holds.worker && !task.holds.stream) this.#settle(worker, task);
  }

  /** The worker says that it has finished a task whose answer was open. */
  #done(task: AnyTask | undefined): void {
    if (task?.worker === undefined) return;
    task.holds.worker = false;
    if (task.state === "answered") this.#settleWhenFree(task.worker, task);
  }

  #settle(worker: AnyWorker, task: AnyTask, error?: unknown): void {
    if (!worker.tasks.delete(task.id)) return;
    if (error !== undefined) task.fail(toError(error));
    this.#finish(task);
    this.#crew.ended(worker);
    if (worker.retiring) this.#giveUp(worker);
    this.#pump();
  }

  #finish(task: AnyTask): void {
    this.#deadlines.delete(task);
    this.#queue.delete(task);
    this.#waited.delete(task);
    task.end();
    this.#figures.ended++;
    if (this.#busy) return;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  #wait(task: AnyTask): void {
    if (!this.#queue.has(task) || task.job.parent === undefined) return;
    this.#waited.add(task);
    this.#pump();
  }

  /** Runs a task on the worker of the nearest task above it that this pool runs. */
  #lend(task: AnyTask): void {
    for (let above = task.job.parent; above !== undefined; above = above.job.parent) {
      const worker = above.worker;
      if (
        worker !== undefined && worker.tasks.get(above.id) === above &&
        this.#crew.workers.has(worker)
      ) {
        return this.#run(worker, task);
      }
    }
  }

  /** What a task that failed has asked for, nobody waits for any more. */
  #cancelWithParent(task: AnyTask): void {
    const signal = task.job.parent?.signal;
    if (signal === undefined) return;
    const cancel = () => {
      if (task.remainingMs === 0) this.#expire(task, "deadline");
      else task.cancel("the task that asked for it is gone");
    };
    if (signal.aborted) return cancel();
    signal.addEventListener("abort", cancel, { once: true });
    task.ended.then(() => signal.removeEventListener("abort", cancel));
  }

  #expire(task: AnyTask, why: "deadline" | "queue"): void {
    const waited = Math.round(performance.now() - task.submittedAt);
    this.#abandon(
      task,
      why === "queue"
        ? new RuntimeError(
          "QUEUE_TIMEOUT",
          `Cannot run ${task.job.name}: it waited ${waited} ms in the queue of pool ${this.#options.name}`,
        )
        : new RuntimeError(
          "DEADLINE_EXCEEDED",
          `Cannot finish ${task.job.name}: its time was up after ${waited} ms`,
        ),
    );
  }

  /** Lets whoever waits know at once; the worker gets a moment to stop before it is replaced. */
  #abandon(task: AnyTask, error: RuntimeError): void {
    // Its time may be up when it has been cancelled already, or the other way round.
    if (task.error !== undefined) return;
    const { worker } = task;
    task.fail(error);
    if (worker === undefined) return this.#finish(task);
    if (!worker.tasks.has(task.id)) return;
    this.#deadlines.delete(task);
    let answers = false;
    worker.thread.call("cancel", [task.id, error.message]).then(
      () => answers = true,
      () => answers = true,
    );
    const timer = setTimeout(() => {
      if (!worker.tasks.has(task.id)) return;
      this.#options.log.warn(
        `A worker of pool ${this.#options.name} was replaced: ${task.job.name} did not stop`,
        { worker: worker.thread.name, stuck: !answers },
      );
      task.overdue = true;
      if (answers) return this.#giveUp(worker);
      this.#crew.abandon(worker, `${task.job.name} did not stop`);
    }, this.#options.graceMs);
    task.ended.then(() => clearTimeout(timer));
  }

  /** Ends a worker as soon as nothing but tasks that do not stop is left on it. */
  #giveUp(worker: AnyWorker): void {
    worker.retiring = true;
    const running = [...worker.tasks.values()];
    if (running.length === 0 || running.some(({ overdue }) => !overdue)) return;
    worker.thread.end("closed", `${running[0]!.job.name} did not stop`);
  }

  /** A worker could not start: the oldest task learns it, so that nothing waits for a pool that cannot work. */
  #failHead(error: unknown): void {
    const [head] = this.#queue;
    this.#options.log.error(`A worker of pool ${this.#options.name} could not start`, {
      why: toError(error).message,
    });
    if (head === undefined) return;
    head.fail(toError(error));
    this.#finish(head);
    this.#pump();
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** A worker that ends before it has heard is reported by its end. */
function endSaysIt(): void {}
