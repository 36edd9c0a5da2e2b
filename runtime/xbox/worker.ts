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
import type { Delivery } from "./carrier.ts";
import { makeContext } from "./context.ts";

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

  async function work(run: TaskRun): Promise<Outcome> {
    const delivery = run.payload as Delivery;
    const log = () => rooms.log({ requestId: run.requestId });
    const { session, phases } = await sessions.open(run, () => ({
      store: rooms.store(),
      globals: rooms.globals(),
      threadType,
      log: log(),
    }));
    const messageContext = makeContext(delivery, { run, rooms, session, phases, thread });
    let value: unknown;
    let failure: Outcome["failure"];
    try {
      try {
        value = await handler(delivery[0], messageContext);
      } finally {
        if (phases.hasShutdown) await phases.beforeSend();
      }
    } catch (error) {
      failure = { error };
    }
    const after = phases.pending ? () => phases.afterSend(log()) : undefined;
    if (failure !== undefined) return { failure, after };
    return { value, after, packs: typeof value !== "object" && typeof value !== "function" };
  }

  return serve(work);
}
