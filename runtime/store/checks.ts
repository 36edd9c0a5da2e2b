/**
 * Checks of the numbers that calls of the store take.
 *
 * @module
 */

import { describeKey, type KvKey } from "./keys.ts";

/** Checks a life in whole milliseconds; 0 or absent: without end. */
export function checkTtl(ttlMs: unknown, key: KvKey): number {
  if (ttlMs === undefined) return 0;
  if (typeof ttlMs === "number" && Number.isSafeInteger(ttlMs) && ttlMs >= 0) return ttlMs;
  throw new RangeError(
    `Cannot store a value under ${describeKey(key)}: ttlMs is ${
      describeKey(ttlMs)
    }, allowed are whole numbers from 0`,
  );
}

/** Checks a number of a counter. */
export function checkInteger(value: unknown, verb: string, name: string, key: KvKey): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new RangeError(
    `Cannot ${verb} ${describeKey(key)}: ${name} is ${
      describeKey(value)
    }, allowed are safe integers`,
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

/** Checks a number among a store's options: whole, and at least `least`. */
export function checkStoreNumber(value: unknown, name: string, least: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(
    `Cannot open a store: ${name} is ${
      describeKey(value)
    }, allowed are whole numbers from ${least}`,
  );
}

/** Checks the path of a store's socket. */
export function checkSocket(path: unknown): string {
  if (typeof path === "string" && path.startsWith("/")) return path;
  throw new TypeError(
    `Cannot open a store: socket is ${describeKey(path)}, allowed are absolute paths`,
  );
}
