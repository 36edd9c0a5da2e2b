/**
 * What runs inside the worker of a service thread or a thread loop: one document, from start to stop.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import { keepThread } from "../pool/entry/own.ts";
import { freeThread } from "../resources/mod.ts";
import type { WorkerApi, WorkerContext } from "../thread/entry/main.ts";
import { bindRooms, readFunction } from "../thread/entry/rooms.ts";
import type { ThreadContext, ThreadLoopContext, ThreadType } from "../types/document.ts";

/** Loads the document and makes the worker's functions. */
export function open(context: WorkerContext): WorkerApi {
  const { config, call } = context;
  const document = readFunction<(context: ThreadContext & ThreadLoopContext) => unknown>(context);
  const rooms = bindRooms(context);
  const { threadId } = config;
  keepThread({ threadId, threadType: config.threadType as ThreadType, store: rooms.store() });
  const stop = new AbortController();
  const { signal } = stop;
  let reported: Promise<unknown> | undefined;

  function stopped(ms: number): Promise<boolean> {
    if (signal.aborted || !(ms > 0)) return Promise.resolve(signal.aborted);
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve(signal.aborted);
      };
      const timer = setTimeout(end, Math.min(ms, 2 ** 31 - 1));
      signal.addEventListener("abort", end);
    });
  }

  return {
    run: async (iteration: number) => {
      const requestId = `${config.threadType} ${config.threadId}`;
      const scope = { taskId: null, requestId, signal };
      const threadContext: ThreadContext & ThreadLoopContext = {
        store: rooms.store(),
        xbox: rooms.xbox(scope),
        pagelets: rooms.pagelets(scope),
        globals: rooms.globals(),
        log: rooms.log({ thread: threadId }),
        threadId,
        iteration,
        signal,
        stopped,
        started: () => {
          reported ??= call("threadStarted");
        },
      };
      await document(threadContext);
      // A document that ends at once must not be seen to end before it was seen to start.
      await reported;
    },
    close: () => freeThread(),
    stop: () => stop.abort(new RuntimeError("STOPPING", "The box is stopping")),
  };
}
