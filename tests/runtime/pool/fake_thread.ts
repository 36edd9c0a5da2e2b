/**
 * A thread without a worker: a test answers its calls.
 *
 * @module
 */

import { RuntimeError } from "../../../runtime/errors.ts";
import { Pool, type PoolOptions } from "../../../runtime/pool/pool.ts";
import type { Job, PoolTask } from "../../../runtime/pool/task.ts";
import type { Services, Thread, ThreadEnd } from "../../../runtime/thread/thread.ts";
import { type LogLine, recordLog } from "../http/support.ts";

/** A task that runs on a {@linkcode FakeThread}. */
export interface Run {
  id: number;
  payload: unknown;
  answer(value: unknown): void;
  fail(error: Error): void;
}

/** Stands in for a worker. */
export class FakeThread {
  readonly name: string;
  readonly runs: Run[] = [];
  readonly cancelled: unknown[] = [];
  readonly told: unknown[][] = [];
  readonly ended: Promise<ThreadEnd>;
  alive = true;
  /** Whether it answers `cancel` and `close`. */
  answers = true;
  reason: ThreadEnd["reason"] | undefined;
  #resolveEnded!: (end: ThreadEnd) => void;
  #open = new Set<(error: Error) => void>();

  constructor(name: string, readonly services: Services) {
    this.name = name;
    this.ended = new Promise((resolve) => this.#resolveEnded = resolve);
  }

  call(
    method: string,
    args: unknown[],
    { accept }: { accept?: (value: unknown) => unknown } = {},
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#open.add(reject);
      if (method === "run") {
        this.runs.push({
          id: args[0] as number,
          payload: args[1],
          answer: (value) => resolve(accept ? accept(value) : value),
          fail: reject,
        });
      } else if (method === "cancel") this.cancelled.push(args[0]);
      else this.told.push([method, ...args]);
      if (method !== "run" && this.answers) resolve(undefined);
    });
  }

  close(graceMs: number): Promise<ThreadEnd["reason"]> {
    if (this.alive) this.end(this.answers || graceMs === 0 ? "closed" : "stuck", "closed");
    return Promise.resolve(this.reason!);
  }

  end(reason: ThreadEnd["reason"], why: unknown): void {
    if (!this.alive) return;
    this.alive = false;
    this.reason = reason;
    const error = why instanceof RuntimeError ? why : new RuntimeError("THREAD_EXITED", `${why}`);
    for (const reject of this.#open) reject(error);
    this.#resolveEnded({ reason, error });
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
    services: () => ({}),
    onLeak: () => leaks++,
    log,
    ...options,
    start: async (services, signal) => {
      const make = () => {
        const thread = new FakeThread(`fake ${threads.length + 1}`, services);
        threads.push(thread);
        return thread;
      };
      return await (start === undefined ? make() : start(make, signal)) as unknown as Thread;
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
        accept: (value) => ({ value, open: false }),
        ...job,
      }),
  };
}
