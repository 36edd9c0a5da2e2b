/**
 * A message on its way, as its sender sees it: the same in the entry and in a worker.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../checks.ts";
import { RuntimeError, statusOf } from "../errors.ts";
import type { XboxResult, XboxStatus, XboxTask } from "../types/xbox.ts";
import { blameOf } from "./blame.ts";

/** Where a task's value comes from. */
export interface XboxSource {
  /** Whether the handler has begun to run. */
  state(): "queued" | "running";
  /** The handler's value; rejects with what went wrong. */
  answer: Promise<unknown>;
  /** Gives the task up. */
  cancel(reason: unknown): void;
  /** Says that somebody waits for the value. */
  wait(): void;
}

/** Waits for what an {@linkcode XboxSource} brings. */
export class SourceXboxTask<T> implements XboxTask<T> {
  readonly #source: XboxSource;
  readonly #settled: Promise<XboxResult<T>>;
  #result: XboxResult<T> | undefined;

  constructor(source: XboxSource) {
    this.#source = source;
    this.#settled = source.answer.then(
      (value) => this.#result = { code: 200, value: value as T },
      (error: Error) => this.#result = { code: statusOf(error), error, ...blameOf(error) },
    );
  }

  get status(): XboxStatus {
    const result = this.#result;
    if (result === undefined) return this.#source.state();
    if (result.code === 200) return "done";
    if (result.code === 504) return "timed-out";
    return isRuntimeError(result.error, "CANCELLED") ? "cancelled" : "failed";
  }

  async result({ timeoutMs = 0 }: { timeoutMs?: number } = {}): Promise<XboxResult<T>> {
    if (this.#result !== undefined) return this.#result;
    this.#source.wait();
    if (!(timeoutMs > 0)) return await this.#settled;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<XboxResult<T>>((resolve) => {
      timer = setTimeout(() => resolve({ code: -1 }), Math.min(timeoutMs, LONGEST_TIMER_MS));
    });
    try {
      return await Promise.race([this.#settled, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  cancel(reason?: unknown): void {
    if (this.#result === undefined) this.#source.cancel(reason);
  }
}

function isRuntimeError(error: unknown, code: string): boolean {
  return error instanceof RuntimeError && error.code === code;
}
