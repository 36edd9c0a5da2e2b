/**
 * One piece of work for a pool: what is to be called, how far it has come, and who asked for it.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { PoolWorker } from "./worker.ts";

/** What a pool runs. */
export interface Job<A> {
  /** Name for messages. */
  name: string;
  /** The argument of the worker's `run`, made when the job starts. */
  payload: () => unknown;
  /** What of the payload is moved rather than copied. */
  transferables?: Transferable[];
  /** Judges the worker's answer; throws when it is not what `run` answers. */
  accept(value: unknown, task: PoolTask<A>): Answered<A>;
  /** Longest time from submission to end, in milliseconds; the pool's and the parent's limits hold as well. */
  timeoutMs?: number;
  /** The task that asked for this one, in whatever pool. */
  parent?: PoolTask<unknown>;
}

/** An answer, and whether the worker has more to do for the task: then it says so when that is done. */
export interface Answered<A> {
  /** What the one who asked gets. */
  value: A;
  /** Whether the worker is still busy with the task. */
  open: boolean;
  /** Resolves when a stream in the answer has ended; until then the worker stays with the task. */
  drained?: Promise<void>;
}

/** `"answered"` means that a value has come while the worker goes on with the task. */
export type TaskState = "queued" | "running" | "answered" | "ended";

/** A job on its way through a pool. Made by `Pool.submit`. */
export class PoolTask<A> {
  /** Number of the task, unique in its pool. */
  readonly id: number;
  /** What is to be done. */
  readonly job: Job<A>;
  /** How many tasks stand above this one. */
  readonly depth: number;
  /** When its time is up, on the clock of `performance.now()`; infinite without a limit. */
  readonly deadline: number;
  /** When it was submitted, on the same clock. */
  readonly submittedAt: number;
  /** The worker's answer; rejects with what went wrong. Never an unhandled rejection. */
  readonly answer: Promise<A>;
  /** Resolves when the task is over, in whatever way. */
  readonly ended: Promise<void>;
  /** Aborts when the task fails, times out or is cancelled, with the error. */
  readonly signal: AbortSignal;
  /** How far the task has come. */
  state: TaskState = "queued";
  /** The worker that runs it. */
  worker: PoolWorker<PoolTask<unknown>> | undefined;
  /** What went wrong, once something has. */
  error: Error | undefined;
  /** For the pool: whether it goes on although it was told to stop and had time to. */
  overdue = false;
  /** For the pool: what keeps the worker after the answer. */
  holds = { worker: true, stream: false };
  readonly #owner: TaskOwner;
  readonly #abort = new AbortController();
  #resolve!: (value: A) => void;
  #reject!: (error: Error) => void;
  #resolveEnded!: () => void;

  constructor(id: number, job: Job<A>, deadline: number, owner: TaskOwner) {
    this.id = id;
    this.job = job;
    this.deadline = deadline;
    this.depth = job.parent === undefined ? 0 : job.parent.depth + 1;
    this.submittedAt = performance.now();
    this.signal = this.#abort.signal;
    this.#owner = owner;
    this.answer = new Promise((
      resolve,
      reject,
    ) => (this.#resolve = resolve, this.#reject = reject));
    this.answer.catch(isReportedByTask);
    this.ended = new Promise((resolve) => this.#resolveEnded = resolve);
  }

  /** Milliseconds left, at least 0; infinite without a limit. */
  get remainingMs(): number {
    return Math.max(0, this.deadline - performance.now());
  }

  /** Says that somebody waits for the task, so that a full pool may run it on a waiting ancestor's worker. */
  wait(): void {
    if (this.state === "queued") this.#owner.wait(this as PoolTask<unknown>);
  }

  /** Takes the task out of the queue, or aborts its handler. A task that is over stays as it is. */
  cancel(reason?: unknown): void {
    if (this.state === "ended") return;
    const text = reason === undefined ? "it was cancelled" : String(reasonText(reason));
    this.#owner.abandon(
      this as PoolTask<unknown>,
      new RuntimeError("CANCELLED", `Cannot finish ${this.job.name}: ${text}`, { cause: reason }),
    );
  }

  /** For the pool: hands the answer on. */
  succeed(value: A): void {
    this.state = "answered";
    this.#resolve(value);
  }

  /** For the pool: says what went wrong, to whoever waits for the answer or reads its stream. */
  fail(error: Error): void {
    if (this.error !== undefined || this.state === "ended") return;
    this.error = error;
    this.#reject(error);
    this.#abort.abort(error);
  }

  /** For the pool: the task is over. */
  end(): void {
    this.state = "ended";
    this.#resolveEnded();
  }
}

/** Finds a task that runs on one certain worker, by what that worker says is its id. */
export type FindTask = (id: unknown) => PoolTask<unknown> | undefined;

/** What a task asks of its pool. */
export interface TaskOwner {
  /** Somebody waits for a queued task. */
  wait(task: PoolTask<unknown>): void;
  /** The task is to be given up. */
  abandon(task: PoolTask<unknown>, error: RuntimeError): void;
}

function reasonText(reason: unknown): unknown {
  return reason instanceof Error ? reason.message : reason;
}

/** The task keeps the error, and its users see it there. */
function isReportedByTask(): void {}
