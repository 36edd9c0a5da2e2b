/**
 * The store as its users see it, in the entry and in workers alike.
 *
 * @module
 */

/**
 * A key: text, or a Deno KV key. `"a"` is short for `["a"]`. At most 8 KiB once encoded. Entries are
 * listed in the order of their keys; keys that differ only behind their first KiB in an order of its own.
 */
export type StoreKey = string | readonly StoreKeyPart[];

/** One part of a key, as in Deno KV. */
export type StoreKeyPart = string | number | bigint | boolean | Uint8Array;

/** How a value is kept. */
export interface StoreSetOptions {
  /**
   * Life of the entry in whole milliseconds; 0 or absent: it does not expire. With `ttlLimitMs` no life
   * is longer than that.
   */
  ttlMs?: number;
}

/** How a value is read. */
export interface StoreGetOptions {
  /** `false`: read the store itself, not what this isolate has kept. @default {true} */
  near?: boolean;
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

/** An entry as a source of {@linkcode Store.prime} gives it: a pair, or an object that may also say how long it lives. */
export type PrimeEntry =
  | readonly [key: StoreKey, value: unknown]
  | { key: StoreKey; value: unknown; ttlMs?: number };

/**
 * Where {@linkcode Store.prime} takes entries from: a URL, as such or as text; the bytes of lines of JSON;
 * or the entries themselves.
 */
export type PrimeSource =
  | URL
  | string
  | ReadableStream<Uint8Array>
  | Iterable<PrimeEntry>
  | AsyncIterable<PrimeEntry>;

/** How {@linkcode Store.prime} works. */
export interface StorePrimeOptions {
  /** Ends it; what is stored by then stays stored. */
  signal?: AbortSignal;
  /** The most bytes of a line of JSON. @default {67108864} */
  maxLineBytes?: number;
}

/** What {@linkcode Store.info} tells (`apc_cache_info`). Counters begin when the store is opened. */
export interface StoreInfo {
  /** Where the data is: `"file"`, `"memory"`, `"connect"`, `"redis"` or `"served"`. */
  engine: string;
  /** When the store was opened, in milliseconds since 1970 (`start_time`). */
  startedAt: number;
  /** The longest life of an entry in milliseconds; 0: no limit (`ttl`). */
  ttlLimitMs: number;
  /** How many entries there are (`num_entries`). */
  entries: number;
  /** Bytes of their encoded values (`values_size`). */
  valueBytes: number;
  /** Reads that found a value. What near copies answered is not counted. */
  hits: number;
  /** Reads that found none. */
  misses: number;
  /** Entries that were written. */
  sets: number;
  /** Entries that were removed on request. */
  deletes: number;
  /** Entries that were removed to keep below `maxBytes`. */
  evictions: number;
}

/**
 * The data that all workers of a box share: HHVM's APC, on Deno KV or Redis.
 *
 * A value is whatever structured clone can carry, up to `maxValueBytes`, and is copied both ways:
 * changing what `get` returned never changes the store. An expired entry behaves as absent. In a
 * worker the handle may be limited to key prefixes; a key outside them is refused with a
 * `RuntimeError` of code `STORE_DENIED`.
 *
 * Every isolate keeps near copies of what it has read. Once a write by this box has resolved, no later
 * read in any isolate of the box returns what was there before. Writes by other boxes are seen after
 * `near.maxAgeMs` at the latest. `near: false` reads the store itself; `increment`, `decrement`,
 * `compareAndSwap` and `add` always do.
 *
 * Each operation on one key is atomic. The forms for many keys are not atomic together: a reader may
 * see some of their changes before others, and a failure may leave some made. In a worker one call
 * takes 10,000 entries at most; `getMany` and `list` take any number.
 */
export interface Store {
  /** Resolves to a private copy of the value, or `undefined` (`apc_fetch`). */
  get<T = unknown>(key: StoreKey, options?: StoreGetOptions): Promise<T | undefined>;
  /** Resolves to the values in the order of `keys`, `undefined` where there is none (`apc_fetch` with an array). */
  getMany<T = unknown>(
    keys: readonly StoreKey[],
    options?: StoreGetOptions,
  ): Promise<(T | undefined)[]>;
  /**
   * Returns the value at once if this isolate has a current copy and it is plain data (primitives, plain
   * objects and arrays), deep-frozen and shared by all who peek. Otherwise returns `undefined` and begins
   * to load it. It looks at no clock: what others have written is seen after `near.maxAgeMs` only if the
   * isolate's event loop turns.
   */
  peek<T = unknown>(key: StoreKey): T | undefined;
  /** Stores a value under `key`, in place of what was there (`apc_store`). */
  set(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<void>;
  /** Stores each value under its key (`apc_store` with an array). Nothing is stored if one cannot be. */
  setMany(
    entries: Iterable<readonly [StoreKey, unknown]>,
    options?: StoreSetOptions,
  ): Promise<void>;
  /** Stores a value only if `key` is absent or expired, and says whether it did (`apc_add`). */
  add(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<boolean>;
  /** Adds each value whose key is absent, and resolves to the keys that were there (`apc_add` with an array). */
  addMany(
    entries: Iterable<readonly [StoreKey, unknown]>,
    options?: StoreSetOptions,
  ): Promise<StoreKey[]>;
  /** Removes an entry and says whether there was one (`apc_delete`). */
  delete(key: StoreKey): Promise<boolean>;
  /** Removes entries, and resolves to the keys that were not there (`apc_delete` with an array). */
  deleteMany(keys: readonly StoreKey[]): Promise<StoreKey[]>;
  /** Says whether `key` has a value (`apc_exists`). */
  has(key: StoreKey): Promise<boolean>;
  /** Resolves to the keys that have a value, in the order given (`apc_exists` with an array). */
  hasMany(keys: readonly StoreKey[]): Promise<StoreKey[]>;
  /**
   * Adds `step` (default 1, a whole number) to a number, atomically, and resolves to the sum; of a stored
   * fraction the whole part counts. The life of the entry does not change. Resolves to `false`, and
   * creates nothing, when the entry is missing or holds no number (`apc_inc`).
   */
  increment(key: StoreKey, step?: number): Promise<number | false>;
  /** Like {@linkcode Store.increment}, with the step taken away (`apc_dec`). */
  decrement(key: StoreKey, step?: number): Promise<number | false>;
  /**
   * Replaces the whole number `expected` by `value`, atomically, and says whether it did. The life of the
   * entry does not change (`apc_cas`).
   */
  compareAndSwap(key: StoreKey, expected: number, value: number): Promise<boolean>;
  /**
   * Lets an entry live until `ttlMs` from now, 0: for ever, and says whether that lengthened its life. It
   * does not for entries that are missing, were primed or never expire (`apc_extend_ttl`).
   */
  extendTtl(key: StoreKey, ttlMs: number): Promise<boolean>;
  /** Yields the entries under a prefix, in the order of their keys. */
  list<T = unknown>(options?: StoreListOptions): AsyncIterableIterator<StoreEntry<T>>;
  /**
   * Yields the values of `keys` (at most 100), at once and whenever one of them has changed, until the
   * loop is left. Changes that come while the last yield is worked on are yielded once, the last one always.
   */
  watch<T = unknown>(keys: readonly StoreKey[]): AsyncIterableIterator<(T | undefined)[]>;
  /** Removes every entry, primed ones included; of a limited handle, every one that it may write (`apc_clear_cache`). */
  clear(): Promise<void>;
  /**
   * Stores the entries of a source and resolves to how many they were (`apc.prime`).
   *
   * What is primed does not expire unless its entry has `ttlMs`, and `ttlLimitMs` does not apply to it.
   * {@linkcode Store.extendTtl} leaves it alone; writing it again makes it an ordinary entry. Sources are
   *
   * - a module, whose default export is an iterable or async iterable of {@linkcode PrimeEntry}, or a
   *   function that returns one, or a promise of one;
   * - a file of lines of JSON (`.ndjson` or `.jsonl`, by `file:`, `http:` or `https:`), or a stream of its
   *   bytes, with an entry a line: `{"key": ["a", 1], "value": {"b": 2}}`, perhaps with `"ttlMs"`;
   * - a dump in such a file or stream. Its entries become what they were: primed or not, with what is
   *   left of their lives. Those that have expired are left out;
   * - any iterable of entries.
   *
   * Entries are stored in the order of the source, in batches: a source that fails leaves what came
   * before. Nothing is read whole into memory.
   *
   * @throws {RuntimeError} `DOCUMENT_INVALID` if the source cannot be had or an entry is none; the
   * message names the line, or counts the entries from 1. `PERMISSION_MISSING`, with the flag, if it may
   * not be read. What the store itself refuses keeps its code.
   * @throws The reason of `signal`, if that ends it.
   */
  prime(source: PrimeSource, options?: StorePrimeOptions): Promise<number>;
  /**
   * Streams all entries that the handle may read, for {@linkcode Store.prime} to restore: lines of JSON
   * in UTF-8, a `.ndjson` file. Values that JSON cannot carry are in it as bytes, which this version of
   * V8 and later ones read. The memory that it takes does not grow with the store, and it is only read
   * as fast as the stream is.
   *
   * Each entry is whole. All of them together are no snapshot: of entries that are written meanwhile
   * some are dumped as they were and some as they are then.
   */
  dump(): ReadableStream<Uint8Array>;
  /** Resolves to counters; it reads every key, which takes time on a large store (`apc_cache_info`). */
  info(): Promise<StoreInfo>;
}
