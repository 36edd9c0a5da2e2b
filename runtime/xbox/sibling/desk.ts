/**
 * Messages that come from one sibling: they go to the pool of this box, and what becomes of them goes back.
 *
 * @module
 */

import { messageOf, RuntimeError, toErrorRecord } from "../../errors.ts";
import type { Log } from "../../types/log.ts";
import { blame, blameOf } from "../blame.ts";
import type { Carried, Receive } from "../carrier.ts";
import { type Request, writeAccepted, writeAnswer, writeFailure } from "./frames.ts";
import type { Lane, Parcel } from "./lane.ts";
import { bodyOf, type Encoded, encodeValue, sizeOf } from "./values.ts";

/** Messages of one sibling that may be unanswered; more are no mistake of a queue but an attack. */
export const MOST_UNANSWERED = 32_768;
/** How long it may take until a sibling hears that a message stands in the queue, in milliseconds: most are answered by then. */
const ACCEPTED_AFTER_MS = 10;
const REFUSED = { side: "receiver", mayHaveRun: false } as const;

/** The messages of one sibling. */
export class Desk {
  readonly #lane: Lane;
  readonly #from: string;
  readonly #log: Log;
  readonly #tasks = new Map<number, Carried>();
  /** Messages of which the sibling has not heard that they are accepted. */
  readonly #accepted = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Answers over `lane` to the box of the alias `from`. */
  constructor(lane: Lane, from: string, log: Log) {
    this.#lane = lane;
    this.#from = from;
    this.#log = log;
  }

  /** Hands a message to the pool; `false` if there are too many, or there is one of its number. */
  take(request: Request, message: unknown, receive: Receive): boolean {
    const { id, timeoutMs, priority, posted, attempt, key } = request;
    if (this.#tasks.has(id) || this.#isFull) return false;
    let task: Carried;
    try {
      task = receive({ message, from: this.#from, timeoutMs, priority, attempt, key });
    } catch (error) {
      return this.refuse(id, error);
    }
    this.#tasks.set(id, task);
    let isTaken = false;
    task.accepted.then(() => {
      isTaken = true;
      if (posted) this.#settle(id, undefined);
      else this.#accept(id);
    }, (error) => this.#fail(id, blame(toError(error), REFUSED)));
    task.answer.then((value) => posted || this.#settle(id, value), (error) => {
      if (!posted) return this.#fail(id, toError(error));
      const why = { from: this.#from, why: messageOf(error) };
      if (isTaken) this.#log.error("A posted message failed", why);
    });
    return true;
  }

  /** Answers a message that was not taken; `false` if too much waits to be read already. */
  refuse(id: number, error: unknown): boolean {
    if (this.#isFull) return false;
    this.#say(id, blame(toError(error), REFUSED));
    return true;
  }

  /** The sender gives a message up. */
  cancel(id: number, reason: string): void {
    this.#tasks.get(id)?.cancel(reason);
  }

  /** The sender is gone: nobody waits for what it asked for. */
  close(why: string): void {
    clearTimeout(this.#timer);
    const tasks = [...this.#tasks.values()];
    this.#tasks.clear();
    for (const task of tasks) task.cancel(why);
  }

  get #isFull(): boolean {
    return this.#tasks.size + this.#lane.queued >= MOST_UNANSWERED;
  }

  /** A message that is answered soon need not be said to be accepted before. */
  #accept(id: number): void {
    if (!this.#tasks.has(id)) return;
    this.#accepted.add(id);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const ids = [...this.#accepted];
      this.#accepted.clear();
      if (ids.length === 0) return;
      this.#lane.push({ size: ids.length * 8, words: () => writeAccepted(ids) });
    }, ACCEPTED_AFTER_MS);
    Deno.unrefTimer(this.#timer);
  }

  #settle(id: number, value: unknown): void {
    if (!this.#forget(id)) return;
    let encoded: Encoded | undefined;
    try {
      encoded = encodeValue(value, "answer an xbox message");
    } catch (error) {
      const tooLarge = error instanceof RangeError;
      const said = tooLarge ? new RuntimeError("RESULT_TOO_LARGE", error.message) : error;
      return this.#say(id, toError(said));
    }
    const parcel = answerOf(id, encoded);
    if (!this.#lane.isFull(parcel.size)) return this.#lane.push(parcel);
    const why = `Cannot answer an xbox message: ${this.#from} does not read the answers that wait`;
    this.#say(id, new RuntimeError("QUEUE_FULL", why));
  }

  #fail(id: number, error: Error): void {
    if (this.#forget(id)) this.#say(id, error);
  }

  #forget(id: number): boolean {
    this.#accepted.delete(id);
    return this.#tasks.delete(id);
  }

  #say(id: number, error: Error): void {
    const text = writeFailure(id, toErrorRecord(error), blameOf(error));
    this.#lane.push({ size: text.length, words: () => text });
  }
}

function answerOf(id: number, value: Encoded | undefined): Parcel {
  return {
    body: bodyOf(value),
    size: sizeOf(value),
    words: (rest) => writeAnswer(id, value, rest),
  };
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}
