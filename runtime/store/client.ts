/**
 * The store inside a worker: every call goes to the entry, which checks it.
 *
 * Every worker loads this file, so it imports nothing but types.
 *
 * @module
 */

import type {
  Store,
  StoreEntry,
  StoreKey,
  StoreListOptions,
  StoreSetOptions,
} from "../types/store.ts";

/** Makes one of the entry's calls by name. */
export type StoreCall = (name: string, ...args: unknown[]) => Promise<unknown>;

const PAGE_ENTRIES = 100;
const MAX_KEYS = 1000;

/** Makes a store over `call`, which reaches what `storeServices` made on the other side. */
export function createStoreClient(call: StoreCall): Store {
  return new StoreClient(call);
}

class StoreClient implements Store {
  readonly #call: StoreCall;

  constructor(call: StoreCall) {
    this.#call = call;
  }

  get<T = unknown>(key: StoreKey): Promise<T | undefined> {
    return this.#call("storeGet", key) as Promise<T | undefined>;
  }

  async getMany<T = unknown>(keys: readonly StoreKey[]): Promise<(T | undefined)[]> {
    const batches: Promise<unknown>[] = [];
    for (let first = 0; first < keys.length; first += MAX_KEYS) {
      batches.push(this.#call("storeGetMany", keys.slice(first, first + MAX_KEYS)));
    }
    return (await Promise.all(batches)).flat(1) as (T | undefined)[];
  }

  async set(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<void> {
    await this.#call("storeSet", key, value, ...given(options));
  }

  add(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<boolean> {
    return this.#call("storeAdd", key, value, ...given(options)) as Promise<boolean>;
  }

  delete(key: StoreKey): Promise<boolean> {
    return this.#call("storeDelete", key) as Promise<boolean>;
  }

  has(key: StoreKey): Promise<boolean> {
    return this.#call("storeHas", key) as Promise<boolean>;
  }

  increment(key: StoreKey, step?: number): Promise<number | false> {
    return this.#call("storeIncrement", key, ...given(step)) as Promise<number | false>;
  }

  async *list<T = unknown>(options: StoreListOptions = {}): AsyncGenerator<StoreEntry<T>, void> {
    const { prefix = null, limit = Infinity } = options;
    if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new RangeError(
        `Cannot list store entries: limit is ${limit}, allowed are whole numbers from 0`,
      );
    }
    let after: StoreKey | null = null;
    for (let left = limit; left > 0;) {
      const wanted = Math.min(left, PAGE_ENTRIES);
      const page = await this.#call("storeListPage", prefix, after, wanted) as {
        entries: StoreEntry<T>[];
        more: boolean;
      };
      yield* page.entries;
      left -= page.entries.length;
      after = page.entries.at(-1)?.key ?? null;
      if (!page.more || after === null) return;
    }
  }
}

function given(argument: unknown): unknown[] {
  return argument === undefined ? [] : [argument];
}
