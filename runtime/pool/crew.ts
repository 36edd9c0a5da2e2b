/**
 * The workers of a pool: started on demand, kept warm, retired when idle or due, counted when lost.
 *
 * It knows nothing of queues: the pool takes idle workers from it and is told when one is ready or gone.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { Services, Thread } from "../thread/thread.ts";
import type { Log } from "../types/log.ts";
import { PoolWorker, type RecyclePolicy } from "./worker.ts";

/** How a crew behaves. Durations are milliseconds. */
export interface CrewOptions extends RecyclePolicy {
  /** Name of the pool, for messages. */
  name: string;
  /** Most workers at once. */
  workers: number;
  /** Workers that are kept ready while idle. */
  spares: number;
  /** How long a worker above `spares` stays without work. */
  idleMs: number;
  /** How long a worker may take to answer before it counts as stuck. */
  graceMs: number;
  /** Starts a worker that may call these services; gives it up when the signal aborts. */
  start(services: Services, signal: AbortSignal): Promise<Thread>;
  /** Hears that a worker was given up while stuck. */
  onLeak(): void;
  /** Where trouble is written. */
  log: Log;
}

/** What the pool does about its crew. */
export interface CrewEvents<T> {
  /** Makes the services of a worker, which runs these tasks. */
  services(tasks: Map<number, T>): Services;
  /** A worker is ready. */
  onReady(): void;
  /** A worker is gone, with what its tasks are to be told. */
  onLost(worker: PoolWorker<T>, error: RuntimeError): void;
}

/**
 * Holds the workers of one kind.
 *
 * @typeParam T The tasks that they run.
 */
export class Crew<T> {
  readonly #options: CrewOptions;
  readonly #events: CrewEvents<T>;
  readonly #workers = new Set<PoolWorker<T>>();
  readonly #retired = new Set<Promise<unknown>>();
  readonly #started = new Set<Promise<void>>();
  readonly #shut = new AbortController();
  #idleTimer: ReturnType<typeof setInterval> | undefined;
  #leaked = 0;

  constructor(options: CrewOptions, events: CrewEvents<T>) {
    this.#options = options;
    this.#events = events;
  }

  /** The workers that are ready or busy. */
  get workers(): ReadonlySet<PoolWorker<T>> {
    return this.#workers;
  }

  /** Workers that are on their way. */
  get starting(): number {
    return this.#started.size;
  }

  /** Workers that were given up while stuck. */
  get leaked(): number {
    return this.#leaked;
  }

  /** Whether another worker may be started. */
  get canGrow(): boolean {
    return !this.#shut.signal.aborted &&
      this.#workers.size + this.#started.size < this.#options.workers;
  }

  /** A worker that can take a task now; those that are due give way first. */
  takeIdle(): PoolWorker<T> | undefined {
    for (const worker of this.#workers) {
      if (!worker.idle) continue;
      if (!worker.isDue(this.#options)) return worker;
      this.retire(worker, this.#options.graceMs);
    }
    return undefined;
  }

  /** Starts workers until `spares` are ready; rejects with what kept one from starting. */
  async warm(): Promise<void> {
    const missing = this.#options.spares - this.#workers.size - this.#started.size;
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.grow()));
  }

  /** Starts one worker; rejects with what kept it from starting. */
  grow(): Promise<void> {
    const started: Promise<void> = this.#startWorker().finally(() => {
      this.#started.delete(started);
    });
    this.#started.add(started);
    return started.then(() => this.#events.onReady());
  }

  /** A worker has ended a task: it may be due, or have been waiting for this to give way. */
  ended(worker: PoolWorker<T>): void {
    worker.requests++;
    worker.idleSince = performance.now();
    if (worker.tasks.size === 0 && (worker.retiring || worker.isDue(this.#options))) {
      this.retire(worker, this.#options.graceMs);
    }
    this.#watchIdle();
  }

  /** Ends a worker in an orderly way, within `graceMs` milliseconds; 0: at once. */
  retire(worker: PoolWorker<T>, graceMs: number): void {
    if (!this.#workers.delete(worker)) return;
    worker.retiring = true;
    // Without time to answer nobody can tell whether the worker is stuck.
    if (graceMs === 0) worker.thread.end("closed", "it was closed");
    const closed = worker.thread.close(graceMs).then((reason) => {
      if (reason === "stuck") this.#leak();
      this.#retired.delete(closed);
    });
    this.#retired.add(closed);
  }

  /** Gives a worker up that does not answer: it burns a core until the process ends. */
  abandon(worker: PoolWorker<T>, why: string): void {
    this.#leak();
    worker.thread.end("stuck", why);
  }

  /** Ends every worker, each within `graceMs` milliseconds, 0: at once, also those on their way. */
  async close(graceMs: number, reason: RuntimeError): Promise<void> {
    clearInterval(this.#idleTimer);
    this.#shut.abort(reason);
    for (const worker of this.#workers) this.retire(worker, graceMs);
    await Promise.allSettled(this.#started);
    await Promise.all(this.#retired);
  }

  async #startWorker(): Promise<void> {
    const tasks = new Map<number, T>();
    const { signal } = this.#shut;
    let thread: Thread;
    try {
      thread = await this.#options.start(this.#events.services(tasks), signal);
    } catch (error) {
      // A document that is not loaded in time may well be spinning.
      const late = error instanceof RuntimeError && error.code === "DEADLINE_EXCEEDED";
      if (late) this.#leak();
      throw error;
    }
    const worker = new PoolWorker(thread, tasks);
    this.#workers.add(worker);
    thread.ended.then(({ error }) => this.#lose(worker, error));
    if (signal.aborted) this.retire(worker, 0);
    this.#watchIdle();
  }

  #lose(worker: PoolWorker<T>, error: RuntimeError): void {
    this.#workers.delete(worker);
    if (!worker.retiring) {
      const why = error.message;
      this.#options.log.warn(`A worker of pool ${this.#options.name} ended`, { why });
    }
    this.#events.onLost(worker, error);
  }

  #leak(): void {
    this.#leaked++;
    this.#options.onLeak();
  }

  #watchIdle(): void {
    const { idleMs, spares, graceMs } = this.#options;
    const over = this.#workers.size <= spares || this.#shut.signal.aborted;
    if (this.#idleTimer !== undefined || over) return;
    this.#idleTimer = setInterval(() => {
      const now = performance.now();
      for (const worker of this.#workers) {
        if (this.#workers.size <= spares) break;
        if (worker.idle && now - worker.idleSince >= idleMs) this.retire(worker, graceMs);
      }
      if (this.#workers.size > spares) return;
      clearInterval(this.#idleTimer);
      this.#idleTimer = undefined;
    }, Math.max(10, idleMs / 4));
    Deno.unrefTimer(this.#idleTimer);
  }
}
