/**
 * The entry's side of xbox: hands messages to the pool, for pages and for workers.
 *
 * @module
 */

import { TaskHandles } from "../pool/handles.ts";
import type { Pool } from "../pool/pool.ts";
import type { Priority } from "../pool/priority.ts";
import type { FindTask, PoolTask } from "../pool/task.ts";
import { findForbidden } from "../thread/values.ts";
import type { Services } from "../thread/thread.ts";
import type { XboxSource } from "./task.ts";

/** How a message is submitted. */
export interface Submission {
  /** Longest time to its end, in milliseconds. */
  timeoutMs?: number;
  /** In place of the pool's own. */
  priority?: Priority;
  /** The task that sends it. */
  parent?: PoolTask<unknown>;
}

/** Runs messages in a pool of workers that hold the xbox document. */
export class XboxServer {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Hands a message to the pool; throws when it is refused. */
  submit(
    message: unknown,
    { timeoutMs, priority, parent }: Submission = {},
  ): PoolTask<unknown> {
    return this.#pool.submit<unknown>({
      name: "an xbox message",
      payload: () => ({ message, from: "localhost", attempt: 1 }),
      timeoutMs,
      priority,
      parent,
      accept: (value) => {
        const found = findForbidden(value);
        if (found !== undefined) throw new TypeError(found);
        return { value };
      },
    });
  }

  /** The same, as a source for a task in the entry. */
  source(
    message: unknown,
    options: Submission = {},
  ): XboxSource & { accepted: Promise<unknown> } {
    const task = this.submit(message, options);
    return {
      state: () => task.state === "queued" ? "queued" : "running",
      answer: task.answer,
      cancel: (reason) => task.cancel(reason),
      wait: () => task.wait(),
      accepted: Promise.resolve(),
    };
  }

  /**
   * What one worker may call to send messages. `find` knows the tasks that run on that worker; without one of
   * them only a service thread may ask, which is what `rootless` says.
   */
  services(find: FindTask, { rootless = false } = {}): Services {
    const handles = new TaskHandles<unknown>({ doing: "send a message", find, rootless });
    return {
      xboxStart: (parentId, message, terms, posted) =>
        handles.start(parentId, terms, (asked) => {
          // A posted message has no time, no depth and no end in common with who sent it.
          const parent = posted === true ? undefined : asked.parent;
          return this.submit(message, { ...asked, parent });
        }),
      xboxAnswer: (handle) => handles.answer(handle),
      xboxWait: (handle) => handles.wait(handle),
      xboxCancel: (handle, reason) => handles.cancel(handle, reason),
    };
  }
}
