/**
 * Makes a worker of what the pool sent with its start: its sessions, and a runner that serves tasks in
 * them.
 *
 * @module
 */

import { messageOf } from "../../errors.ts";
import { setErrorHandler } from "../../resources/mod.ts";
import type { WorkerApi, WorkerContext } from "../../thread/entry/main.ts";
import { readRequestInit, type Rooms } from "../../thread/entry/rooms.ts";
import type { ThreadType } from "../../types/document.ts";
import type { SessionPolicy } from "../../types/site.ts";
import { inRequest, keepThread } from "./own.ts";
import { OwnAge } from "./own_age.ts";
import { type Outcome, Runner, type TaskRun } from "./runner.ts";
import { Sessions } from "./session.ts";

/** What the pool tells a worker, among `config.options`. */
export interface PoolConfig {
  /** Memory of the ring; absent where none can be shared. */
  ring: SharedArrayBuffer | undefined;
  /** Tasks that run at once. */
  concurrency: number;
  /** What is kept between tasks. */
  session: SessionPolicy;
  /** So many milliseconds after its first task the worker is replaced; 0: never. */
  maxAgeMs: number;
}

/** What a kind of worker does with a task. */
export type Work = (run: TaskRun) => Promise<Outcome>;

/** Reads what the pool has told; tasks are taken once `serve` is called. */
export function openSessions(
  context: WorkerContext,
  rooms: Rooms,
): { sessions: Sessions; age: OwnAge; serve(work: Work): WorkerApi } {
  const { threadId, threadType, options } = context.config;
  const { ring, concurrency, session: policy, maxAgeMs } = options.pool as PoolConfig;
  const log = rooms.log();
  keepThread({ threadId, threadType: threadType as ThreadType, store: rooms.store() });
  const onError = (error: unknown) => {
    log.error("A resource failed", { why: describeError(error) });
  };
  setErrorHandler(onError);
  const sessions = new Sessions({
    policy,
    setOpening: context.channel.setOpening,
    initialise: readRequestInit(context),
    log,
  });
  const age = new OwnAge(maxAgeMs, (ms) => {
    context.call("maxAge", ms).catch(entryIsGone);
  });
  const serve = (work: Work): WorkerApi => {
    const runner = new Runner({
      channel: context.channel,
      ring,
      concurrency,
      work: (run) => {
        age.begin(run.startedAt);
        return work(run);
      },
      frame: inRequest,
      onFrameError: onError,
      idle: (cancelled) => sessions.tidy(cancelled),
      isDue: (failed) => sessions.isDue(failed),
    });
    return {
      cancel: (id: number, why: string) => runner.cancel(id, why),
      close: () => sessions.close(),
      maxAge: (ms: number) => age.learn(ms),
    };
  };
  return { sessions, age, serve };
}

/** A worker whose entry is gone is not replaced any more. */
function entryIsGone(): void {}

/** Says what went wrong in every destructor that failed. */
function describeError(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return messageOf(error);
}
