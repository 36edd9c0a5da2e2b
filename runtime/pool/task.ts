/**
 * One piece of work for a pool: what is to be called, how far it has come, and who asked for it.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { Priority } from "./priority.ts";
import type { Urgency } from "./queue.ts";

/** What a pool runs. */
export interface Job<A> {
  /** Name for messages. */
  name: string;
  /** What the job has in common with others that take as long; waiting routes take turns. @default "" */
  route?: string;
  /** In place of the pool's own. */
  priority?: Priority;
  /** What is to be run, made when the job is sent; again when it is sent to another worker. */
  payload: () => unknown;
  /** What of the payload is moved rather than copied; such a job can be sent only once. */
  transferables?: Transferable[];
  /** Whether it does no harm to run it a second time, when its worker ended under it. */
  isSafe?: boolean;
  /** Judges the worker's answer; throws when it is not what the job asks for. */
  accept(value: unknown, task: PoolTask<A>): Answered<A>;
  /** Hears what went wrong, before whoever waits for the answer does. */
  failed?(error: Error, task: PoolTask<A>): void;
  /** Makes the answer when the handler has ended its worker with code 0, which is a failure unless this is there. */
  left?(): A;
  /** Longest time from submission to end, in milliseconds; the pool's and the parent's limits hold as well. */
  timeoutMs?: number;
  /** The task that asked for this one, in whatever pool. */
  parent?: PoolTask<unknown>;
}

/** An answer, as whoever asked gets it. */
export interface Answered<A> {
  /** What the one who asked gets. */
  value: A;
  /** Resolves when a stream in the answer has ended; until then the worker stays with the task. */
  drained?: Promise<void>;
}

/** `"answered"` means that a value has come while the worker goes on with the task. */
export type TaskState = "queued" | "running" | "answered" | "ended";

/** What a task knows of the worker that it was sent to. */
export interface TaskCarrier {
  /** Whether the worker has begun with the task. */
  hasStarted(task: PoolTask<unknown>): boolean;
}

/** What a task asks of its pool. */
export interface TaskOwner {
  /** Somebody waits for a queued task. */
  wait(task: PoolTask<unknown>): void;
  /** The task is to be given up. */
  abandon(task: PoolTask<unknown>, error: RuntimeError): void;
}

/** What a pool decides about a task when it takes it. */
export interface TaskTerms {
  /** Number of the task, unique in its pool. */
  id: number;
  /** When its time is up, on the clock of `performance.now()`; infinite without a limit. */
  deadline: number;
  /** 2 for a high, 1 for a normal and 0 for a low priority. */
  priority: Urgency;
  /** When it was submitted, on the same clock as `deadline`. */
  submittedAt: number;
}

/** A job on its way through a pool. Made by `Pool.submit`. */
export class PoolTask<A> {
  /** Number of the task, unique in its pool. */
  readonly id: number;
  /** What is to be done. */
  readonly job: Job<A>;
  /** The job's route. */
  readonly route: string;
  /** 2 for a high, 1 for a normal and 0 for a low priority. */
  readonly priority: Urgency;
  /** How many tasks stand above this one. */
  readonly depth: number;
  /** When its time is up, on the clock of `performance.now()`; infinite without a limit. */
  readonly deadline: number;
  /** When it was submitted, on the same clock. */
  readonly submittedAt: number;
  /** The worker's answer; rejects with what went wrong. Never an unhandled rejection. */
  readonly answer: Promise<A>;
  /** The worker that it was sent to. */
  worker: TaskCarrier | undefined;
  /** For the pool: its place in the worker's ring. */
  place = -1;
  /** For the pool: how often it was sent. */
  sent = 0;
  /** For the pool: whether a worker has ended under it. */
  wasLost = false;
  /** What went wrong, once something has. */
  error: Error | undefined;
  /** Once something has gone wrong: whether its handler may have run. */
  mayHaveRun = false;
  /** Once something has gone wrong: whether its worker said so. */
  isWorkers = false;
  /** For the pool: whether a task above it waits for it. */
  isWaitedFor = false;
  /** For the pool: whether it was told to stop. */
  givenUp = false;
  /** For the pool: whether it goes on although it was told to stop and had time to. */
  overdue = false;
  /** For the pool: what keeps the worker after the answer. */
  holds = { worker: false, stream: false };
  readonly #owner: TaskOwner;
  #progress: "open" | "answered" | "ended" = "open";
  #abort: AbortController | undefined;
  #resolve!: (value: A) => void;
  #reject!: (error: Error) => void;
  #onEnd: (() => void)[] | undefined;

  constructor(job: Job<A>, { id, deadline, priority, submittedAt }: TaskTerms, owner: TaskOwner) {
    this.id = id;
    this.job = job;
    this.route = job.route ?? "";
    this.priority = priority;
    this.deadline = deadline;
    this.submittedAt = submittedAt;
    this.depth = job.parent === undefined ? 0 : job.parent.depth + 1;
    this.#owner = owner;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.answer.catch(isReportedByTask);
  }

  /** How far the task has come. */
  get state(): TaskState {
    if (this.#progress !== "open") return this.#progress;
    return this.worker?.hasStarted(this as PoolTask<unknown>) ? "running" : "queued";
  }

  /** Aborts when the task fails, times out or is cancelled, with the error. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.error !== undefined) this.#abort.abort(this.error);
    }
    return this.#abort.signal;
  }

  /** Resolves when the task is over, in whatever way. */
  get ended(): Promise<void> {
    return new Promise((resolve) => this.onEnd(resolve));
  }

  /** Milliseconds left, at least 0; infinite without a limit. */
  get remainingMs(): number {
    return Math.max(0, this.deadline - performance.now());
  }

  /** Calls `listener` when the task is over, at once if it is. */
  onEnd(listener: () => void): void {
    if (this.#progress === "ended") listener();
    else (this.#onEnd ??= []).push(listener);
  }

  /** Says that somebody waits for the task, so that a full pool may run it on a waiting ancestor's worker. */
  wait(): void {
    if (this.state === "queued") this.#owner.wait(this as PoolTask<unknown>);
  }

  /** Takes the task out of the queue, or aborts its handler. A task that is over stays as it is. */
  cancel(reason?: unknown): void {
    if (this.#progress === "ended") return;
    const text = reason === undefined ? "it was cancelled" : String(reasonText(reason));
    this.#owner.abandon(
      this as PoolTask<unknown>,
      new RuntimeError("CANCELLED", `Cannot finish ${this.job.name}: ${text}`, { cause: reason }),
    );
  }

  /** For the pool: hands the answer on. */
  succeed(value: A): void {
    this.#progress = "answered";
    this.#resolve(value);
  }

  /** For the pool: hands the worker's error on; `wasRun` says whether it came to run the handler. */
  refuse(error: Error, wasRun: boolean): void {
    this.#progress = "answered";
    if (this.error !== undefined) return;
    this.isWorkers = true;
    this.#fail(error, wasRun);
  }

  /** For the pool: says what went wrong, to whoever waits for the answer or reads its stream. */
  fail(error: Error): void {
    if (this.error !== undefined || this.#progress === "ended") return;
    this.#fail(error, this.#hasRun(error));
  }

  #fail(error: Error, mayHaveRun: boolean): void {
    this.error = error;
    this.mayHaveRun = mayHaveRun;
    this.job.failed?.(error, this);
    this.#reject(error);
    this.#abort?.abort(error);
  }

  #hasRun(error: Error): boolean {
    const { code } = error as { code?: unknown };
    if (error instanceof RuntimeError && NOT_RUN.has(code)) return false;
    return this.worker?.hasStarted(this as PoolTask<unknown>) === true;
  }

  /** For the pool: the task is over. */
  end(): void {
    this.#progress = "ended";
    const listeners = this.#onEnd ?? [];
    this.#onEnd = undefined;
    for (const listener of listeners) listener();
  }
}

/** Codes of a worker that did not come to run a handler. */
const NOT_RUN: ReadonlySet<unknown> = new Set(["INIT_EXITED", "INIT_FAILED", "INIT_NOT_FOUND"]);

/** Finds a task that runs on one certain worker, by what that worker says is its id. */
export type FindTask = (id: unknown) => PoolTask<unknown> | undefined;

function reasonText(reason: unknown): unknown {
  return reason instanceof Error ? reason.message : reason;
}

/** The task keeps the error, and its users see it there. */
function isReportedByTask(): void {}
