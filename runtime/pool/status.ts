/**
 * The figures of a pool and of each of its workers, for people and health checks.
 *
 * @module
 */

import type { SessionPolicy } from "../types/site.ts";
import type { Crew, WorkerEnd } from "./crew.ts";
import type { PoolWorker } from "./worker.ts";

/** What one worker is doing. */
export interface WorkerStatus {
  /** Number of its thread, unique in its box. */
  id: number;
  /** Name in logs. */
  name: string;
  /** Number of its process, if it has one of its own. */
  pid?: number;
  /** `"suspect"`: it gives no sign of life; `"leaving"`: another takes its place before long. */
  state: "idle" | "busy" | "suspect" | "leaving";
  /** Tasks that it has run. */
  requests: number;
  /** Milliseconds since it was started. */
  ageMs: number;
  /** Milliseconds since its first task, when its session began; absent before that. */
  sessionMs?: number;
  /** What it has been sent: what runs first, then what waits there. */
  tasks: TaskStatus[];
  /** Bytes that its heap used when it was last asked; absent if it never was. */
  heapBytes?: number;
}

/** What one task is doing. */
export interface TaskStatus {
  /** What it is, with the path of a pagelet or page. */
  name: string;
  /** How far it has come. */
  state: string;
  /** Milliseconds since it was submitted. */
  ageMs: number;
}

/** Figures of a pool. */
export interface PoolStatus {
  /** What its workers keep between requests. */
  session: SessionPolicy;
  /** What its workers run in. */
  isolation: "thread" | "process";
  /** Workers that are ready or busy. */
  workers: number;
  /** Workers that are on their way. */
  starting: number;
  /** Workers that have a task. */
  busy: number;
  /** Tasks that wait for a worker. */
  queued: number;
  /** Milliseconds that the oldest of them has waited. */
  queueAgeMs: number;
  /** Tasks that have ended, in whatever way. */
  ended: number;
  /** Tasks that were refused. */
  refused: number;
  /** Workers that were given up while stuck: each burns a core until the process ends. */
  leaked: number;
  /** Each worker. */
  crew: WorkerStatus[];
  /** How the last workers ended, the latest last. */
  ends: readonly WorkerEnd[];
}

/** Reads the figures of a pool. */
export function describePool(
  { session, inProcess }: { session: SessionPolicy; inProcess: boolean },
  crew: Crew,
  { queueAgeMs, ...figures }: Pick<PoolStatus, "queued" | "queueAgeMs" | "ended" | "refused">,
): PoolStatus {
  const workers = [...crew.workers];
  return {
    session,
    isolation: inProcess ? "process" : "thread",
    workers: workers.length,
    starting: crew.starting,
    busy: workers.filter(({ tasks }) => tasks.size > 0).length,
    ...figures,
    queueAgeMs: Math.round(queueAgeMs),
    leaked: crew.leaked,
    crew: workers.map(describeWorker),
    ends: [...crew.ends],
  };
}

function describeWorker(worker: PoolWorker): WorkerStatus {
  const { thread, requests, since, usedAt, tasks, heapBytes } = worker;
  const now = performance.now();
  const ageOf = (time: number) => Math.round(now - time);
  const state = worker.suspect
    ? "suspect"
    : tasks.size > 0
    ? "busy"
    : worker.succeeded || worker.retiring
    ? "leaving"
    : "idle";
  return {
    id: thread.id,
    name: thread.name,
    ...(thread.pid === undefined ? {} : { pid: thread.pid }),
    state,
    requests,
    ageMs: ageOf(since),
    ...(usedAt === undefined ? {} : { sessionMs: ageOf(usedAt) }),
    tasks: [...tasks.values()].map(({ job, state, submittedAt }) => ({
      name: job.name,
      state,
      ageMs: ageOf(submittedAt),
    })),
    ...(heapBytes === undefined ? {} : { heapBytes }),
  };
}
