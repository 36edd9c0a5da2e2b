/**
 * The phases of a request after its handler: shutdown functions before the response is sent,
 * post-send work after it, cleanup functions last (HHVM's `register_*_function` family).
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import type { Log } from "../types/log.ts";

/** Collects what one request wants to be run, and runs it. */
export class Phases {
  readonly #shutdown: (() => unknown)[] = [];
  readonly #cleanup: (() => unknown)[] = [];
  readonly #postSend: Promise<unknown>[] = [];

  /** Whether anything is left to be run after the response. */
  get pending(): boolean {
    return this.#postSend.length > 0 || this.#cleanup.length > 0;
  }

  /** Adds work that goes on after the response. */
  waitUntil(promise: Promise<unknown>): void {
    const work = Promise.resolve(promise);
    // It may fail long before it is waited for, which must not end the isolate.
    work.catch(afterSendReportsIt);
    this.#postSend.push(work);
  }

  /** Registers a shutdown function. */
  onShutdown = (fn: () => unknown): void => {
    this.#shutdown.push(requireFunction("onShutdown", fn));
  };

  /** Registers a cleanup function. */
  onCleanup = (fn: () => unknown): void => {
    this.#cleanup.push(requireFunction("onCleanup", fn));
  };

  /** Runs the shutdown functions in order; the first error ends the list and is thrown. */
  async beforeSend(): Promise<void> {
    while (this.#shutdown.length > 0) await this.#shutdown.shift()!();
  }

  /** Waits for post-send work, then runs the cleanup functions in order. Errors are logged. */
  async afterSend(log: Log): Promise<void> {
    // Work may hand in more work while it is waited for.
    while (this.#postSend.length > 0) {
      for (const outcome of await Promise.allSettled(this.#postSend.splice(0))) {
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

function requireFunction(name: string, fn: unknown): () => unknown {
  if (typeof fn === "function") return fn as () => unknown;
  throw new TypeError(
    `Cannot register with ${name}: a function is needed, and ${typeof fn} was given`,
  );
}
