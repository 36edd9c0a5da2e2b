/**
 * The store on Deno KV, and how one is opened.
 *
 * This file checks arguments and turns values into bytes; what an entry is stands in `entries.ts`.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import type { Store, StoreEntry, StoreKey, StoreSetOptions } from "../types/store.ts";
import { checkLimit, checkMaxValueBytes, checkStep, checkTtl } from "./checks.ts";
import { collectAbandoned, INLINE_BYTES, readKeys } from "./chunks.ts";
import { decodeValue, encodeValue } from "./codec.ts";
import { type Change, Entries, entryKey } from "./entries.ts";
import { describeKey, hasPrefix, type KvKey, toKvKey, toKvKeys } from "./keys.ts";
import { type KvOpener, openKv } from "./open.ts";
import { scan, type StoreRange } from "./range.ts";
import type { StoredRecord } from "./record.ts";

/** The most bytes that an encoded value may take, unless `maxValueBytes` says otherwise. */
export const DEFAULT_MAX_VALUE_BYTES = 16 * 1024 * 1024;

/** Where a store is and what it takes. */
export interface StoreOptions {
  /** Path of a file, `:memory:`, or the URL of a KV Connect server; absent: the host's default KV. */
  url?: string;
  /**
   * The most bytes that a value may take once encoded.
   *
   * @default {16777216}
   */
  maxValueBytes?: number;
}

/** What only tests change. */
export interface StoreInternals {
  /** The time in milliseconds since 1970. */
  now?: () => number;
  /** What opens KV. */
  openKv?: KvOpener;
}

/**
 * Opens a store.
 *
 * The file's folder must exist. Whether the store can be written is found out here, not later.
 *
 * @throws {TypeError} If `url` is none of what is allowed.
 * @throws {RangeError} If `maxValueBytes` is no whole number above 0.
 * @throws {RuntimeError} `PERMISSION_MISSING` or `STORE_FAILED`; the message says what to do.
 */
export async function openStore(
  options: StoreOptions = {},
  internals: StoreInternals = {},
): Promise<KvStore> {
  const maxValueBytes = checkMaxValueBytes(options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES);
  const kv = await openKv(options.url, internals.openKv);
  return new KvStore(kv, maxValueBytes, internals.now ?? Date.now);
}

/** A store on Deno KV; {@linkcode openStore} makes one. */
export class KvStore implements Store, Disposable, AsyncDisposable {
  readonly #kv: Deno.Kv;
  readonly #maxValueBytes: number;
  readonly #entries: Entries;
  readonly #cleaning: Promise<void>;
  #closed = false;

  /** Takes over `kv`, which it closes in the end. */
  constructor(kv: Deno.Kv, maxValueBytes: number, now: () => number) {
    this.#kv = kv;
    this.#maxValueBytes = maxValueBytes;
    this.#entries = new Entries(kv, now);
    this.#cleaning = collectQuietly(kv, now());
  }

  /** Resolves to a private copy of the value, or `undefined`. */
  async get<T = unknown>(key: StoreKey): Promise<T | undefined> {
    const kvKey = this.#key(key);
    return await this.#run(`read ${describeKey(kvKey)}`, async () => {
      return await this.#value<T>(kvKey, await this.#entries.find(kvKey));
    });
  }

  /** Resolves to the values in the order of `keys`, of which there may be any number. */
  async getMany<T = unknown>(keys: readonly StoreKey[]): Promise<(T | undefined)[]> {
    this.#checkOpen();
    const kvKeys = toKvKeys(keys);
    return await this.#run(`read ${kvKeys.length} keys`, async () => {
      const found = await readKeys(this.#kv, kvKeys.map(entryKey));
      return await Promise.all(
        found.map(({ value }, index) => this.#value<T>(kvKeys[index]!, this.#entries.live(value))),
      );
    });
  }

  /** Stores a value; who reads meanwhile gets the old one or the new one, whole. */
  async set(key: StoreKey, value: unknown, options: StoreSetOptions = {}): Promise<void> {
    const kvKey = this.#key(key);
    const ttlMs = checkTtl(options.ttlMs, kvKey);
    const payload = this.#encode(value, kvKey);
    await this.#run(`store a value under ${describeKey(kvKey)}`, async () => {
      const change = await this.#entries.stage(payload, ttlMs);
      await this.#entries.change(kvKey, () => change);
    });
  }

  /** Stores a value if `key` has none, and says whether it did. */
  async add(key: StoreKey, value: unknown, options: StoreSetOptions = {}): Promise<boolean> {
    const kvKey = this.#key(key);
    const ttlMs = checkTtl(options.ttlMs, kvKey);
    const payload = this.#encode(value, kvKey);
    return await this.#run(`add ${describeKey(kvKey)}`, async () => {
      const large = payload.length > INLINE_BYTES;
      if (large && await this.#entries.find(kvKey) !== undefined) return false;
      const change = await this.#entries.stage(payload, ttlMs);
      const added = await this.#entries.change(kvKey, (old) => old ? undefined : change);
      if (!added) await this.#entries.discard(change);
      return added;
    });
  }

  /** Removes an entry and says whether it lived. */
  async delete(key: StoreKey): Promise<boolean> {
    const kvKey = this.#key(key);
    return await this.#run(
      `delete ${describeKey(kvKey)}`,
      () => this.#entries.change(kvKey, (old) => old ? "remove" : undefined),
    );
  }

  /** Says whether `key` has a value, be it `undefined`. */
  async has(key: StoreKey): Promise<boolean> {
    const kvKey = this.#key(key);
    return await this.#run(
      `look for ${describeKey(kvKey)}`,
      async () => await this.#entries.find(kvKey) !== undefined,
    );
  }

  /** Adds to a number, atomically, and resolves to the sum; `false` if there is no number. */
  async increment(key: StoreKey, step = 1): Promise<number | false> {
    const kvKey = this.#key(key);
    checkStep(step, kvKey);
    return await this.#run(`increment ${describeKey(kvKey)}`, async () => {
      let sum = 0;
      const done = await this.#entries.change(kvKey, (old): Change | undefined => {
        const number = old?.form === "inline" ? decodeValue(old.payload) : undefined;
        if (old === undefined || typeof number !== "number") return undefined;
        sum = number + step;
        return this.#entries.inline(encodeValue(sum, kvKey), old.expiresAt);
      });
      return done ? sum : false;
    });
  }

  /** Yields the entries under a prefix in the order of their keys, read in batches as they are asked for. */
  async *list<T = unknown>(options: StoreRange = {}): AsyncGenerator<StoreEntry<T>, void> {
    this.#checkOpen();
    const prefix = options.prefix === undefined ? [] : toKvKey(options.prefix);
    const after = options.after === undefined ? undefined : toKvKey(options.after);
    let left = checkLimit(options.limit);
    if (after !== undefined && !hasPrefix(after, prefix)) {
      throw new TypeError(
        `Cannot list ${describeKey(prefix)} after ${
          describeKey(after)
        }: the key has another prefix`,
      );
    }
    const doing = `list ${prefix.length === 0 ? "the store" : describeKey(prefix)}`;
    const found = scan<T>(this.#kv, this.#entries, { prefix, after, limit: left });
    for (; left > 0; left--) {
      const { done, value } = await this.#run(doing, () => found.next());
      if (done) return;
      yield value;
    }
  }

  /** Closes the store; calls that are under way may fail, every later one does. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#kv.close();
  }

  /** Closes the store. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the store and waits for what it did in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#cleaning;
  }

  async #value<T>(key: KvKey, record: StoredRecord | undefined): Promise<T | undefined> {
    const payload = await this.#entries.payload(key, record);
    return payload === undefined ? undefined : decodeValue(payload) as T;
  }

  #encode(value: unknown, key: KvKey): Uint8Array {
    const payload = encodeValue(value, key);
    if (payload.length <= this.#maxValueBytes) return payload;
    throw new RangeError(
      `Cannot store a value under ${describeKey(key)}: it takes ${payload.length} bytes, ` +
        `at most ${this.#maxValueBytes} are allowed`,
    );
  }

  #key(key: StoreKey): KvKey {
    this.#checkOpen();
    return toKvKey(key);
  }

  async #run<T>(doing: string, work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    try {
      return await work();
    } catch (error) {
      this.#checkOpen();
      if (error instanceof RuntimeError) throw error;
      throw new RuntimeError("STORE_FAILED", `Cannot ${doing}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new RuntimeError("STORE_CLOSED", "Cannot use the store: it is closed");
    }
  }
}

async function collectQuietly(kv: Deno.Kv, now: number): Promise<void> {
  try {
    await collectAbandoned(kv, now);
  } catch {
    // The markers stand, and the next store that is opened collects them.
  }
}
