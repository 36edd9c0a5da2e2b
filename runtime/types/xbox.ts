/**
 * Xbox messages as those who send and those who handle them see them.
 *
 * @module
 */

import type { Log } from "./log.ts";
import type { Store } from "./store.ts";

/** How a message is sent. */
export interface XboxOptions {
  /**
   * The receiver. Absent, `""`, `"localhost"`, `"127.0.0.1"` or this box's own address: this box, without a socket.
   * `"host:port"` or an `http:` or `https:` URL: a box anywhere, over HTTP; the site's `peers.allow` must name it.
   * Any other name: a box of this machine by its alias (`"box-2"`), or `"boxes"` for one of them in turn, over the
   * process tree. A worker names only what the `xbox.to` of its pool allows.
   */
  to?: string;
  /**
   * Time from start to answer in milliseconds, above 0; the pool's and the parent's limits hold as well. Absent: the
   * receiver's `deadlineMs` (where HHVM has `DefaultLocalTimeoutMilliSeconds` and `DefaultRemoteTimeoutSeconds`). When
   * it is up the task ends with 504, its handler's `signal` aborts, and a worker that goes on regardless is replaced.
   * HHVM only stops waiting then; for that, give `timeoutMs` to {@linkcode XboxTask.result}.
   */
  timeoutMs?: number;
  /** Whether it is taken before or after others that wait; absent: as the pool's options say. */
  priority?: "low" | "normal" | "high";
  /** Cancels the task when it aborts. */
  signal?: AbortSignal;
}

/** How a message is posted. What stands below `durable` needs `durable: true`. */
export interface XboxPostOptions extends XboxOptions {
  /**
   * Whether the message is written to the store before `post` resolves, and delivered at least once from then on,
   * whatever box ends meanwhile; `signal` does not end it any more. A handler that fails is run again later,
   * and after the last attempt the message becomes a dead letter. @default false
   */
  durable?: boolean;
  /**
   * Names the message, at most 512 characters: a second one of the same name, while the first waits or within
   * `posts.keepKeysMs` after it was handled, is accepted and not delivered. The handler finds it as `key`.
   */
  key?: string;
  /** Messages of one `orderingKey` (at most 512 characters) are handled one after another, in the order of their acceptance. */
  orderingKey?: string;
  /** Not before this time: a `Date`, or milliseconds since the epoch. */
  at?: Date | number;
  /**
   * Again and again, this many milliseconds (at least 1000) from one planned time to the next; it needs a `key`, by which a
   * second post changes it and `unpost` ends it. Times that were missed are made up for once.
   */
  everyMs?: number;
  /** Attempts until it becomes a dead letter, 1 to 1000. @default the site's `posts.attempts` */
  attempts?: number;
}

/** How a message goes to several boxes. */
export interface FanOutOptions extends Omit<XboxOptions, "to" | "timeoutMs"> {
  /** The receivers, each as {@linkcode XboxOptions} `to`; at least one, at most 1024, none twice. */
  to: readonly string[];
  /** Most messages that are under way at once, at least 1. @default 16 */
  limit?: number;
  /** Time for all of it in milliseconds, above 0: what has not begun then is not sent, and ends with 504 as well. */
  timeoutMs?: number;
  /** So many values are enough: what is under way then is cancelled, what has not begun is not sent. @default all */
  quorum?: number;
}

/** What one receiver of a fan-out answered. */
export interface FanOutResult<T = unknown> extends XboxResult<T> {
  /** The receiver, as it was named. */
  to: string;
}

/**
 * A message on its way to several boxes. Iterating yields one result for each receiver as they come, those that came
 * before included, and ends when there are as many values as the quorum asks for. Leaving the loop cancels the rest.
 */
export interface FanOut<T = unknown> extends AsyncIterable<FanOutResult<T>> {
  /**
   * Resolves to the values that came, in the order in which they did, once there are `quorum` of them.
   *
   * @throws {AggregateError} Once so many receivers have failed that the quorum cannot be reached; its `errors` say why.
   */
  values(): Promise<T[]>;
  /** Cancels what is under way and sends no more. */
  cancel(reason?: unknown): void;
}

/** Where a task stands. */
export type XboxStatus = "queued" | "running" | "done" | "failed" | "timed-out" | "cancelled";

/** What became of a message. */
export interface XboxResult<T = unknown> {
  /**
   * 200: answered. -1: the wait timed out, the task goes on. 401, 403: not allowed. 404: no session could be opened.
   * 500: the handler failed. 502: the other box gave no answer that can be used. 503: not run. 504: out of time.
   */
  code: number;
  /**
   * The handler's value when `code` is 200; `null` where it has ended its worker by `Deno.exit()` or `self.close()`, which
   * is no failure as long as the exit code is 0 and nothing else ran there. Phases do not run then.
   */
  value?: T;
  /** What went wrong, with its class, `code` and `cause`, for every other code but -1. */
  error?: Error;
  /** With an error: whether this side failed, the way between, or the box that was to handle the message. */
  side?: "sender" | "network" | "receiver";
  /** With an error: whether the handler may have run, or be running. */
  mayHaveRun?: boolean;
}

/** A message on its way. */
export interface XboxTask<T = unknown> {
  /** Where the task stands, without waiting (`xbox_task_status`). */
  readonly status: XboxStatus;
  /**
   * Waits for the answer (`xbox_task_result`). It can be asked again and never rejects.
   *
   * @param options `timeoutMs`: how long to wait, in milliseconds; 0, less or absent waits for the task's own limits.
   * When it is up the code is -1, and the task goes on.
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
   * the refusal is known only later, the task ends with code 503 and that error instead. `PEER_DENIED` likewise
   * when `to` names a box that may not be named here.
   * @throws {DOMException} `DataCloneError` if the message is not a value that structured clone can carry.
   */
  start<T = unknown>(message: unknown, options?: XboxOptions): XboxTask<T>;
  /** Starts a task and resolves to its value; rejects with the task's error (`xbox_send_message`). */
  send<T = unknown>(message: unknown, options?: XboxOptions): Promise<T>;
  /**
   * Resolves once the message stands in the receiver's queue, or with `durable` in the store; what becomes of it is
   * only logged (`xbox_post_message`).
   *
   * @throws {RuntimeError} When it is not accepted.
   */
  post(message: unknown, options?: XboxPostOptions): Promise<void>;
  /**
   * Takes a durable message back that waits, or ends a repeated one; one that is being handled is not stopped. A worker
   * takes back, and changes, only what workers with its document have posted; a page of the entry everything.
   *
   * @returns Whether there was one of that key.
   */
  unpost(key: string): Promise<boolean>;
  /**
   * Sends a message, copied once, to several boxes at once. A receiver that refuses it is a result like any other.
   *
   * @example Usage
   * ```ts
   * import type { Xbox } from "@tandem/tandem";
   *
   * export async function countUsers(xbox: Xbox): Promise<number> {
   *   const asked = xbox.fanOut<number>("users", { to: ["a:8000", "b:8000", "c:8000"], quorum: 2 });
   *   for await (const { to, code, error } of asked) if (code !== 200) console.warn(to, error);
   *   return Math.max(...await asked.values());
   * }
   * ```
   *
   * @throws {TypeError} If an option is of the wrong type, a receiver no name of a box, or named twice.
   * @throws {RangeError} If an option is out of range.
   * @throws {DOMException} `DataCloneError` if the message is not a value that structured clone can carry.
   */
  fanOut<T = unknown>(message: unknown, options: FanOutOptions): FanOut<T>;
  /**
   * Lets this worker be replaced before its next message (`xbox_schedule_thread_reset`).
   *
   * @throws {TypeError} Anywhere but in the xbox document.
   */
  scheduleReset(): void;
  /**
   * Milliseconds since this worker's last reset (`xbox_get_thread_time`, which counts seconds).
   *
   * @throws {TypeError} Anywhere but in the xbox document.
   */
  threadTime(): number;
  /**
   * The age in milliseconds at which this worker is replaced, 0 for none (`xbox_get_thread_timeout`, in seconds).
   *
   * @throws {TypeError} Anywhere but in the xbox document.
   */
  threadTimeout(): number;
  /**
   * Changes that age for this worker and its successors, not for others (`xbox_set_thread_timeout`). A successor is the
   * worker that takes its place after a reset; a worker that ended because it had nothing to do has none.
   *
   * @throws {RangeError} If `ms` is no whole number from 0 that a timer keeps; nothing changes then.
   * @throws {TypeError} Anywhere but in the xbox document.
   */
  setThreadTimeout(ms: number): void;
}

/** What an xbox worker may ask of itself. */
export type XboxThread = Pick<
  Xbox,
  "scheduleReset" | "threadTime" | "threadTimeout" | "setThreadTimeout"
>;

/** What an xbox document's default export gets beside the message. */
export interface XboxContext {
  /** The shared store. */
  store: Store;
  /** Sends further messages. */
  xbox: Xbox;
  /** Who sent the message: `"localhost"` for this box, a sibling's alias, or what a box elsewhere calls itself. */
  from: string;
  /** 1 for the first delivery of a durable message, more for a repeated one. */
  attempt: number;
  /** The key that it was posted with: the same in each delivery of one message, so that an effect can be had once. */
  key?: string;
  /** What this worker keeps between messages, from request init to reset. */
  session: Session;
  /** The kind of worker (`THREAD_TYPE`). */
  threadType: "Xbox Thread";
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
