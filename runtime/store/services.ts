/**
 * The calls by which a worker uses the store, on both sides of the bridge.
 *
 * The worker is not trusted: the backend that it is given checks each argument, and what is allowed.
 *
 * @module
 */

import type { StoreBackend } from "./backend.ts";

/** A call that a worker may make. */
export type StoreService = (...args: unknown[]) => Promise<unknown>;

/** The most entries or keys that one call may carry, and the most entries of a page. */
export const MAX_CALL_ENTRIES = 10_000;

/** The most states that one worker may wait for at once. */
const MAX_STATES = 16;

/**
 * Makes the calls for one worker.
 *
 * @returns A frozen object without a prototype, whose own names are the calls.
 */
export function storeServices(backend: StoreBackend): Record<string, StoreService> {
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
  define("storeRead", 1, 1, ([keys]) => backend.read(keys));
  define("storeSet", 1, 1, ([entries]) => backend.set(entries));
  define("storeLoad", 1, 1, ([entries]) => backend.load(entries));
  define("storeAdd", 1, 1, ([entries]) => backend.add(entries));
  define("storeDelete", 1, 1, ([keys]) => backend.delete(keys));
  define("storeHas", 1, 1, ([keys]) => backend.has(keys));
  define("storeIncrement", 2, 2, ([key, step]) => backend.increment(key, step));
  define(
    "storeCompareAndSwap",
    3,
    3,
    ([key, expected, value]) => backend.compareAndSwap(key, expected, value),
  );
  define("storeExtendTtl", 2, 2, ([key, ttlMs]) => backend.extendTtl(key, ttlMs));
  define("storePage", 3, 3, ([prefix, after, limit]) => backend.page(prefix, after, limit));
  const watching = new Map<unknown, AbortController>();
  define("storeState", 3, 3, async ([keys, known, ticket]) => {
    if (watching.size >= MAX_STATES) {
      throw new RangeError(`Cannot watch: the worker has ${MAX_STATES} watches already`);
    }
    if (typeof ticket !== "number" || watching.has(ticket)) {
      throw new TypeError("Cannot watch: each watch has a number of its own");
    }
    const left = new AbortController();
    watching.set(ticket, left);
    try {
      return await backend.state(keys, known, left.signal);
    } finally {
      watching.delete(ticket);
    }
  });
  define("storeLeave", 1, 1, ([ticket]) => watching.get(ticket)?.abort());
  define("storeClear", 0, 0, () => backend.clear());
  define("storeInfo", 0, 0, () => backend.info());
  return Object.freeze(services);
}
