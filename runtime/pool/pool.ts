/**
 * The workers of one kind: a queue, the workers that take from it, and the deadlines of both.
 *
 * Waiting routes take turns, each first in, first out. Workers start on demand up to a limit and retire
 * when idle. Tasks of quick routes are sent ahead, several in a message, and taken back from a worker
 * that does not get to them. A task that somebody waits for may also run on the worker of a task above
 * it, which is itself only waiting, so that a pool full of parents that wait for children never stands
 * still.
 *
 * @module
 */

import { fromErrorRecord, parseErrorRecord, RuntimeError } from "../errors.ts";
import type { Services, ThreadEnd } from "../thread/thread.ts";
import { findForbidden, releaseStreams } from "../thread/values.ts";
import { Crew, type CrewOptions } from "./crew.ts";
import { Deadlines } from "./deadlines.ts";
import { Dispatcher, isMovable } from "./dispatch.ts";
import { PRIORITIES, type Priority } from "./priority.ts";
import { FLAGS, isAnswer, RESET_ID } from "./protocol.ts";
import { FairQueue, type Urgency } from "./queue.ts";
import { Routes } from "./routes.ts";
import { describePool, type PoolStatus } from "./status.ts";
import type { SessionPolicy } from "../types/site.ts";
import { type FindTask, type Job, PoolTask } from "./task.ts";
import type { PoolWorker } from "./worker.ts";

/** How a pool behaves. Durations are milliseconds. */
export interface PoolOptions extends CrewOptions {
  /** Most tasks that may wait. */
  queueLimit: number;
  /** Longest time until a task runs; 0: no limit of its own. */
  maxQueueMs: number;
  /** Once so many tasks wait, the newest is taken first. */
  newestFirstAt: number;
  /** Longest time from submission to end; 0: no limit. */
  deadlineMs: number;
  /** How long a task that was told to stop may take before its worker is replaced. */
  graceMs: number;
  /** What a worker keeps between two tasks. */
  session: SessionPolicy;
  /** Priority of tasks that have none of their own. */
  priority: Priority;
  /** Whether a worker may change how old it and its successors may become. @default false */
  setsTenure?: boolean;
  /** Makes the services of one worker, given a way to find the tasks that run on that worker. */
  services(find: FindTask): Services;
}

type AnyTask = PoolTask<unknown>;

/** How deep tasks may start tasks. */
const MAX_DEPTH = 32;

/** Runs jobs on workers of one kind. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #crew: Crew;
  readonly #queue: FairQueue<AnyTask>;
  readonly #waited = new Set<AnyTask>();
  readonly #deadlines: Deadlines;
  readonly #routes = new Routes();
  readonly #dispatch: Dispatcher;
  readonly #figures = { ended: 0, refused: 0 };
  #nextId = 1;
  #open = 0;
  #stopping = false;
  #closed = false;
  #pumping = false;
  #emptied: (() => void)[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#queue = new FairQueue({ newestFirstAt: options.newestFirstAt });
    this.#deadlines = new Deadlines((task, why) => this.#expire(task, why));
    this.#crew = new Crew(options, {
      services: (worker) => this.#services(worker),
      onAnswers: (worker, list) => this.#takeAnswers(worker, list),
      onReady: () => this.#pump(),
      onSuspect: (worker) => this.#takeBack(worker, [...worker.tasks.values()]),
      onLost: (worker, end) => this.#lose(worker, end),
    });
    this.#dispatch = new Dispatcher({
      queue: this.#queue,
      crew: this.#crew,
      routes: this.#routes,
      policy: options,
      send: (worker, tasks) => this.#send(worker, tasks),
      again: () => this.#pump(),
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
    const { deadlineMs, maxQueueMs } = this.#options;
    const priority = PRIORITIES.indexOf(job.priority ?? this.#options.priority) as Urgency;
    this.#refuse(job as Job<unknown>, priority);
    const now = performance.now();
    const deadline = Math.min(
      job.timeoutMs === undefined ? Infinity : now + job.timeoutMs,
      deadlineMs === 0 ? Infinity : now + deadlineMs,
      job.parent?.deadline ?? Infinity,
    );
    const terms = { id: this.#nextId++, deadline, priority, submittedAt: now };
    const task = new PoolTask(job, terms, this.#owner);
    const queued = task as AnyTask;
    this.#queue.add(queued);
    this.#open++;
    this.#deadlines.add(queued, maxQueueMs === 0 ? Infinity : now + maxQueueMs);
    if (job.parent !== undefined) this.#cancelWithParent(queued, job.parent);
    this.#pumpSoon();
    return task;
  }

  /** Calls a function of every worker that is ready and does not wait for its answer. */
  tell(method: string, value: unknown): void {
    for (const { thread } of this.#crew.workers) thread.call(method, [value]).catch(endSaysIt);
  }

  /** Lets only tasks of the highest priority run, or all of them again. */
  hold(held: boolean): void {
    this.#dispatch.held = held;
    if (!held) this.#pump();
  }

  /** Lets so many waiting tasks run although the others are held. */
  release(count: number): void {
    for (; count > 0 && this.#queue.size > 0; count--) {
      const worker = this.#crew.takeIdle();
      if (worker === undefined) return this.#grow(count);
      this.#send(worker, [this.#queue.take()!]);
    }
  }

  /** Tasks that wait for a worker. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Milliseconds that the oldest of them has waited. */
  get queueAgeMs(): number {
    const oldest = this.#queue.oldest();
    return oldest === undefined ? 0 : performance.now() - oldest.submittedAt;
  }

  /** Figures for people and health checks. */
  status(): PoolStatus {
    const { queued, queueAgeMs } = this;
    return describePool(this.#options, this.#crew, {
      queued,
      queueAgeMs,
      ...this.#figures,
    });
  }

  /** Takes no new task but those of running tasks, and resolves when all have ended. */
  async drain(): Promise<void> {
    this.#stopping = true;
    this.hold(false);
    if (this.#open > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  /** Gives up what is left and ends the workers, each within `graceMs` milliseconds, 0: at once. */
  async close(graceMs: number): Promise<void> {
    this.#stopping = this.#closed = true;
    const { name } = this.#options;
    // One for each: what is known of one failure is not true of another.
    const gone = () => new RuntimeError("STOPPING", `Cannot run in pool ${name}: it closed`);
    for (const task of [...this.#queue]) this.#abandon(task, gone());
    for (const worker of this.#crew.workers) {
      for (const task of [...worker.tasks.values()]) this.#settle(worker, task, gone());
    }
    await this.#crew.close(graceMs, gone());
    this.#deadlines.close();
    this.#dispatch.close();
  }

  #services(worker: PoolWorker): Services {
    const { services, setsTenure } = this.#options;
    const own = services((id) => worker.tasks.get(id as number));
    if (setsTenure !== true) return own;
    return { ...own, maxAge: (ms) => worker.tenure.set(ms, worker) };
  }

  readonly #owner = {
    wait: (task: AnyTask) => this.#wait(task),
    abandon: (task: AnyTask, error: RuntimeError) => this.#abandon(task, error),
  };

  #refuse(job: Job<unknown>, priority: Urgency): void {
    const { name, queueLimit } = this.#options;
    const cannot = `Cannot start ${job.name}`;
    let refusal: RuntimeError | undefined;
    if (this.#closed || (this.#stopping && job.parent === undefined)) {
      refusal = new RuntimeError("STOPPING", `${cannot}: pool ${name} is stopping`);
    } else if (job.parent !== undefined && job.parent.depth + 1 > MAX_DEPTH) {
      refusal = new RuntimeError(
        "DEPTH_EXCEEDED",
        `${cannot}: tasks may start tasks ${MAX_DEPTH} levels deep`,
      );
    } else if (this.#waiting >= queueLimit && !this.#makeRoom(job.route ?? "", priority)) {
      refusal = queueFull(cannot, name, this.#queue.size, queueLimit);
    }
    if (refusal === undefined) return;
    this.#figures.refused++;
    throw refusal;
  }

  /** Tasks that no worker is there for, or on its way. */
  get #waiting(): number {
    if (this.#queue.size < this.#options.queueLimit) return 0;
    const { free, starting, growth } = this.#crew;
    return this.#queue.size - free - (starting + growth) * this.#options.concurrency;
  }

  /** A route that fills the queue gives way to others. */
  #makeRoom(route: string, priority: Urgency): boolean {
    const victim = this.#queue.victim(route, priority);
    if (victim === undefined) return false;
    const { name, queueLimit } = this.#options;
    this.#figures.refused++;
    this.#abandon(
      victim,
      queueFull(`Cannot run ${victim.job.name}`, name, this.#queue.size, queueLimit),
    );
    return true;
  }

  /** What is submitted in one turn can be packed into one message. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** Gives queued tasks to whoever can take them. */
  #pump(): void {
    if (!this.#dispatch.fill()) return this.#dispatch.balance();
    // How much of what waits is urgent, nobody counts; the next worker that is ready asks again.
    this.#grow(this.#dispatch.held ? 1 : this.#queue.size);
    this.#dispatch.sendAhead();
    if (this.#queue.size > 0 && this.#crew.starting === 0) {
      for (const task of this.#waited) if (this.#dispatch.mayRun(task)) this.#lend(task);
    }
  }

  /** Starts workers for so many tasks. */
  #grow(tasks: number): void {
    const wanted = Math.ceil(tasks / this.#options.concurrency) - this.#crew.starting;
    for (let left = Math.min(wanted, this.#crew.growth); left > 0; left--) {
      this.#crew.grow().catch((error) => this.#failHead(error));
    }
  }

  #send(worker: PoolWorker, tasks: readonly AnyTask[], lent = false): void {
    for (const task of tasks) this.#waited.delete(task);
    worker.send(tasks, lent, (task, error) => this.#settle(worker, task, error));
    this.#crew.sent(worker);
  }

  /** Takes what a worker has answered; says what is wrong with it, if something is. */
  #takeAnswers(worker: PoolWorker, list: readonly unknown[]): string | undefined {
    worker.touch();
    let fault: string | undefined;
    for (const answer of list) {
      fault = this.#takeAnswer(worker, answer);
      if (fault !== undefined) break;
    }
    this.#deadlines.check();
    this.#pump();
    return fault;
  }

  #takeAnswer(worker: PoolWorker, answer: unknown): string | undefined {
    if (!isAnswer(answer)) return "sent a malformed answer";
    const [id, flags, value, ms] = answer;
    if (id === RESET_ID && flags === FLAGS.reset) {
      if (worker.resetAsked) return "asked for a reset twice";
      this.#reset(worker);
      this.#crew.ended(worker);
      return undefined;
    }
    const task = worker.tasks.get(id);
    if (task === undefined) return "answered a task that is not open";
    if (flags === FLAGS.back) return this.#receiveBack(worker, task);
    if ((flags & (FLAGS.error | FLAGS.done)) !== 0) {
      const found = findForbidden(value);
      if (found !== undefined) return `answered with ${found}`;
    }
    if ((flags & FLAGS.reset) !== 0) this.#reset(worker);
    if ((flags & FLAGS.done) !== 0) {
      if (task.state !== "answered") return "was done with a task that it has not answered";
      if (!task.holds.worker) return "was done with a task twice";
      task.holds.worker = false;
      this.#settleWhenFree(worker, task);
      return undefined;
    }
    if (task.state === "answered") return "answered a task twice";
    this.#routes.note(task.route, ms);
    if ((flags & FLAGS.error) !== 0) {
      const record = parseErrorRecord(value);
      if (record === undefined) return "answered with an error that is none";
      task.refuse(fromErrorRecord(record), (flags & FLAGS.unrun) === 0);
      task.holds.worker = (flags & FLAGS.open) !== 0;
      this.#settleWhenFree(worker, task);
      return undefined;
    }
    try {
      const answered = task.job.accept(value, task);
      task.holds.worker = (flags & FLAGS.open) !== 0;
      task.holds.stream = answered.drained !== undefined;
      task.succeed(answered.value);
      answered.drained?.then(() => {
        task.holds.stream = false;
        worker.touch();
        this.#settleWhenFree(worker, task);
      });
    } catch (error) {
      releaseStreams(value);
      return `answered with ${toError(error).message}`;
    }
    this.#settleWhenFree(worker, task);
    return undefined;
  }

  /** A worker without a ring has not begun with a task, and gives way to another. */
  #receiveBack(worker: PoolWorker, task: AnyTask): string | undefined {
    if (!worker.receiveBack(task)) return "gave back a task that is not its to give";
    if (isMovable(task)) this.#putBack(task);
    else {
      task.fail(
        new RuntimeError("THREAD_EXITED", `Cannot run ${task.job.name}: no worker takes it`),
      );
      this.#finish(task);
    }
    this.#crew.ended(worker);
    return undefined;
  }

  #settleWhenFree(worker: PoolWorker, task: AnyTask): void {
    if (!task.holds.worker && !task.holds.stream) this.#settle(worker, task);
  }

  #settle(worker: PoolWorker, task: AnyTask, error?: unknown): void {
    if (!worker.forget(task)) return;
    if (error !== undefined) {
      worker.touch();
      task.fail(toError(error));
    }
    this.#finish(task);
    this.#crew.ended(worker);
    if (worker.retiring) this.#giveUp(worker);
    this.#pumpSoon();
  }

  #finish(task: AnyTask): void {
    this.#deadlines.delete(task);
    this.#queue.delete(task);
    this.#waited.delete(task);
    task.end();
    this.#figures.ended++;
    if (--this.#open > 0) return;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  /** A worker is not to begin with another task. */
  #reset(worker: PoolWorker): void {
    if (worker.resetAsked) return;
    worker.resetAsked = true;
    this.#takeBack(worker, [...worker.tasks.values()], Infinity);
  }

  /** Puts tasks back that their worker has not begun with. */
  #takeBack(worker: PoolWorker, tasks: readonly AnyTask[], maxSent?: number): void {
    for (const task of tasks.toReversed()) {
      if (!isMovable(task, maxSent)) continue;
      if (worker.takeBack(task)) this.#putBack(task);
    }
    this.#pumpSoon();
  }

  /** Who waits for a task waits on when it is in the queue once more. */
  #putBack(task: AnyTask): void {
    this.#queue.addFirst(task);
    if (task.isWaitedFor) this.#waited.add(task);
  }

  /** What a worker has not begun with, another one can do; what it has, if that does no harm. */
  #lose(worker: PoolWorker, end: ThreadEnd): void {
    const { error } = end;
    if (!this.#closed) this.#takeBack(worker, [...worker.tasks.values()]);
    if (isExit(end)) this.#answerLeft(worker);
    for (const task of [...worker.tasks.values()]) {
      this.#routes.noteDeath(task.route);
      if (this.#isForAnother(worker, task, error)) {
        task.wasLost = true;
        worker.forget(task);
        task.worker = undefined;
        this.#putBack(task);
      } else this.#settle(worker, task, error);
    }
    this.#pump();
  }

  /** Where one task runs alone, its handler has ended the worker, which some kinds of tasks may do. */
  #answerLeft(worker: PoolWorker): void {
    const [task, ...others] = worker.tasks.values();
    const left = task?.job.left;
    if (task === undefined || left === undefined || others.length > 0) return;
    if (task.state !== "running" || task.error !== undefined) return;
    task.succeed(left());
    this.#settle(worker, task);
  }

  /**
   * Whether a task may be run again: it may be a neighbour's fault that its worker has ended. A worker that
   * had no other task before, and a route under which workers end often, leave no doubt.
   */
  #isForAnother(worker: PoolWorker, task: AnyTask, { code }: RuntimeError): boolean {
    const { isSafe, transferables } = task.job;
    return isSafe === true && transferables === undefined && !this.#closed && !task.wasLost &&
      task.error === undefined && task.state === "running" && code !== "INIT_EXITED" &&
      worker.requests > 0 && !this.#routes.isDeadly(task.route);
  }

  #wait(task: AnyTask): void {
    if (task.job.parent === undefined) return;
    task.isWaitedFor = true;
    if (!this.#queue.has(task)) return;
    this.#waited.add(task);
    this.#pumpSoon();
  }

  /** Runs a task on the worker of the nearest task above it that this pool runs. */
  #lend(task: AnyTask): void {
    for (let above = task.job.parent; above !== undefined; above = above.job.parent) {
      const worker = above.worker as PoolWorker | undefined;
      const runs = worker !== undefined && this.#crew.workers.has(worker) &&
        worker.tasks.get(above.id) === above;
      if (runs) {
        this.#queue.delete(task);
        return this.#send(worker, [task], true);
      }
    }
  }

  /** What a task that failed has asked for, nobody waits for any more. */
  #cancelWithParent(task: AnyTask, { signal }: AnyTask): void {
    const cancel = () => {
      if (task.remainingMs === 0) this.#expire(task, "deadline");
      else task.cancel("the task that asked for it is gone");
    };
    if (signal.aborted) return cancel();
    signal.addEventListener("abort", cancel, { once: true });
    task.onEnd(() => signal.removeEventListener("abort", cancel));
  }

  #expire(task: AnyTask, why: "deadline" | "queue"): boolean {
    const { job } = task;
    const worker = task.worker as PoolWorker | undefined;
    const waited = Math.round(performance.now() - task.submittedAt);
    if (why === "deadline") {
      const late = `Cannot finish ${job.name}: its time was up after ${waited} ms`;
      this.#abandon(task, new RuntimeError("DEADLINE_EXCEEDED", late));
      return true;
    }
    if (worker !== undefined && !worker.takeBack(task)) return false;
    const late =
      `Cannot run ${job.name}: it waited ${waited} ms in the queue of pool ${this.#options.name}`;
    this.#abandon(task, new RuntimeError("QUEUE_TIMEOUT", late));
    return true;
  }

  /** Lets whoever waits know at once; the worker gets a moment to stop before it is replaced. */
  #abandon(task: AnyTask, error: RuntimeError): void {
    // Its time may be up when it has been cancelled already, or the other way round.
    if (task.givenUp || task.state === "ended") return;
    const worker = task.worker as PoolWorker | undefined;
    task.givenUp = true;
    // Taken back before it is failed, so that nothing begins with what is said not to have run.
    const isFree = worker === undefined || worker.takeBack(task);
    task.fail(error);
    if (isFree) {
      this.#finish(task);
      // The worker that it was taken from may have nothing else to do.
      return this.#pumpSoon();
    }
    if (!worker.tasks.has(task.id)) return;
    this.#deadlines.delete(task);
    worker.thread.call("cancel", [task.id, error.message]).catch(endSaysIt);
    const timer = setTimeout(async () => {
      if (!worker.tasks.has(task.id)) return;
      const why = `${task.job.name} did not stop`;
      task.overdue = true;
      this.#crew.replace(worker);
      this.#takeBack(worker, [...worker.tasks.values()]);
      const turns = await this.#crew.isTurning(worker);
      this.#options.log.warn(`A worker of pool ${this.#options.name} was replaced: ${why}`, {
        worker: worker.thread.name,
        stuck: !turns,
      });
      if (turns) this.#giveUp(worker);
      else this.#crew.abandon(worker, why);
    }, this.#options.graceMs);
    task.onEnd(() => clearTimeout(timer));
    if (worker.thread.stops && error.code === "DEADLINE_EXCEEDED") this.#stopIfStuck(worker, task);
  }

  /** A process whose time is up and that does not even answer burns a core for nobody: it has no grace. */
  async #stopIfStuck(worker: PoolWorker, task: AnyTask): Promise<void> {
    if (await this.#crew.isTurning(worker) || !worker.tasks.has(task.id)) return;
    const why = `${task.job.name} is stuck`;
    this.#options.log.warn(`A worker of pool ${this.#options.name} was killed: ${why}`, {
      worker: worker.thread.name,
    });
    this.#crew.abandon(worker, why);
  }

  /** Ends a worker as soon as nothing but tasks that do not stop is left on it. */
  #giveUp(worker: PoolWorker): void {
    worker.retiring = true;
    this.#takeBack(worker, [...worker.tasks.values()]);
    const running = [...worker.tasks.values()];
    if (running.length === 0 || running.some(({ overdue }) => !overdue)) return;
    worker.thread.end("closed", `${running[0]!.job.name} did not stop`);
  }

  /**
   * A worker could not start. Where no other one serves, the oldest task learns it, so that nothing waits for a
   * pool that cannot work.
   */
  #failHead(error: unknown): void {
    const head = this.#queue.oldest();
    this.#options.log.error(`A worker of pool ${this.#options.name} could not start`, {
      why: toError(error).message,
    });
    if (head === undefined) return;
    if (!this.#crew.serves) {
      head.fail(toError(error));
      this.#finish(head);
    }
    this.#pumpSoon();
  }
}

function queueFull(cannot: string, pool: string, size: number, limit: number): RuntimeError {
  return new RuntimeError(
    "QUEUE_FULL",
    `${cannot}: the queue of pool ${pool} holds ${size} of ${limit}`,
  );
}

/** Whether a worker has ended itself without saying that something is wrong, and not while it opened a session. */
function isExit({ reason, code, error }: ThreadEnd): boolean {
  return reason === "exited" && code === 0 && error.code !== "INIT_EXITED";
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** A worker that ends before it has heard is reported by its end. */
function endSaysIt(): void {}
