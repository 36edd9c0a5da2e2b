/**
 * Xbox messages as those who send and those who handle them see them.
 *
 * @module
 */

import type { Log } from "./log.ts";
import type { Store } from "./store.ts";

/** How a message is sent. */
export interface XboxOptions {
  /** The receiver. Absent, `""`, `"localhost"` or `"127.0.0.1"`: this box. */
  to?: string;
  /** Time from start to answer in milliseconds, above 0; the pool's and the parent's limits hold as well. */
  timeoutMs?: number;
  /** Whether it is taken before or after others that wait; absent: as the pool's options say. */
  priority?: "low" | "normal" | "high";
  /** Cancels the task when it aborts. */
  signal?: AbortSignal;
}

/** Where a task stands. */
export type XboxStatus = "queued" | "running" | "done" | "failed" | "timed-out" | "cancelled";

/** What became of a message. */
export interface XboxResult<T = unknown> {
  /** 200: answered. -1: the wait timed out, the task goes on. 500: the handler failed. 503: not run. 504: out of time. */
  code: number;
  /** The handler's value when `code` is 200. */
  value?: T;
  /** What went wrong, with its class, `code` and `cause`, for every other code but -1. */
  error?: Error;
}

/** A message on its way. */
export interface XboxTask<T = unknown> {
  /** Where the task stands, without waiting (`xbox_task_status`). */
  readonly status: XboxStatus;
  /**
   * Waits for the answer (`xbox_task_result`). It can be asked again and never rejects.
   *
   * @param options `timeoutMs`: how long to wait, in milliseconds; 0 or absent waits for the task's own limits.
   */
  result(options?: { timeoutMs?: number }): Promise<XboxResult<T>>;
  /** Aborts the handler's `signal`; a worker that goes on regardless is replaced. */
  cancel(reason?: unknown): void;
}

/** Sends messages to the site's xbox document. */
export interface Xbox {
  /** Whether the site has an xbox document. */
  readonly enabled: boolean;
  /**
   * Starts a task that turns the message into a value (`xbox_task_start`).
   *
   * @throws {RuntimeError} `QUEUE_FULL`, `DISABLED` or `STOPPING` when it is refused; inside a worker, where
   * the refusal is known only later, the task ends with code 503 and that error instead. `UNREACHABLE_PEER`
   * when `to` names another box.
   * @throws {DOMException} `DataCloneError` if the message is not a value that structured clone can carry.
   */
  start<T = unknown>(message: unknown, options?: XboxOptions): XboxTask<T>;
  /** Starts a task and resolves to its value; rejects with the task's error (`xbox_send_message`). */
  send<T = unknown>(message: unknown, options?: XboxOptions): Promise<T>;
  /** Resolves once the message stands in the queue; what becomes of it is only logged (`xbox_post_message`). */
  post(message: unknown, options?: XboxOptions): Promise<void>;
  /**
   * Lets this worker be replaced before its next message (`xbox_schedule_thread_reset`).
   *
   * @throws {TypeError} Anywhere but in the xbox document.
   */
  scheduleReset(): void;
}

/** What an xbox document's default export gets beside the message. */
export interface XboxContext {
  /** The shared store. */
  store: Store;
  /** Sends further messages. */
  xbox: Xbox;
  /** Who sent the message: `"localhost"` for this box. */
  from: string;
  /** 1 for the first delivery, more for a repeated one. */
  attempt: number;
  /** What this worker keeps between messages, from request init to reset. */
  session: Session;
  /** Aborts when the task is cancelled or its time is up. */
  signal: AbortSignal;
  /** Writes to the box's log. */
  log: Log;
  /** Runs `fn` after the handler and before its value is sent; an error takes the value's place. */
  onShutdown(fn: () => unknown): void;
  /** Runs `fn` after the value was sent; an error is only logged. */
  onPostSend(fn: () => unknown): void;
  /** Runs `fn` after the value was sent and all post-send work; an error is only logged. */
  onCleanup(fn: () => unknown): void;
  /** Lets work go on after the value was sent; the worker stays with the message until it has settled. */
  waitUntil(promise: Promise<unknown>): void;
}

/** What one worker keeps between requests, from request init to sweep. */
export interface Session {
  /** Unique to this session. */
  readonly id: string;
  /** When it began, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** Requests that it has served, the current one included; 1 where every request is a session of its own. */
  readonly requests: number;
  /** What request init left for the handlers. */
  readonly locals: Record<string, unknown>;
}
