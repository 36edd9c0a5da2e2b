/**
 * What runs inside an xbox worker: one function that turns messages into values.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { WorkerApi, WorkerContext } from "../thread/entry/main.ts";
import { bindRooms, readFunction, readRequestInit } from "../thread/entry/rooms.ts";
import type { ThreadType } from "../types/document.ts";
import type { XboxContext } from "../types/xbox.ts";

/** A message as the pool sends it. */
interface Delivery {
  message: unknown;
  from: string;
  attempt: number;
}

/** Loads the document and makes the worker's functions. */
export function open(context: WorkerContext): WorkerApi {
  const { config } = context;
  const handler = readFunction<(message: unknown, context: XboxContext) => unknown>(context);
  const rooms = bindRooms(context);
  const initialise = readRequestInit(context);
  const running = new Map<number, AbortController>();
  const session = {
    id: crypto.randomUUID(),
    startedAt: Date.now(),
    requests: 0,
    locals: {} as Record<string, unknown>,
  };
  let begun: Promise<unknown> | undefined;

  /** The session spans messages: request init runs once, before the first. */
  function begin(): Promise<unknown> {
    return begun ??= (async () => {
      try {
        await initialise?.({
          session,
          store: rooms.store(),
          globals: rooms.globals(),
          threadType: config.threadType as ThreadType,
          log: rooms.log(),
        });
      } catch (cause) {
        begun = undefined;
        throw new RuntimeError("INIT_FAILED", "Cannot handle the message: request init failed", {
          cause,
        });
      }
    })();
  }

  async function run(id: number, { message, from, attempt }: Delivery): Promise<unknown> {
    const abort = new AbortController();
    running.set(id, abort);
    try {
      await begin();
      session.requests++;
      const requestId = crypto.randomUUID();
      const scope = { taskId: id, requestId, signal: abort.signal };
      const messageContext: XboxContext = {
        store: rooms.store(),
        xbox: rooms.xbox(scope),
        from,
        attempt,
        session,
        signal: abort.signal,
        log: rooms.log({ requestId }),
      };
      return { value: await handler(message, messageContext), open: false };
    } finally {
      running.delete(id);
    }
  }

  return {
    run,
    cancel: (id: number, why: string) => {
      running.get(id)?.abort(new RuntimeError("CANCELLED", why));
    },
  };
}
