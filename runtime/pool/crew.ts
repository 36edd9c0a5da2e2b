/**
 * The workers of a pool: started on demand, kept warm, replaced before they are due, watched while they
 * are idle, counted when lost.
 *
 * It knows nothing of queues: the pool takes workers from it and is told when one is ready or gone.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import {
  type Services,
  STOPPABLE_VERDICT_MS,
  type Thread,
  type ThreadEnd,
} from "../thread/thread.ts";
import type { Log } from "../types/log.ts";
import { Vacancies } from "./tenure.ts";
import { PoolWorker, type RecyclePolicy } from "./worker.ts";

/** What a worker of a pool is started with. */
export interface WorkerStart {
  /** What it may call. */
  services: Services;
  /** Takes its answers. */
  onAnswers(list: readonly unknown[]): string | undefined;
  /** Memory of its ring; absent where it shares none. */
  ring: SharedArrayBuffer | undefined;
  /** So many milliseconds after its first task it is replaced; 0: never. */
  maxAgeMs: number;
  /** Gives the start up when it aborts. */
  signal: AbortSignal;
}

/** How a crew behaves. Durations are milliseconds. */
export interface CrewOptions extends RecyclePolicy {
  /** Name of the pool, for messages. */
  name: string;
  /** Most workers that have tasks at once. */
  workers: number;
  /** Workers that are kept ready. */
  spares: number;
  /** Tasks that run on one worker at once. */
  concurrency: number;
  /** How long a worker above `spares` stays without work. */
  idleMs: number;
  /** How often an idle worker has to show that it is not stuck, and how long it may take. */
  heartbeatMs: number;
  /** Whether a worker that is due ends at once, rather than when the next task comes. */
  fresh: boolean;
  /** Whether workers are processes: they share no memory, and can be stopped whatever they do. */
  inProcess: boolean;
  /** Starts a worker. */
  start(start: WorkerStart): Promise<Thread>;
  /** Hears that a worker was given up while stuck. */
  onLeak(): void;
  /** Where trouble is written. */
  log: Log;
}

/** What the pool does about its crew. */
export interface CrewEvents {
  /** Makes the services of a worker. */
  services(worker: PoolWorker): Services;
  /** A worker has answered tasks; says what is wrong with the answers, if something is. */
  onAnswers(worker: PoolWorker, list: readonly unknown[]): string | undefined;
  /** A worker is ready, or ready again, or one that was on its way does not come, or another may be tried. */
  onReady(): void;
  /** A worker gives no sign of life: its tasks are wanted back. */
  onSuspect(worker: PoolWorker): void;
  /** A worker is gone, with what its tasks are to be told. */
  onLost(worker: PoolWorker, end: ThreadEnd): void;
}

/** How a worker ended. */
export interface WorkerEnd {
  /** Number of its thread. */
  worker: number;
  /** `closed` by its owner, `exited` by itself, `failed` by an uncaught error, `violated` the protocol, given up as `stuck`. */
  reason: ThreadEnd["reason"];
  /** The same for people. */
  why: string;
  /** When, in milliseconds since the epoch. */
  at: number;
  /** Tasks that it has run. */
  requests: number;
}

/** How often the crew looks after its workers. */
const TICK_MS = 100;
/** Ends that are remembered. */
const MAX_ENDS = 16;
/** How often a worker may begin with nothing that it was sent before it is replaced. */
const MAX_MISSES = 3;
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 30_000;
/** How long a worker may take to show that it is not stuck, before it counts as leaked. */
const VERDICT_MS = 2000;
/** A replacement is started this many times sooner than a start takes. */
const LEAD = 4;

/** Holds the workers of one kind. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #events: CrewEvents;
  readonly #workers = new Set<PoolWorker>();
  readonly #retired = new Set<Promise<unknown>>();
  /** What ended workers hold, until it is free. */
  readonly #held = new Set<Promise<void>>();
  readonly #started = new Map<PoolWorker, Promise<void>>();
  readonly #shut = new AbortController();
  readonly #vacancies: Vacancies;
  readonly #ends: WorkerEnd[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #leaked = 0;
  #startMs = 25;
  #failures = 0;
  #retryAt = 0;
  #lost = 0;

  constructor(options: CrewOptions, events: CrewEvents) {
    this.#options = options;
    this.#events = events;
    this.#vacancies = new Vacancies(options.maxAgeMs);
  }

  /** The workers that are ready or busy. */
  get workers(): ReadonlySet<PoolWorker> {
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

  /** How the last workers ended, the latest last. */
  get ends(): readonly WorkerEnd[] {
    return this.#ends;
  }

  /** Workers that may be started beside those that are there to stay. */
  get growth(): number {
    if (this.#shut.signal.aborted) return 0;
    // As long as others serve, a start that fails is not tried again at once.
    if (performance.now() < this.#retryAt && this.serves) return 0;
    return Math.max(0, this.#options.workers - this.#staying() - this.#started.size);
  }

  /** Whether there is a worker that will take another task. */
  get serves(): boolean {
    for (const worker of this.#workers) {
      if (worker.usable && !worker.isDue(this.#options)) return true;
    }
    return false;
  }

  /** Tasks that could be sent at once to workers that have nothing else to do. */
  get free(): number {
    const { workers, concurrency } = this.#options;
    let free = 0;
    let sent = 0;
    for (const worker of this.#workers) {
      sent += worker.tasks.size;
      if (worker.usable) free += Math.max(0, concurrency - worker.tasks.size);
    }
    return Math.max(0, Math.min(free, workers * concurrency - sent));
  }

  /** The worker that has least to do, if one can run a task now; those that are due give way first. */
  takeIdle(): PoolWorker | undefined {
    const { concurrency, workers } = this.#options;
    let idle: PoolWorker | undefined;
    let least: PoolWorker | undefined;
    let busy = 0;
    for (const worker of this.#workers) {
      if (worker.tasks.size > 0) busy++;
      if (!worker.usable || worker.tasks.size >= concurrency) continue;
      if (worker.isDue(this.#options)) {
        if (worker.tasks.size === 0) this.#dismiss(worker);
      } else if (worker.tasks.size === 0) idle ??= worker;
      else if (least === undefined || worker.tasks.size < least.tasks.size) least = worker;
    }
    return busy < workers ? idle ?? least : least;
  }

  /** Starts workers until `spares` are ready; rejects with what kept one from starting. */
  async warm(): Promise<void> {
    const missing = this.#options.spares - this.#workers.size - this.#started.size;
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.grow()));
  }

  /** Starts one worker; rejects with what kept it from starting. */
  grow(): Promise<void> {
    const worker = new PoolWorker(!this.#options.inProcess, this.#vacancies.take());
    const started: Promise<void> = this.#startWorker(worker).finally(() => {
      this.#started.delete(worker);
    });
    this.#started.set(worker, started);
    this.#watch();
    return started.then(() => this.#events.onReady());
  }

  /** A worker was sent tasks: another one may have to be ready soon. */
  sent(worker: PoolWorker): void {
    if (!worker.succeeded && worker.isNearlyDue(this.#options, this.#startMs * LEAD)) {
      this.#succeed(worker);
    }
  }

  /** A worker has ended a task: it may be due, or have been waiting for this to give way. */
  ended(worker: PoolWorker): void {
    if (worker.resetAsked && !worker.succeeded) this.#succeed(worker);
    if (worker.tasks.size > 0) return;
    if (this.#options.fresh && worker.isDue(this.#options)) this.#dismiss(worker);
  }

  /** Ends a worker in an orderly way, within `graceMs` milliseconds; 0: at once. */
  retire(worker: PoolWorker, graceMs: number): void {
    if (!this.#workers.delete(worker)) return;
    worker.retiring = true;
    // Without time to answer nobody can tell whether the worker is stuck.
    if (graceMs === 0) worker.thread.end("closed", "it was closed");
    const closed = worker.thread.close(graceMs).then((reason) => {
      if (reason === "stuck") this.#leak(worker.thread);
      this.#retired.delete(closed);
    });
    this.#retired.add(closed);
  }

  /** Sends a worker no more tasks, and starts the one that takes its place. */
  replace(worker: PoolWorker): void {
    worker.retiring = true;
    if (!worker.succeeded) this.#succeed(worker);
  }

  /** Whether a worker's event loop turns; one that only has no core to run on gets time to show it. */
  async isTurning(worker: PoolWorker): Promise<boolean> {
    const verdictMs = worker.thread.stops ? STOPPABLE_VERDICT_MS : VERDICT_MS;
    return await worker.thread.ping(verdictMs) !== undefined;
  }

  /** Gives a worker up that does not answer: it burns a core until the process ends, unless it can be stopped. */
  abandon(worker: PoolWorker, why: string): void {
    if (!worker.thread.alive) return;
    this.#leak(worker.thread);
    worker.thread.end("stuck", why);
  }

  /** Ends every worker, each within `graceMs` milliseconds, 0: at once, also those on their way. */
  async close(graceMs: number, reason: RuntimeError): Promise<void> {
    clearInterval(this.#timer);
    this.#shut.abort(reason);
    for (const worker of this.#workers) this.retire(worker, graceMs);
    await Promise.allSettled(this.#started.values());
    await Promise.all([...this.#retired, ...this.#held]);
  }

  /** The worker gets no more tasks; it is ended a little later, since that takes time from its successor. */
  #dismiss(worker: PoolWorker): void {
    worker.retiring = true;
    this.#vacate(worker);
    this.#watch();
  }

  /** Workers that are not about to be replaced. */
  #staying(): number {
    let staying = 0;
    for (const { succeeded, retiring } of this.#workers) if (!succeeded && !retiring) staying++;
    return staying;
  }

  async #startWorker(worker: PoolWorker): Promise<void> {
    const { signal } = this.#shut;
    const { tenure } = worker;
    const { maxAgeMs } = tenure;
    let thread: Thread;
    try {
      thread = await this.#options.start({
        maxAgeMs,
        services: this.#events.services(worker),
        onAnswers: (list) => this.#events.onAnswers(worker, list),
        ring: worker.memory,
        signal,
      });
    } catch (error) {
      if (error instanceof RuntimeError && error.code === "THREAD_STUCK") this.#leak();
      this.#vacancies.leave(tenure);
      this.#failures++;
      const wait = FIRST_BACK_OFF_MS * 2 ** Math.min(this.#failures, 16);
      this.#retryAt = performance.now() + Math.min(LONGEST_BACK_OFF_MS, wait);
      throw error;
    }
    this.#failures = 0;
    worker.attach(thread);
    this.#startMs += (performance.now() - worker.since - this.#startMs) * 0.25;
    this.#workers.add(worker);
    tenure.hold(worker, maxAgeMs, (ms) => thread.call("maxAge", [ms]));
    thread.ended.then((end) => {
      tenure.release(worker);
      this.#lose(worker, end);
    });
    const gone = thread.gone.then(() => void this.#held.delete(gone));
    this.#held.add(gone);
    if (signal.aborted) this.retire(worker, 0);
    // What it replaces has waited for this.
    else for (const old of this.#workers) this.#replaceIdle(old);
  }

  /** Whoever starts next takes the worker's place. */
  #vacate(worker: PoolWorker): void {
    if (worker.hasLeft) return;
    worker.hasLeft = true;
    this.#vacancies.leave(worker.tenure);
  }

  /** Starts the worker that takes the place of one that is due before long. */
  #succeed(worker: PoolWorker): void {
    if (this.#shut.signal.aborted || performance.now() < this.#retryAt) return;
    this.#vacate(worker);
    worker.succeeded = true;
    this.#refill();
  }

  /** An idle worker that is due and has a successor has nothing to wait for. */
  #replaceIdle(worker: PoolWorker): void {
    const { spares } = this.#options;
    const due = worker.tenure.maxAgeMs > 0 && worker.succeeded && worker.tasks.size === 0;
    if (!due || !worker.isDue(this.#options)) return;
    // One that is on its way may still fail.
    if (this.#staying() >= Math.max(1, spares)) this.retire(worker, VERDICT_MS);
  }

  #lose(worker: PoolWorker, end: ThreadEnd): void {
    const { reason, error } = end;
    const served = this.#workers.delete(worker);
    const { requests, retiring, succeeded, thread } = worker;
    const why = error.message;
    this.#ends.push({ worker: thread.id, reason, why, at: Date.now(), requests });
    if (this.#ends.length > MAX_ENDS) this.#ends.shift();
    if (!retiring) this.#options.log.warn(`A worker of pool ${this.#options.name} ended`, { why });
    if (served && !succeeded) this.#lost++;
    if (served) this.#vacate(worker);
    this.#events.onLost(worker, end);
    this.#replaceLost();
  }

  /** Who was lost is replaced at once, unless that keeps failing. */
  #replaceLost(): void {
    if (performance.now() < this.#retryAt) return;
    for (; this.#lost > 0 && this.growth > 0; this.#lost--) this.#refill();
    this.#lost = 0;
    while (this.#staying() + this.#started.size < this.#options.spares && this.growth > 0) {
      this.#refill();
    }
  }

  #refill(): void {
    this.grow().catch((error) => {
      if (this.#shut.signal.aborted) return;
      this.#options.log.error(`A worker of pool ${this.#options.name} could not start`, {
        why: error.message,
      });
      // Tasks may have waited for it.
      this.#events.onReady();
    });
  }

  #leak(thread?: Thread): void {
    if (thread?.stops === true) return;
    this.#leaked++;
    this.#options.onLeak();
  }

  #watch(): void {
    if (this.#timer !== undefined || this.#shut.signal.aborted) return;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    Deno.unrefTimer(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    const { idleMs, spares, heartbeatMs } = this.#options;
    for (const worker of this.#workers) {
      if (worker.retiring && worker.tasks.size === 0) {
        this.retire(worker, VERDICT_MS);
        continue;
      }
      if (worker.tasks.size > 0) {
        if (now - worker.activeAt > TICK_MS && !isRunning(worker)) this.#suspect(worker);
        continue;
      }
      const surplus = worker.succeeded || this.#staying() + this.#started.size > spares;
      if (surplus && !worker.suspect && now - worker.activeAt >= idleMs) {
        this.retire(worker, VERDICT_MS);
        continue;
      }
      if (now - worker.seenAt > heartbeatMs) this.#ask(worker);
      this.sent(worker);
      this.#replaceIdle(worker);
    }
    this.#replaceLost();
    if (this.#retryAt > 0 && now >= this.#retryAt) {
      this.#retryAt = 0;
      this.#events.onReady();
    }
    if (this.#workers.size + this.#started.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A worker has begun with nothing that it was sent. */
  #suspect(worker: PoolWorker): void {
    if (worker.suspect) return;
    worker.suspect = true;
    this.#events.onSuspect(worker);
    this.#ask(worker);
  }

  async #ask(worker: PoolWorker): Promise<void> {
    worker.seenAt = performance.now();
    const heapBytes = await worker.thread.ping(this.#options.heartbeatMs);
    if (!this.#workers.has(worker) || !worker.thread.alive) return;
    // It may have been sent a task meanwhile, which has a deadline of its own.
    if (heapBytes === undefined) {
      if (worker.tasks.size === 0) this.abandon(worker, "it gives no sign of life");
      return;
    }
    worker.heapBytes = heapBytes;
    if (!worker.suspect) return;
    if (++worker.misses >= MAX_MISSES) {
      return worker.thread.end("failed", "it does not begin with its tasks");
    }
    worker.suspect = false;
    this.#events.onReady();
  }
}

function isRunning(worker: PoolWorker): boolean {
  for (const task of worker.tasks.values()) if (worker.hasStarted(task)) return true;
  return false;
}
