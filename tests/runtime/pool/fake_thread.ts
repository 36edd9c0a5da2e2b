/**
 * A thread without a worker: a test answers its calls.
 *
 * @module
 */

import { RuntimeError, toErrorRecord } from "../../../runtime/errors.ts";
import type { WorkerStart } from "../../../runtime/pool/crew.ts";
import { FLAGS, newRing, Ring, type TaskMessage } from "../../../runtime/pool/protocol.ts";
import { Pool, type PoolOptions } from "../../../runtime/pool/pool.ts";
import type { Job, PoolTask } from "../../../runtime/pool/task.ts";
import type { Thread, ThreadEnd } from "../../../runtime/thread/thread.ts";
import { type LogLine, recordLog } from "../http/support.ts";

/** A task that runs on a {@linkcode FakeThread}. */
export interface Run {
  id: number;
  payload: unknown;
  /** Sends an answer; `flags` as in the protocol, an open one among them keeps the worker. */
  answer(value: unknown, flags?: number): void;
  fail(error: Error): void;
}

/** Stands in for a worker. */
export class FakeThread {
  readonly name: string;
  readonly runs: Run[] = [];
  /** What was sent and has not begun, when {@linkcode lazy}. */
  readonly waiting: TaskMessage[] = [];
  /** Whether tasks are left alone until `begin` is called. */
  lazy = false;
  /** Milliseconds that every run says it took. */
  ms = 100;
  readonly id: number;
  readonly #ring: Ring;
  readonly cancelled: unknown[] = [];
  readonly told: unknown[][] = [];
  readonly ended: Promise<ThreadEnd>;
  readonly gone: Promise<ThreadEnd>;
  /** Whether it can be ended although it answers nothing. */
  stops = false;
  alive = true;
  /** Whether it answers `cancel` and `close`. */
  answers = true;
  reason: ThreadEnd["reason"] | undefined;
  #resolveEnded!: (end: ThreadEnd) => void;
  #open = new Set<(error: Error) => void>();

  constructor(id: number, readonly start: Partial<WorkerStart>) {
    this.id = id;
    this.name = `fake ${id}`;
    this.#ring = new Ring(start.ring ?? newRing());
    this.ended = this.gone = new Promise((resolve) => this.#resolveEnded = resolve);
  }

  call(
    method: string,
    args: unknown[],
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#open.add(reject);
      if (method === "run") {
        this.runs.push({ id: 0, payload: args[0], answer: resolve, fail: reject });
        return;
      }
      if (method === "cancel") this.cancelled.push(args[0]);
      else this.told.push([method, ...args]);
      if (this.answers) resolve(undefined);
    });
  }

  send(list: TaskMessage[]): void {
    for (const message of list) structuredClone(message[2]);
    this.waiting.push(...list);
    if (!this.lazy) { while (this.waiting.length > 0) this.begin(); }
  }

  /** Begins with the next task that was not taken back; says whether there was one. */
  begin(): boolean {
    while (this.waiting.length > 0) {
      const [id, place, payload] = this.waiting.shift()!;
      if (!this.#ring.start(place, id)) continue;
      this.runs.push({
        id,
        payload,
        answer: (value, flags = 0) => this.post([id, flags, value, this.ms]),
        fail: (error) => this.post([id, FLAGS.error, toErrorRecord(error), this.ms]),
      });
      return true;
    }
    return false;
  }

  /** Sends answers; ends like a thread that has sent something wrong. */
  post(...list: unknown[]): void {
    const fault = this.alive ? this.start.onAnswers!(list) : undefined;
    if (fault !== undefined) this.end("violated", new RuntimeError("BAD_MESSAGE", fault));
  }

  ping(ms: number): Promise<number | undefined> {
    if (this.answers && this.alive) return Promise.resolve(1024);
    return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
  }

  close(graceMs: number): Promise<ThreadEnd["reason"]> {
    if (this.alive) this.end(this.answers || graceMs === 0 ? "closed" : "stuck", "closed");
    return Promise.resolve(this.reason!);
  }

  end(reason: ThreadEnd["reason"], why: unknown, code?: number): void {
    if (!this.alive) return;
    this.alive = false;
    this.reason = reason;
    const error = why instanceof RuntimeError ? why : new RuntimeError("THREAD_EXITED", `${why}`);
    for (const reject of this.#open) reject(error);
    this.#resolveEnded({ reason, error, isOrderly: reason === "closed", code });
  }

  /** Answers the oldest run. */
  answer(value: unknown): void {
    this.runs.shift()!.answer(value);
  }
}

/** A pool on fake threads. */
export interface FakePool {
  pool: Pool;
  threads: FakeThread[];
  lines: LogLine[];
  leaks(): number;
  submit(name: string, job?: Partial<Job<unknown>>): PoolTask<unknown>;
}

/** Makes a pool whose workers are {@linkcode FakeThread}s. */
export function fakePool(
  options: Partial<PoolOptions> = {},
  start?: (make: () => FakeThread, signal: AbortSignal) => Promise<FakeThread>,
): FakePool {
  const threads: FakeThread[] = [];
  const log = recordLog();
  let leaks = 0;
  const pool = new Pool({
    name: "fake",
    workers: 2,
    spares: 0,
    queueLimit: 8,
    maxQueueMs: 0,
    deadlineMs: 0,
    idleMs: 60_000,
    graceMs: 10,
    maxRequests: 0,
    maxAgeMs: 0,
    newestFirstAt: Infinity,
    concurrency: 1,
    heartbeatMs: 60_000,
    fresh: false,
    inProcess: false,
    session: "request",
    priority: "normal",
    services: () => ({}),
    onLeak: () => leaks++,
    log,
    ...options,
    start: async (given) => {
      const make = () => {
        const thread = new FakeThread(threads.length + 1, given);
        threads.push(thread);
        return thread;
      };
      return await (start === undefined ? make() : start(make, given.signal)) as unknown as Thread;
    },
  });
  return {
    pool,
    threads,
    lines: log.lines,
    leaks: () => leaks,
    submit: (name, job = {}) =>
      pool.submit<unknown>({
        name,
        payload: () => name,
        accept: (value) => ({ value }),
        ...job,
      }),
  };
}
