/**
 * One worker of a pool: the tasks that it has been sent, and what decides when it is replaced.
 *
 * @module
 */

import type { Thread } from "../thread/thread.ts";
import { newRing, NOWHERE, Ring, RING_PLACES, type TaskMessage } from "./protocol.ts";
import type { PoolTask, TaskCarrier } from "./task.ts";
import type { Tenure } from "./tenure.ts";

/** When a worker is to be replaced. */
export interface RecyclePolicy {
  /** After so many tasks; 0: never. */
  maxRequests: number;
  /** So many milliseconds after its first task, unless its tenure says otherwise; 0: never. */
  maxAgeMs: number;
}

type AnyTask = PoolTask<unknown>;

/** How fast a worker's average time between tasks follows what happens. */
const RATE_WEIGHT = 0.25;

/** A worker and what it is doing. */
export class PoolWorker implements TaskCarrier {
  /** How long it may stay. */
  readonly tenure: Tenure;
  /** Memory of the ring, for the worker; absent where it shares none. */
  readonly memory: SharedArrayBuffer | undefined;
  /** The tasks that it has been sent, by id: those that it runs, and those that wait there for their turn. */
  readonly tasks: Map<number, AnyTask> = new Map();
  /** When it was told to start, on the clock of `performance.now()`. */
  readonly since = performance.now();
  /** When its last task ended, or was sent. */
  activeAt = this.since;
  /** When its last task ended, or was sent while it had nothing to do. */
  answeredAt = this.since;
  /** When it was last asked to show that it is not stuck. */
  seenAt = this.since;
  /** When its session began, with its first task. */
  usedAt: number | undefined;
  /** Tasks that it has run. */
  requests = 0;
  /** Bytes that its heap used when it last said so. */
  heapBytes: number | undefined;
  /** Whether it has asked to be replaced. */
  resetAsked = false;
  /** Whether another worker is on its way to take its place. */
  succeeded = false;
  /** Whether its tenure was left to whoever takes its place. */
  hasLeft = false;
  /** Whether it gets no task until it has shown that it is not stuck. */
  suspect = false;
  /** How often in a row it began with nothing that it was sent, although its event loop turned. */
  misses = 0;
  /** Whether it takes no further task. */
  retiring = false;
  readonly #ring: Ring | undefined;
  #thread: Thread | undefined;
  #sentAt = 0;
  /** Average time between tasks; 0 until there were two. */
  #msPerTask = 0;

  /** Without a ring, what it was sent has begun, and it is sent no more than it runs at once. */
  constructor(hasRing: boolean, tenure: Tenure) {
    this.tenure = tenure;
    this.memory = hasRing ? newRing() : undefined;
    this.#ring = this.memory && new Ring(this.memory);
  }

  /** The worker's thread, once it is ready. */
  get thread(): Thread {
    return this.#thread!;
  }

  /** The worker is ready. */
  attach(thread: Thread): void {
    this.#thread = thread;
    this.activeAt = performance.now();
  }

  /** Whether it is ready and may be sent tasks. */
  get usable(): boolean {
    return !this.retiring && !this.suspect && this.#thread?.alive === true;
  }

  /** How many tasks it may still be sent. */
  room(policy: RecyclePolicy & { concurrency: number }): number {
    const most = this.#ring === undefined ? policy.concurrency : RING_PLACES;
    return Math.min(this.#left(policy), most - this.tasks.size);
  }

  /** Whether it should give way to a fresh worker before it takes another task. */
  isDue(policy: RecyclePolicy): boolean {
    const { maxAgeMs } = this.tenure;
    return this.resetAsked || this.#left(policy) <= 0 ||
      (maxAgeMs > 0 && this.#age() > maxAgeMs);
  }

  /** Whether it is due, or will be within `leadMs` milliseconds if tasks go on to come as they do. */
  isNearlyDue(policy: RecyclePolicy, leadMs: number): boolean {
    const { maxRequests } = policy;
    const { maxAgeMs } = this.tenure;
    if (this.isDue(policy)) return true;
    if (this.usedAt === undefined) return false;
    if (maxAgeMs > 0 && this.#age() > maxAgeMs - Math.min(leadMs, maxAgeMs / 2)) return true;
    const left = this.#left(policy);
    return left <= maxRequests / 10 ||
      (this.#msPerTask > 0 && left * this.#msPerTask <= leadMs);
  }

  /**
   * Sends tasks, in one message where that can be. The payload of a task may still be on its way; then
   * the task is sent when it is there.
   *
   * @param failed Hears of a task that cannot be sent.
   */
  send(
    tasks: readonly AnyTask[],
    lent: boolean,
    failed: (task: AnyTask, error: unknown) => void,
  ): void {
    const messages: TaskMessage[] = [];
    const now = performance.now();
    for (const task of tasks) {
      this.#enter(task, now);
      let payload: unknown;
      try {
        payload = task.job.payload();
      } catch (error) {
        failed(task, error);
        continue;
      }
      if (payload instanceof Promise) {
        payload.then(
          (made) => this.#post([this.#message(task, made, lent)], failed),
          (error) => failed(task, error),
        );
      } else messages.push(this.#message(task, payload, lent, now));
    }
    this.#post(messages, failed);
  }

  /** Whether it has begun with a task that it was sent. */
  hasStarted(task: AnyTask): boolean {
    return this.#ring?.isStarted(task.place, task.id) ?? true;
  }

  /** Takes a task back that it has not begun with; says whether that was so. */
  takeBack(task: AnyTask): boolean {
    // The ring is the worker's to write: a task that it has answered is not to be run again.
    if (this.tasks.get(task.id) !== task || task.state === "answered") return false;
    if (this.#ring?.takeBack(task.place, task.id) !== true) return false;
    this.tasks.delete(task.id);
    task.worker = undefined;
    return true;
  }

  /** Takes a task that it gives back; says whether it can: with a ring, it has no business to. */
  receiveBack(task: AnyTask): boolean {
    if (this.#ring !== undefined || task.state === "answered") return false;
    this.tasks.delete(task.id);
    task.worker = undefined;
    return true;
  }

  /** Forgets a task that is over; says whether it was there. */
  forget(task: AnyTask): boolean {
    if (!this.tasks.delete(task.id)) return false;
    this.#ring?.release(task.place);
    this.requests++;
    this.misses = 0;
    return true;
  }

  /** It has done something, or something has come of a task of its. */
  touch(): void {
    this.activeAt = this.answeredAt = performance.now();
  }

  #enter(task: AnyTask, now: number): void {
    if (this.usedAt === undefined) this.usedAt = now;
    else {
      const ms = now - this.#sentAt;
      this.#msPerTask += (ms - this.#msPerTask) * (this.#msPerTask === 0 ? 1 : RATE_WEIGHT);
    }
    this.activeAt = this.#sentAt = now;
    if (this.tasks.size === 0) this.answeredAt = now;
    task.worker = this;
    task.sent++;
    task.holds.worker = true;
    task.place = this.#ring?.put(task.id) ?? NOWHERE;
    this.tasks.set(task.id, task);
  }

  #message(
    task: AnyTask,
    payload: unknown,
    lent: boolean,
    now = performance.now(),
  ): TaskMessage {
    const remainingMs = task.deadline === Infinity ? 0 : Math.max(0, task.deadline - now);
    // What was moved cannot be taken back, and must not wait for that.
    const atOnce = lent || task.job.transferables !== undefined;
    return [task.id, task.place, payload, remainingMs, atOnce];
  }

  #post(messages: TaskMessage[], failed: (task: AnyTask, error: unknown) => void): void {
    // One may have been cancelled while its payload was made.
    const open = messages.filter(([id]) => this.tasks.has(id));
    if (open.length === 0) return;
    const moved = open.flatMap(([id]) => this.tasks.get(id)!.job.transferables ?? []);
    try {
      this.thread.send(open, moved);
    } catch (error) {
      if (open.length === 1) return failed(this.tasks.get(open[0]![0])!, error);
      for (const message of open) this.#post([message], failed);
    }
  }

  #left({ maxRequests }: RecyclePolicy): number {
    return maxRequests === 0 ? Infinity : maxRequests - this.requests - this.tasks.size;
  }

  #age(): number {
    return this.usedAt === undefined ? 0 : performance.now() - this.usedAt;
  }
}
