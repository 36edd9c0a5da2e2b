/**
 * Commits made together: what is asked for while a commit is under way goes into the next one.
 *
 * @module
 */

import { RuntimeError } from "../../errors.ts";
import type { Engine, RowCheck, RowWrite } from "../../store/engine.ts";
import { BELL } from "./rows.ts";

/** What is to be done in one step. */
export interface Job {
  /** What has to hold. */
  checks: readonly RowCheck[];
  /** What is done then. */
  writes: readonly RowWrite[];
  /** Whether other boxes are to look for work. */
  rings?: boolean;
}

interface Waiting extends Job {
  /** Names of its rows. */
  rows: string[];
  bytes: number;
  answer: PromiseWithResolvers<string | null>;
}

const MAX_WAITING = 100_000;
/** What a row takes beside its value, about. */
const ROW_BYTES = 160;
/** An engine takes several times as many writes as checks. */
const WRITES_PER_CHECK = 3;

/** Makes the commits of one queue, one after another. */
export class Commits {
  readonly #engine: Engine;
  readonly #waiting: Waiting[] = [];
  #rung = 0;
  #running: Promise<void> | undefined;

  /** Commits to `engine`. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Does a job.
   *
   * @returns The version of what it wrote, or `null` when one of its checks did not hold.
   * @throws What the engine throws; whether it was done is then unknown.
   */
  make(job: Job): Promise<string | null> {
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(
        new RuntimeError(
          "QUEUE_FULL",
          `Cannot change durable messages: ${MAX_WAITING} changes wait to be made`,
        ),
      );
    }
    let bytes = (job.checks.length + job.writes.length) * ROW_BYTES;
    for (const { value } of job.writes) bytes += value?.length ?? 0;
    const answer = Promise.withResolvers<string | null>();
    const rows = [...job.checks, ...job.writes].map(({ key }) => key.join("\n"));
    this.#waiting.push({ ...job, rows, bytes, answer });
    this.#running ??= this.#run();
    return answer.promise;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // Not at once: what is asked for in this turn goes into the first commit, too.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#commit(this.#take());
    this.#running = undefined;
  }

  /**
   * Takes as many as fit into one commit. No two of them have a row in common: each would find it as it was before, and
   * the one would undo what the other does.
   */
  #take(): Waiting[] {
    const { commitRows, commitBytes, commitKeyBytes } = this.#engine.limits;
    const taken = new Set<string>();
    const left = {
      checks: commitRows,
      writes: Math.min(commitRows * WRITES_PER_CHECK, commitKeyBytes / ROW_BYTES) - 1,
      bytes: commitBytes,
    };
    let count = 0;
    for (const { checks, writes, bytes, rows } of this.#waiting) {
      left.checks -= checks.length;
      left.writes -= writes.length;
      left.bytes -= bytes;
      const isFull = left.checks < 0 || left.writes < 0 || left.bytes < 0;
      if (count > 0 && (isFull || rows.some((row) => taken.has(row)))) break;
      for (const row of rows) taken.add(row);
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(jobs: readonly Waiting[]): Promise<void> {
    const checks: RowCheck[] = [];
    const writes: RowWrite[] = [];
    let rings = false;
    for (const job of jobs) {
      checks.push(...job.checks);
      writes.push(...job.writes);
      rings ||= job.rings === true;
    }
    if (rings) writes.push({ key: BELL, value: new Uint8Array([++this.#rung]) });
    let version: string | null;
    try {
      version = await this.#engine.commit(checks, writes);
    } catch (error) {
      for (const { answer } of jobs) answer.reject(error);
      return;
    }
    if (version === null && jobs.length > 1) {
      // One of them is too late; the others are not to suffer for it.
      const half = jobs.length >> 1;
      await this.#commit(jobs.slice(0, half));
      await this.#commit(jobs.slice(half));
      return;
    }
    for (const { answer } of jobs) answer.resolve(version);
  }
}
