/**
 * A message that the workers of this box handle: a job of their pool, and what its sender holds of it.
 *
 * @module
 */

import type { RuntimeError } from "../errors.ts";
import type { Pool } from "../pool/pool.ts";
import type { Priority } from "../pool/priority.ts";
import type { Answered, Job, PoolTask } from "../pool/task.ts";
import { findForbidden } from "../thread/values.ts";
import { blame } from "./blame.ts";
import type { Arrived, Carried, Delivery } from "./carrier.ts";

const ACCEPTED = Promise.resolve();

/** A message on its way through the pool. It is one object, since many may be under way. */
export class LocalMessage implements Job<unknown>, Carried {
  readonly name = "an xbox message";
  readonly accepted = ACCEPTED;
  readonly timeoutMs: number | undefined;
  readonly priority: Priority | undefined;
  readonly parent: PoolTask<unknown> | undefined;
  readonly #arrived: Arrived;
  readonly #task: PoolTask<unknown>;

  /**
   * Hands a message to the pool.
   *
   * @param parent The task that sends it.
   * @throws {RuntimeError} When it is refused.
   */
  constructor(pool: Pool, arrived: Arrived, parent?: PoolTask<unknown>) {
    this.timeoutMs = arrived.timeoutMs;
    this.priority = arrived.priority;
    this.parent = parent;
    this.#arrived = arrived;
    try {
      this.#task = pool.submit(this);
    } catch (error) {
      throw blame(error as Error, { side: "receiver", mayHaveRun: false });
    }
  }

  get answer(): Promise<unknown> {
    return this.#task.answer;
  }

  state(): "queued" | "running" {
    return this.#task.state === "queued" ? "queued" : "running";
  }

  cancel(reason: unknown): void {
    this.#task.cancel(reason);
  }

  wait(): void {
    this.#task.wait();
  }

  payload(): Delivery {
    const { message, from, attempt = 1, key } = this.#arrived;
    return [message, from, attempt, key];
  }

  /** As `exit` in PHP, which is no fault of the handler. */
  left(): unknown {
    return null;
  }

  accept(value: unknown): Answered<unknown> {
    const found = findForbidden(value);
    if (found !== undefined) throw new TypeError(found);
    return { value };
  }

  failed(error: Error, { isWorkers, mayHaveRun }: PoolTask<unknown>): void {
    // A handler may throw what cancelled a message of its own.
    const isSenders = (error as RuntimeError).code === "CANCELLED" && !isWorkers;
    blame(error, { side: isSenders ? "sender" : "receiver", mayHaveRun });
  }
}
