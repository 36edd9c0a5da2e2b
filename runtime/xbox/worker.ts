/**
 * What runs inside an xbox worker: one function that turns messages into values.
 *
 * @module
 */

import type { Outcome, TaskRun } from "../pool/entry/runner.ts";
import { openSessions } from "../pool/entry/open.ts";
import type { WorkerApi, WorkerContext } from "../thread/entry/main.ts";
import { bindRooms, readFunction } from "../thread/entry/rooms.ts";
import type { ThreadType } from "../types/document.ts";
import type { XboxContext, XboxThread } from "../types/xbox.ts";

/** A message as the pool sends it. */
interface Delivery {
  message: unknown;
  from: string;
  attempt: number;
  key?: string;
}

/** Loads the document and makes the worker's functions. */
export function open(context: WorkerContext): WorkerApi {
  const { config } = context;
  const handler = readFunction<(message: unknown, context: XboxContext) => unknown>(context);
  const rooms = bindRooms(context);
  const threadType = config.threadType as ThreadType;
  const { sessions, age, serve } = openSessions(context, rooms);
  const thread: XboxThread = {
    scheduleReset: () => sessions.scheduleReset(),
    threadTime: () => age.ms,
    threadTimeout: () => age.limitMs,
    setThreadTimeout: (ms) => age.set(ms),
  };
  const store = rooms.store();

  async function work(run: TaskRun): Promise<Outcome> {
    const { message, from, attempt, key } = run.payload as Delivery;
    const { requestId } = run;
    const log = rooms.log({ requestId });
    const { session, phases } = await sessions.open(requestId, {
      store,
      globals: rooms.globals(),
      threadType,
      log,
    });
    const { signal } = run;
    const { onShutdown, onPostSend, onCleanup } = phases;
    const messageContext: XboxContext = {
      store,
      xbox: rooms.xbox({
        taskId: run.id,
        requestId,
        signal,
        thread,
      }),
      from,
      attempt,
      key,
      session,
      threadType: "Xbox Thread",
      signal,
      log,
      onShutdown,
      onPostSend,
      onCleanup,
      waitUntil: (promise) => phases.waitUntil(promise),
    };
    let value: unknown;
    let failure: Outcome["failure"];
    try {
      try {
        value = await handler(message, messageContext);
      } finally {
        await phases.beforeSend();
      }
    } catch (error) {
      failure = { error };
    }
    const after = phases.pending ? () => phases.afterSend(log) : undefined;
    if (failure !== undefined) return { failure, after };
    return { value, after, packs: typeof value !== "object" && typeof value !== "function" };
  }

  return serve(work);
}
