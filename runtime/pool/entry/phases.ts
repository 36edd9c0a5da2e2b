/**
 * The phases of a request after its handler: shutdown functions before the response is sent,
 * post-send work after it, cleanup functions last (HHVM's `register_*_function` family).
 *
 * @module
 */

import { messageOf } from "../../errors.ts";
import type { Log } from "../../types/log.ts";

type Task = () => unknown;

/** Collects what one request wants to be run, and runs it. */
export class Phases {
  readonly #shutdown: Task[] = [];
  readonly #postSend: Task[] = [];
  readonly #cleanup: Task[] = [];
  readonly #work: Promise<unknown>[] = [];

  /** Whether there are shutdown functions. */
  get hasShutdown(): boolean {
    return this.#shutdown.length > 0;
  }

  /** Whether anything is left to be run after the response. */
  get pending(): boolean {
    return this.#postSend.length > 0 || this.#work.length > 0 || this.#cleanup.length > 0;
  }

  /** The same functions for another request, as a session that spans requests needs them. */
  copy(): Phases {
    const copy = new Phases();
    copy.#shutdown.push(...this.#shutdown);
    copy.#postSend.push(...this.#postSend);
    copy.#cleanup.push(...this.#cleanup);
    return copy;
  }

  /** Adds work that goes on after the response. */
  waitUntil(promise: Promise<unknown>): void {
    const work = Promise.resolve(promise);
    // It may fail long before it is waited for, which must not end the isolate.
    work.catch(afterSendReportsIt);
    this.#work.push(work);
  }

  /** Registers a shutdown function; needs no `this`, as the others do not. */
  get onShutdown(): (fn: Task) => void {
    return (fn) => void this.#shutdown.push(requireFunction("onShutdown", fn));
  }

  /** Registers a function that runs after the response. */
  get onPostSend(): (fn: Task) => void {
    return (fn) => void this.#postSend.push(requireFunction("onPostSend", fn));
  }

  /** Registers a cleanup function. */
  get onCleanup(): (fn: Task) => void {
    return (fn) => void this.#cleanup.push(requireFunction("onCleanup", fn));
  }

  /** Runs the shutdown functions in order; the first error ends the list and is thrown. */
  async beforeSend(): Promise<void> {
    try {
      while (this.#shutdown.length > 0) await this.#shutdown.shift()!();
    } finally {
      this.#shutdown.length = 0;
    }
  }

  /**
   * Runs the post-send functions in order and waits for post-send work, then runs the cleanup functions.
   * Errors are logged. A post-send function that fails ends its list; cleanup functions run all the same,
   * since they release what others hold.
   */
  async afterSend(log: Log): Promise<void> {
    try {
      while (this.#postSend.length > 0) await this.#postSend.shift()!();
    } catch (error) {
      this.#postSend.length = 0;
      log.error("Work after the response failed", { why: messageOf(error) });
    }
    // Work may hand in more work while it is waited for.
    while (this.#work.length > 0) {
      for (const outcome of await Promise.allSettled(this.#work.splice(0))) {
        if (outcome.status === "rejected") {
          log.error("Work after the response failed", { why: messageOf(outcome.reason) });
        }
      }
    }
    for (const fn of this.#cleanup.splice(0)) {
      try {
        await fn();
      } catch (error) {
        log.error("A cleanup function failed", { why: messageOf(error) });
      }
    }
  }
}

/** A rejection stays with the promise until `afterSend` looks at it. */
function afterSendReportsIt(): void {}

function requireFunction(name: string, fn: unknown): Task {
  if (typeof fn === "function") return fn as Task;
  throw new TypeError(
    `Cannot register with ${name}: a function is needed, and ${typeof fn} was given`,
  );
}
