/**
 * The calls by which a worker uses the store, on the side of the entry.
 *
 * The worker is not trusted: each call checks how many arguments there are and what they are before
 * it touches the store. What the worker may reach is not decided here, but by the store it is given,
 * see `scope.ts`.
 *
 * @module
 */

import type { Store, StoreEntry, StoreKey, StoreSetOptions } from "../types/store.ts";
import { checkLimit, checkStep, checkTtl } from "./checks.ts";
import { compareKeys, describeKey, hasPrefix, type KvKey, toKvKey, toKvKeys } from "./keys.ts";
import type { StoreRange } from "./range.ts";

/** A call that a worker may make. */
export type StoreService = (...args: unknown[]) => Promise<unknown>;

/** A page of a listing. */
export interface StorePage {
  /** The entries, in the order of their keys. */
  entries: StoreEntry[];
  /** Whether there are entries after these. */
  more: boolean;
}

/** The most keys that one call may read. */
export const MAX_BATCH_KEYS = 1000;

/** The most entries of a page. */
export const MAX_PAGE_ENTRIES = 100;

/**
 * Makes the calls for one worker: `storeGet`, `storeGetMany`, `storeSet`, `storeAdd`, `storeDelete`,
 * `storeHas`, `storeIncrement` and `storeListPage`. The last takes a prefix or `null`, the last key
 * of the page before or `null`, and a number of entries, and keeps nothing between pages.
 *
 * @returns A frozen object without a prototype, whose own names are the calls.
 */
export function storeServices(store: Store): Record<string, StoreService> {
  const services: Record<string, StoreService> = Object.create(null);
  define(services, "storeGet", 1, 1, ([key]) => store.get(toKvKey(key)));
  define(services, "storeGetMany", 1, 1, ([keys]) => store.getMany(toKeys(keys)));
  define(services, "storeSet", 2, 3, ([given, value, options]) => {
    const key = toKvKey(given);
    return store.set(key, value, toSetOptions(options, key));
  });
  define(services, "storeAdd", 2, 3, ([given, value, options]) => {
    const key = toKvKey(given);
    return store.add(key, value, toSetOptions(options, key));
  });
  define(services, "storeDelete", 1, 1, ([key]) => store.delete(toKvKey(key)));
  define(services, "storeHas", 1, 1, ([key]) => store.has(toKvKey(key)));
  define(services, "storeIncrement", 1, 2, ([given, step = 1]) => {
    const key = toKvKey(given);
    return store.increment(key, checkStep(step, key));
  });
  define(services, "storeListPage", 3, 3, ([prefix, after, limit]) => {
    return listPage(store, prefix, after, limit);
  });
  return Object.freeze(services);
}

function define(
  services: Record<string, StoreService>,
  name: string,
  least: number,
  most: number,
  call: (args: unknown[]) => Promise<unknown>,
): void {
  services[name] = async function (...args) {
    if (args.length >= least && args.length <= most) return await call(args);
    const allowed = least === most ? `${least}` : `${least} to ${most}`;
    throw new TypeError(`Cannot call ${name}: ${args.length} arguments given, it takes ${allowed}`);
  };
}

function toKeys(keys: unknown): StoreKey[] {
  if (!Array.isArray(keys) || keys.length <= MAX_BATCH_KEYS) return toKvKeys(keys);
  throw new RangeError(
    `Cannot read ${keys.length} keys at once: at most ${MAX_BATCH_KEYS} are allowed`,
  );
}

function toSetOptions(options: unknown, key: KvKey): StoreSetOptions {
  if (options === undefined) return {};
  const prototype = typeof options === "object" && options !== null
    ? Object.getPrototypeOf(options)
    : undefined;
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`Cannot store a value: options are ${describeKey(options)}, not plain`);
  }
  for (const name of Reflect.ownKeys(options as object)) {
    if (name === "ttlMs") continue;
    throw new TypeError(
      `Cannot store a value: options have ${describeKey(String(name))}, allowed is ttlMs`,
    );
  }
  return { ttlMs: checkTtl((options as StoreSetOptions).ttlMs, key) };
}

async function listPage(
  store: Store,
  givenPrefix: unknown,
  givenAfter: unknown,
  wanted: unknown,
): Promise<StorePage> {
  const prefix = givenPrefix === null ? undefined : toKvKey(givenPrefix);
  const after = givenAfter === null ? undefined : toKvKey(givenAfter);
  if (prefix !== undefined && after !== undefined && !hasPrefix(after, prefix)) {
    throw new TypeError(
      `Cannot list ${describeKey(prefix)} after ${describeKey(after)}: the key has another prefix`,
    );
  }
  const most = checkLimit(wanted ?? null, MAX_PAGE_ENTRIES);
  const entries: StoreEntry[] = [];
  const limit = after === undefined ? most + 1 : undefined;
  const range: StoreRange = { prefix, after, limit };
  for await (const entry of store.list(range)) {
    // A store that does not know `after` begins from the beginning.
    if (after !== undefined && compareKeys(entry.key as KvKey, after) <= 0) continue;
    if (entries.length === most) return { entries, more: true };
    entries.push(entry);
  }
  return { entries, more: false };
}
