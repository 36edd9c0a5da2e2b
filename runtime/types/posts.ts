/**
 * Durable posts as those who look after them see them: figures and dead letters.
 *
 * @module
 */

import type { ErrorRecord } from "../errors.ts";

/** Figures of the durable messages that boxes with one store share. */
export interface PostsStatus {
  /** Messages that wait for a box, those behind another one of their `orderingKey` included. */
  waiting: number;
  /** Messages whose time has not come: posted with `at` or `everyMs`, or waiting for their next attempt. */
  delayed: number;
  /** Messages that a box handles. */
  running: number;
  /** Messages that were given up. */
  dead: number;
  /** How long the oldest of those that wait or run could have been handled, in milliseconds. */
  oldestMs: number;
  /** When the figures above were counted, in milliseconds since the epoch; 0 before the first count. */
  countedAt: number;
  /** What this box has seen since it started. */
  here: PostsFigures;
}

/** What one box has seen. */
export interface PostsFigures {
  /** Messages that it has accepted. */
  accepted: number;
  /** Messages that it has accepted and not kept, since there was one of that key. */
  duplicates: number;
  /** Deliveries that it has begun. */
  delivered: number;
  /** Messages that it has handled. */
  handled: number;
  /** Attempts that failed. */
  failed: number;
  /** Messages that it has given up. */
  died: number;
  /** Deliveries that ended after another box had taken the message: it was handled twice. */
  lost: number;
}

/** A message that was given up. */
export interface DeadLetter {
  /** Its name in this list; later ones sort behind earlier ones. */
  id: string;
  /** The key that it was posted with. */
  key?: string;
  /** Whom it was posted to. */
  to?: string;
  /** How often it was tried. */
  attempts: number;
  /** When it was accepted, in milliseconds since the epoch. */
  acceptedAt: number;
  /** When it was given up, in milliseconds since the epoch. */
  diedAt: number;
  /** Why the last attempt failed. */
  error: ErrorRecord;
  /** What the message takes in the store. */
  bytes: number;
  /** The message; `undefined` if it cannot be read any more, or takes more than was asked for. */
  message: unknown;
}

/** Looks after durable messages. */
export interface PostsAdmin {
  /** Figures as they were when they were last counted, which takes no time. */
  status(): PostsStatus;
  /** Counts, and resolves to the figures. */
  count(): Promise<PostsStatus>;
  /**
   * Reads messages that were given up, in the order of their ids.
   *
   * @param options `limit`: at most so many, 1 to 1000, 100 unless told; `after`: only those behind this id;
   * `maxBytes`: a message that takes more stays where it is, any number unless told.
   */
  dead(options?: { limit?: number; after?: string; maxBytes?: number }): Promise<DeadLetter[]>;
  /**
   * Lets messages that were given up be tried anew, with all their attempts.
   *
   * @returns How many there were. One whose key another message has by now stays where it is.
   */
  retry(ids: readonly string[] | "all"): Promise<number>;
  /** Removes messages that were given up; resolves to how many there were. */
  clear(ids: readonly string[] | "all"): Promise<number>;
}
