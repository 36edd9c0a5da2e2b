/**
 * The calls by which a worker uses the store, on both sides of the bridge.
 *
 * The worker is not trusted: the backend that it is given checks each argument, and what is allowed.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { StoreBackend } from "./backend.ts";
import { Gate } from "./gate.ts";

/** A call that a worker may make. */
export type StoreService = (...args: unknown[]) => Promise<unknown>;

/** The most entries or keys that one call may carry, and the most entries of a page. */
export const MAX_CALL_ENTRIES = 10_000;

/**
 * The most entries that one worker may have under way to be changed: a part of what the store's queue
 * takes, so that others find room in it.
 */
const MAX_OPEN_CHANGES = 20_000;
/** What `storeClear` changes at once, at most. */
const CLEAR_ENTRIES = 1000;

/** The most reads of one worker that go on at once; the others wait. */
const MAX_READS = 16;

/** The most states that one worker may wait for at once. */
const MAX_STATES = 16;

/**
 * Makes the calls for one worker.
 *
 * @param gone Aborts when the worker has ended, and nobody waits for states any more.
 * @returns A frozen object without a prototype, whose own names are the calls.
 */
export function storeServices(
  backend: StoreBackend,
  gone?: AbortSignal,
): Record<string, StoreService> {
  const services: Record<string, StoreService> = Object.create(null);
  function define(
    name: string,
    least: number,
    most: number,
    call: (args: [never, never, never]) => unknown,
  ) {
    services[name] = async function (...args) {
      if (args.length < least || args.length > most) {
        const allowed = least === most ? `${least}` : `${least} to ${most}`;
        throw new TypeError(
          `Cannot call ${name}: ${args.length} arguments given, it takes ${allowed}`,
        );
      }
      if (Array.isArray(args[0]) && args[0].length > MAX_CALL_ENTRIES) {
        throw new RangeError(
          `Cannot call ${name} with ${
            args[0].length
          } entries: at most ${MAX_CALL_ENTRIES} are allowed`,
        );
      }
      return await call(args as [never, never, never]);
    };
  }
  const states = new Map<unknown, AbortController>();
  let changes = 0;
  async function changing<T>(count: number, change: () => Promise<T>): Promise<T> {
    if (changes + count > MAX_OPEN_CHANGES) {
      throw new RuntimeError(
        "QUEUE_FULL",
        `Cannot change ${count} entries: the worker has ${changes} under way, at most ` +
          `${MAX_OPEN_CHANGES} are allowed`,
      );
    }
    changes += count;
    try {
      return await change();
    } finally {
      changes -= count;
    }
  }
  // Each may hold large values until it is answered, and a worker may have a thousand calls open.
  const reading = new Gate(MAX_READS);
  define("storeRead", 1, 1, ([keys]) => reading.pass(() => backend.read(keys)));
  define("storeSet", 1, 1, ([entries]) => changing(countOf(entries), () => backend.set(entries)));
  define("storeLoad", 1, 1, ([entries]) => changing(countOf(entries), () => backend.load(entries)));
  define("storeAdd", 1, 1, ([entries]) => changing(countOf(entries), () => backend.add(entries)));
  define("storeDelete", 1, 1, ([keys]) => changing(countOf(keys), () => backend.delete(keys)));
  define("storeHas", 1, 1, ([keys]) => backend.has(keys));
  define("storeIncrement", 2, 2, ([key, step]) => backend.increment(key, step));
  define(
    "storeCompareAndSwap",
    3,
    3,
    ([key, expected, value]) => backend.compareAndSwap(key, expected, value),
  );
  define("storeExtendTtl", 2, 2, ([key, ttlMs]) => backend.extendTtl(key, ttlMs));
  define("storePage", 3, 3, ([prefix, after, limit]) => {
    return reading.pass(() => backend.page(prefix, after, limit));
  });
  define("storeState", 2, 3, async ([keys, known, id = Symbol()]: unknown[]) => {
    if (states.size === MAX_STATES) {
      throw new RangeError(`Cannot watch: the worker has ${MAX_STATES} watches already`);
    }
    if (states.has(id)) throw new RangeError("Cannot watch: the watch's id is in use");
    const left = new AbortController();
    states.set(id, left);
    try {
      const signal = gone === undefined ? left.signal : AbortSignal.any([gone, left.signal]);
      return await backend.state(keys as never, known as never, signal);
    } finally {
      states.delete(id);
    }
  });
  // Who stops watching in a worker would else keep a place until the question is answered anyway.
  define("storeLeave", 1, 1, ([id]) => {
    states.get(id)?.abort();
  });
  define("storeClear", 0, 0, () => changing(CLEAR_ENTRIES, () => backend.clear()));
  define("storeInfo", 0, 0, () => backend.info());
  return Object.freeze(services);
}

function countOf(entries: unknown): number {
  return Array.isArray(entries) ? entries.length : 1;
}
