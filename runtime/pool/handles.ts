/**
 * The tasks that one worker has asked for, under the numbers by which it speaks of them.
 *
 * Whatever the worker says is untrusted: a parent must run on that very worker, a handle must be one
 * of its own, and it can hold no more of them than {@linkcode MAX_HANDLES}.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import { isRecord } from "../thread/values.ts";
import { PRIORITIES, type Priority } from "./priority.ts";
import type { Urgency } from "./queue.ts";
import type { FindTask, PoolTask } from "./task.ts";

/** Tasks that one worker may have asked for and not collected. */
export const MAX_HANDLES = 256;

const LONGEST_REASON = 1024;

/** In whose name a worker asks. */
export interface HandlesOptions {
  /** What is asked for, for messages: `start a pagelet`. */
  doing: string;
  /** Finds the tasks that run on the worker. */
  find: FindTask;
  /** Whether the worker may also ask in no task's name, as service threads do. */
  rootless: boolean;
}

/** What a task is started with. */
export interface Asked {
  /** The worker's task that asks; absent for a service thread. */
  parent: PoolTask<unknown> | undefined;
  /** Time that the worker gives it, if it gives one. */
  timeoutMs: number | undefined;
  /** Priority that the worker gives it, if it gives one; never above that of the task that asks. */
  priority: Priority | undefined;
}

/** What is held of a task, be it one of a pool or a message to another box. */
export interface Held<A> {
  /** Its answer. */
  answer: Promise<A>;
  /** Resolves when it is over. */
  ended: Promise<void>;
  /** Somebody waits for it. */
  wait(): void;
  /** Gives it up. */
  cancel(reason?: unknown): void;
}

/**
 * Holds the tasks of one worker.
 *
 * @typeParam A What the tasks answer.
 */
export class TaskHandles<A> {
  readonly #options: HandlesOptions;
  readonly #tasks = new Map<number, Held<A>>();
  #next = 1;

  constructor(options: HandlesOptions) {
    this.#options = options;
  }

  /**
   * Starts a task and returns its handle.
   *
   * @throws {RuntimeError} `STOPPING` if the parent is no running task of the worker, `QUEUE_FULL` if the
   * worker holds too many handles; and whatever `submit` throws.
   */
  start(parentId: unknown, terms: unknown, submit: (asked: Asked) => Held<A>): number {
    const { doing } = this.#options;
    const parent = this.parentOf(parentId);
    if (this.#tasks.size >= MAX_HANDLES) {
      throw new RuntimeError(
        "QUEUE_FULL",
        `Cannot ${doing}: the worker has ${MAX_HANDLES} that it did not collect`,
      );
    }
    const task = submit({ parent, ...readTerms(terms, parent?.priority) });
    this.#tasks.set(this.#next, task);
    return this.#next++;
  }

  /**
   * The task in whose name the worker asks; nothing for a service thread.
   *
   * @throws {RuntimeError} `STOPPING` if it is no running task of the worker.
   */
  parentOf(parentId: unknown): PoolTask<unknown> | undefined {
    const { doing, find, rootless } = this.#options;
    const parent = find(parentId);
    if (parent !== undefined || (rootless && parentId === null)) return parent;
    throw new RuntimeError("STOPPING", `Cannot ${doing}: the request that asks has ended`);
  }

  /** Resolves to a task's answer; its handle goes when the task has ended. */
  async answer(handle: unknown): Promise<A> {
    const task = this.#tasks.get(handle as number);
    if (task === undefined) {
      throw new RangeError(`Cannot ${this.#options.doing}: the handle is not known`);
    }
    // Not sooner: a quick task ends before the worker has heard of its handle.
    task.ended.then(() => this.#tasks.delete(handle as number));
    return await task.answer;
  }

  /** Forgets a task of whose handle the worker does not hear. */
  drop(handle: number): void {
    this.#tasks.delete(handle);
  }

  /** Says that the worker waits for a task. */
  wait(handle: unknown): void {
    this.#tasks.get(handle as number)?.wait();
  }

  /** Cancels a task for a reason in words. */
  cancel(handle: unknown, reason: unknown): void {
    const words = typeof reason === "string" ? reason.slice(0, LONGEST_REASON) : undefined;
    this.#tasks.get(handle as number)?.cancel(words);
  }
}

function readTerms(
  terms: unknown,
  highest: Urgency = 2,
): { timeoutMs: number | undefined; priority: Priority | undefined } {
  const { timeoutMs, priority } = isRecord(terms) ? terms : {};
  return {
    timeoutMs: typeof timeoutMs === "number" && timeoutMs > 0 ? timeoutMs : undefined,
    priority: readPriority(priority, highest),
  };
}

/** The priority that a worker gives, never above that of the task that asks; nothing if it is none. */
export function readPriority(given: unknown, highest: Urgency = 2): Priority | undefined {
  const urgency = PRIORITIES.indexOf(given as Priority);
  return urgency < 0 ? undefined : PRIORITIES[Math.min(urgency, highest)];
}
