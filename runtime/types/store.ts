/**
 * The store as its users see it, in the entry and in workers alike.
 *
 * @module
 */

/** A key: text, or a Deno KV key. `"a"` is short for `["a"]`. At most 2000 bytes once encoded. */
export type StoreKey = string | readonly StoreKeyPart[];

/** One part of a key, as in Deno KV. */
export type StoreKeyPart = string | number | bigint | boolean | Uint8Array;

/** How a value is kept. */
export interface StoreSetOptions {
  /** Life of the entry in milliseconds, above 0; absent: it does not expire. */
  ttlMs?: number;
}

/** One entry of a listing. */
export interface StoreEntry<T = unknown> {
  /** The whole key. */
  key: readonly StoreKeyPart[];
  /** A private copy of the value. */
  value: T;
}

/** What {@linkcode Store.list} lists. */
export interface StoreListOptions {
  /** Only keys that begin with these parts; absent: every key that the handle may read. */
  prefix?: StoreKey;
  /** At most so many entries. */
  limit?: number;
}

/**
 * The data that all workers of a box share: HHVM's APC, on Deno KV.
 *
 * A value is whatever structured clone can carry, up to `maxValueBytes`, and is copied both ways:
 * changing what `get` returned never changes the store. An expired entry behaves as absent. In a
 * worker the handle may be limited to key prefixes; a key outside them is refused with a
 * `RuntimeError` of code `STORE_DENIED`.
 */
export interface Store {
  /** Resolves to a private copy of the value, or `undefined` (`apc_fetch`). */
  get<T = unknown>(key: StoreKey): Promise<T | undefined>;
  /** Resolves to the values in the order of `keys`, `undefined` where there is none (`apc_fetch` with an array). */
  getMany<T = unknown>(keys: readonly StoreKey[]): Promise<(T | undefined)[]>;
  /** Stores a value under `key`, in place of what was there (`apc_store`). */
  set(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<void>;
  /** Stores a value only if `key` is absent or expired, and says whether it did (`apc_add`). */
  add(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<boolean>;
  /** Removes an entry and says whether there was one (`apc_delete`). */
  delete(key: StoreKey): Promise<boolean>;
  /** Says whether `key` has a value (`apc_exists`). */
  has(key: StoreKey): Promise<boolean>;
  /**
   * Adds `step` (default 1) to a number, atomically, and resolves to the sum; the life of the entry
   * does not change. Resolves to `false` when the entry is missing or holds no number (`apc_inc`).
   */
  increment(key: StoreKey, step?: number): Promise<number | false>;
  /** Yields the entries under a prefix, in the order of their keys. */
  list<T = unknown>(options?: StoreListOptions): AsyncIterableIterator<StoreEntry<T>>;
}
