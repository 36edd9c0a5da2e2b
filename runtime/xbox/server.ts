/**
 * The entry's side of xbox: hands messages to the pool, for pages and for workers.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { Pool } from "../pool/pool.ts";
import type { FindTask, PoolTask } from "../pool/task.ts";
import { findForbidden, isRecord } from "../thread/values.ts";
import type { Services } from "../thread/thread.ts";
import type { XboxSource } from "./task.ts";

/** Messages that one worker may have sent and not collected. */
const MAX_HANDLES = 256;

/** Runs messages in a pool of workers that hold the xbox document. */
export class XboxServer {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Hands a message to the pool; throws when it is refused. */
  submit(
    message: unknown,
    { timeoutMs, parent }: { timeoutMs?: number; parent?: PoolTask<unknown> } = {},
  ): PoolTask<unknown> {
    return this.#pool.submit<unknown>({
      name: "an xbox message",
      payload: () => ({ message, from: "localhost", attempt: 1 }),
      timeoutMs,
      parent,
      accept: (answer) => {
        const found = isRecord(answer) ? findForbidden(answer.value) : "no record";
        if (found !== undefined) throw new TypeError(found);
        const { value, open } = answer as Record<string, unknown>;
        return { value, open: open === true };
      },
    });
  }

  /** The same, as a source for a task in the entry. */
  source(
    message: unknown,
    options: { timeoutMs?: number; parent?: PoolTask<unknown> } = {},
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
    const handles = new Map<number, PoolTask<unknown>>();
    let nextHandle = 1;
    return {
      xboxStart: (parentId, message, timeoutMs, posted) => {
        const parent = find(parentId);
        if (parent === undefined && !(rootless && parentId === null)) {
          throw new RuntimeError(
            "STOPPING",
            "Cannot send a message: the request that asks has ended",
          );
        }
        if (handles.size >= MAX_HANDLES) {
          throw new RuntimeError(
            "QUEUE_FULL",
            `Cannot send a message: the worker has ${MAX_HANDLES} that it did not collect`,
          );
        }
        const limit = typeof timeoutMs === "number" && timeoutMs > 0 ? timeoutMs : undefined;
        // A posted message has no time, no depth and no end in common with who sent it.
        const above = posted === true ? undefined : parent;
        const task = this.submit(message, { timeoutMs: limit, parent: above });
        const handle = nextHandle++;
        handles.set(handle, task);
        return handle;
      },
      xboxAnswer: async (handle) => {
        const task = handles.get(handle as number);
        if (task === undefined) throw new RangeError("Cannot collect a message: it is not known");
        // Not sooner: a quick task ends before the worker has heard of its handle.
        task.ended.then(() => handles.delete(handle as number));
        return await task.answer;
      },
      xboxWait: (handle) => handles.get(handle as number)?.wait(),
      xboxCancel: (handle, reason) => {
        handles.get(handle as number)?.cancel(
          typeof reason === "string" ? reason.slice(0, 1024) : undefined,
        );
      },
    };
  }
}
