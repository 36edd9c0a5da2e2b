/**
 * Checks of the numbers that calls of the store take.
 *
 * @module
 */

import { describeKey, type KvKey } from "./keys.ts";

/** Checks a life in milliseconds: a finite number above 0, or `undefined` for no end. */
export function checkTtl(ttlMs: unknown, key: KvKey): number | undefined {
  if (ttlMs === undefined) return undefined;
  if (typeof ttlMs === "number" && Number.isFinite(ttlMs) && ttlMs > 0) return ttlMs;
  throw new RangeError(
    `Cannot store a value under ${describeKey(key)}: ttlMs is ${
      describeKey(ttlMs)
    }, allowed are finite numbers above 0`,
  );
}

/** Checks what is to be added to a number: any finite number. */
export function checkStep(step: unknown, key: KvKey): number {
  if (typeof step === "number" && Number.isFinite(step)) return step;
  throw new RangeError(
    `Cannot increment ${describeKey(key)}: step is ${
      describeKey(step)
    }, allowed are finite numbers`,
  );
}

/** Checks how many entries are wanted: a whole number from 0 up to `most`; absent, `most`. */
export function checkLimit(limit: unknown, most = Infinity): number {
  if (limit === undefined) return most;
  if (typeof limit === "number" && Number.isSafeInteger(limit) && limit >= 0 && limit <= most) {
    return limit;
  }
  const allowed = most === Infinity ? "whole numbers from 0" : `whole numbers from 0 to ${most}`;
  throw new RangeError(
    `Cannot list store entries: limit is ${describeKey(limit)}, allowed are ${allowed}`,
  );
}

/** Checks the size limit of a store: a whole number of bytes above 0. */
export function checkMaxValueBytes(bytes: unknown): number {
  if (typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new RangeError(
    `Cannot open a store: maxValueBytes is ${
      describeKey(bytes)
    }, allowed are whole numbers above 0`,
  );
}
