/**
 * What a page or pagelet finds at `c.var.pagelets`, over whatever starts pagelets for it.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import { checkPriority } from "../pool/priority.ts";
import type { PageletOptions, Pagelets, PageletTask } from "../types/pagelet.ts";
import { type PageletSource, SourceTask } from "./task.ts";
import { type PreparedRequest, prepareRequest } from "./wire.ts";

/** What a {@linkcode createPagelets} needs to know. */
export interface PageletsOptions {
  /** Whether there is a pool to run pagelets. */
  enabled: boolean;
  /** Hands a request to the pool; throws when it is refused. */
  submit(request: PreparedRequest, requestId: string, options: PageletOptions): PageletSource;
  /** Id of the request that starts the pagelets. */
  requestId: string;
  /** Cancels what was started when the request's own client is gone. */
  signal: AbortSignal | undefined;
}

const REFUSALS: ReadonlySet<string> = new Set(["QUEUE_FULL", "DISABLED", "STOPPING"]);

/** Makes the `pagelets` object of one request. */
export function createPagelets(options: PageletsOptions): Pagelets {
  let started = 0;
  const start = (url: string, pageletOptions: PageletOptions = {}): PageletTask => {
    const { timeoutMs, priority, signal } = pageletOptions;
    if (timeoutMs !== undefined && (typeof timeoutMs !== "number" || !(timeoutMs > 0))) {
      throw new RangeError(
        `Cannot start pagelet "${url}": timeoutMs must be above 0, and ${timeoutMs} was given`,
      );
    }
    checkPriority(`start pagelet "${url}"`, priority);
    const request = prepareRequest(url, pageletOptions);
    if (!options.enabled) {
      throw new RuntimeError(
        "DISABLED",
        `Cannot start pagelet "${url}": the site has no pagelet document (option "pagelets")`,
      );
    }
    signal?.throwIfAborted();
    const requestId = `${options.requestId}.${started + 1}`;
    const task = new SourceTask(url, options.submit(request, requestId, pageletOptions));
    started++;
    cancelWith(task, signal);
    cancelWith(task, options.signal);
    return task;
  };
  return {
    enabled: options.enabled,
    get started() {
      return started;
    },
    start,
    tryStart: (url, pageletOptions) => {
      try {
        return start(url, pageletOptions);
      } catch (error) {
        if (error instanceof RuntimeError && REFUSALS.has(error.code)) return null;
        throw error;
      }
    },
    asCompleted,
  };
}

/** Yields the tasks as they end, the first to end first. */
export async function* asCompleted(
  tasks: Iterable<PageletTask>,
): AsyncIterableIterator<PageletTask> {
  const ended: PageletTask[] = [];
  let wake = () => {};
  let left = 0;
  for (const task of tasks) {
    left++;
    const end = task instanceof SourceTask ? task.collect() : task.ended;
    end.then(() => {
      ended.push(task);
      wake();
    });
  }
  for (; left > 0; left--) {
    if (ended.length === 0) await new Promise<void>((resolve) => wake = resolve);
    yield ended.shift()!;
  }
}

function cancelWith(task: SourceTask, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const cancel = () => task.cancel(signal.reason);
  if (signal.aborted) return cancel();
  signal.addEventListener("abort", cancel, { once: true });
  task.over.then(() => signal.removeEventListener("abort", cancel));
}
