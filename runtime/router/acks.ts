/**
 * Messages that wait for answers until their time has passed.
 *
 * @module
 */

import type { Address } from "./address.ts";
import { RouterError } from "./errors.ts";

/** How many messages of one node may wait for answers. */
const MOST_WAITING = 16_384;

/** How many answers to one message are noted. */
const MOST_ANSWERS = 65_536;

interface Waiting {
  answered: Set<number>;
  /** The only node whose answer counts, if it is known. */
  only: number | undefined;
  /** One answer is all that is waited for. */
  single: boolean;
  timer: ReturnType<typeof setTimeout>;
}

/** The messages of one node whose answers have a time limit. */
export class Acks {
  readonly #waiting = new Map<number, Waiting>();
  readonly #expired: (seq: number, answered: number[]) => void;

  /** `expired` is called for each message whose time has passed. */
  constructor(expired: (seq: number, answered: number[]) => void) {
    this.#expired = expired;
  }

  /** Refuses what would be one too many. */
  check(): void {
    if (this.#waiting.size < MOST_WAITING) return;
    throw new RouterError(
      "QUEUE_FULL",
      `Cannot send: ${MOST_WAITING} messages wait for acknowledgement`,
    );
  }

  /**
   * Begins to wait. An answer ends it where one node is to answer: that of the pid, or of whoever has the alias. How many there
   * will be of others nobody knows.
   */
  wait(seq: number, to: Address, timeoutMs: number): void {
    const only = "pid" in to ? to.pid : undefined;
    const single = "pid" in to || "alias" in to;
    const timer = setTimeout(() => {
      const { answered } = this.#waiting.get(seq)!;
      this.#waiting.delete(seq);
      this.#expired(seq, [...answered]);
    }, timeoutMs);
    this.#waiting.set(seq, { answered: new Set(), only, single, timer });
  }

  /** Notes an answer. */
  answer(seq: number, pid: number): void {
    const waiting = this.#waiting.get(seq);
    if (waiting === undefined || waiting.only !== undefined && waiting.only !== pid) return;
    if (waiting.answered.size < MOST_ANSWERS) waiting.answered.add(pid);
    if (!waiting.single) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(seq);
  }

  /** Waits for nothing any more. */
  close(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
