/**
 * What may be said of a post, and what is refused at once.
 *
 * @module
 */

import { given } from "../../checks.ts";
import { MOST_ATTEMPTS } from "../../options/peers.ts";
import { checkPriority } from "../../pool/priority.ts";
import type { XboxPostOptions } from "../../types/xbox.ts";

/** What needs `durable: true`. */
const DURABLE_ONLY = ["key", "orderingKey", "at", "everyMs", "attempts"] as const;
const LONGEST_KEY = 512;
const LONGEST_RECEIVER = 2048;
const SHORTEST_PERIOD_MS = 1000;
/** The last millisecond that a date can name. */
const LAST_TIME = 8.64e15;

/**
 * Checks what is special to posts; receiver, time and priority are checked where all messages are.
 *
 * @throws {TypeError} If something is of the wrong kind, or does not go together.
 * @throws {RangeError} If a number or a length is out of its range.
 */
export function checkPost(options: XboxPostOptions): void {
  const { durable, key, orderingKey, at, everyMs, attempts } = options;
  if (durable !== undefined && typeof durable !== "boolean") {
    throw new TypeError(
      `Cannot post a message: durable must be true or false, and ${given(durable)} was given`,
    );
  }
  if (durable !== true) {
    const name = DURABLE_ONLY.find((one) => options[one] !== undefined);
    if (name === undefined) return;
    throw new TypeError(
      `Cannot post a message with ${name}: it needs durable: true, and durable is ${durable}`,
    );
  }
  checkKey("key", key);
  checkKey("orderingKey", orderingKey);
  if (at !== undefined) readTime(at);
  if (attempts !== undefined) checkWhole("attempts", attempts, 1, MOST_ATTEMPTS);
  if (everyMs === undefined) return;
  checkWhole("everyMs", everyMs, SHORTEST_PERIOD_MS, LAST_TIME);
  if (key === undefined) {
    throw new TypeError(
      "Cannot post a message with everyMs: it needs a key, by which it can be changed and taken back",
    );
  }
  if (orderingKey !== undefined) {
    throw new TypeError(
      "Cannot post a message with everyMs and orderingKey: it would hold back what comes after it for ever",
    );
  }
}

/**
 * Checks the key of a message that is to be taken back.
 *
 * @throws {TypeError} If it is no text, or none that can be a key.
 * @throws {RangeError} If it is too long.
 */
export function checkUnpost(key: unknown): asserts key is string {
  if (key === undefined) checkKey("key", null);
  checkKey("key", key);
}

/**
 * Checks what all messages have: what is stored may come from a worker.
 *
 * @throws {TypeError} If something is of the wrong kind.
 * @throws {RangeError} If a number or a length is out of its range.
 */
export function checkTerms({ to, timeoutMs, priority }: XboxPostOptions): void {
  checkPriority("post a message", priority);
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0)) {
    throw new RangeError(
      `Cannot post a message: timeoutMs must be above 0, and ${given(timeoutMs)} was given`,
    );
  }
  if (to === undefined || typeof to === "string" && to.length <= LONGEST_RECEIVER) return;
  throw new TypeError(
    `Cannot post a message: to must be text of at most ${LONGEST_RECEIVER} characters, and ${
      given(to)
    } was given`,
  );
}

/** The time that was given, in milliseconds since the epoch. */
export function readTime(at: Date | number): number {
  const time = at instanceof Date ? at.getTime() : at;
  if (typeof time !== "number") {
    throw new TypeError(
      `Cannot post a message: at must be a Date or milliseconds since the epoch, and ${
        given(at)
      } was given`,
    );
  }
  if (Math.abs(time) <= LAST_TIME) return time;
  throw new RangeError(`Cannot post a message: at must be a time, and ${given(at)} was given`);
}

function checkKey(name: string, key: unknown): void {
  if (key === undefined) return;
  if (typeof key !== "string" || !key.isWellFormed()) {
    throw new TypeError(
      `Cannot post a message: ${name} must be well-formed text, and ${given(key)} was given`,
    );
  }
  if (key.length >= 1 && key.length <= LONGEST_KEY) return;
  throw new RangeError(
    `Cannot post a message: ${name} must have 1 to ${LONGEST_KEY} characters, and it has ${key.length}`,
  );
}

function checkWhole(name: string, value: unknown, least: number, most: number): void {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot post a message: ${name} must be a number, and ${given(value)} was given`,
    );
  }
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(
    `Cannot post a message: ${name} must be a whole number from ${least} to ${most}, and ${value} was given`,
  );
}
