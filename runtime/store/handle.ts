/**
 * The store as its users hold it, in the entry and in workers: near copies first, then the backend.
 *
 * Workers load this file, so it imports little. It checks nothing: the backend does, and in a worker
 * that is the entry.
 *
 * @module
 */

import type { NewEntry, StoreBackend } from "./backend.ts";
import { decodeValue } from "./decode.ts";
import type { Near } from "./near.ts";
import { StateWatch } from "./watch.ts";
import type {
  PrimeSource,
  Store,
  StoreEntry,
  StoreGetOptions,
  StoreInfo,
  StoreKey,
  StoreListOptions,
  StorePrimeOptions,
  StoreSetOptions,
} from "../types/store.ts";

const PAGE_ENTRIES = 100;
const KEYS_AT_ONCE = 10_000; // what a worker may ask for in one call

/** A store over a backend. Without `near` every read asks the backend. */
export class StoreHandle implements Store {
  readonly #backend: StoreBackend;
  readonly #near: Near | undefined;
  readonly #loading = new Set<string>();

  /** Makes a handle; it owns neither of the two. */
  constructor(backend: StoreBackend, near?: Near) {
    this.#backend = backend;
    this.#near = near;
  }

  async get<T = unknown>(key: StoreKey, options?: StoreGetOptions): Promise<T | undefined> {
    if (options === undefined || options.near !== false) {
      const found = this.#near?.get(key);
      if (found !== undefined) return found.value as T | undefined;
    }
    const [value] = await this.#read<T>([key]);
    return value;
  }

  async getMany<T = unknown>(
    keys: readonly StoreKey[],
    options?: StoreGetOptions,
  ): Promise<(T | undefined)[]> {
    if (this.#near === undefined || options?.near === false || !Array.isArray(keys)) {
      return await this.#read<T>(keys);
    }
    const found = keys.map((key) => this.#near!.get(key));
    const missing = keys.filter((_, index) => found[index] === undefined);
    if (missing.length === 0) return found.map((one) => one!.value as T | undefined);
    const read = (await this.#read<T>(missing)).values();
    return found.map((one) => one === undefined ? read.next().value : one.value as T | undefined);
  }

  peek<T = unknown>(key: StoreKey): T | undefined {
    const value = this.#near?.peek(key);
    if (value === undefined) this.#load(key);
    return value as T | undefined;
  }

  set(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<void> {
    return this.#backend.set([toEntry(key, value, options)]);
  }

  async setMany(
    entries: Iterable<readonly [StoreKey, unknown]>,
    options?: StoreSetOptions,
  ): Promise<void> {
    await this.#backend.set(Array.from(entries, ([key, value]) => toEntry(key, value, options)));
  }

  async add(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<boolean> {
    const [added] = await this.#backend.add([toEntry(key, value, options)]);
    return added!;
  }

  async addMany(
    entries: Iterable<readonly [StoreKey, unknown]>,
    options?: StoreSetOptions,
  ): Promise<StoreKey[]> {
    const given = Array.from(entries, ([key, value]) => toEntry(key, value, options));
    const added = await this.#backend.add(given);
    return given.filter((_, index) => !added[index]).map(([key]) => key);
  }

  async delete(key: StoreKey): Promise<boolean> {
    const [lived] = await this.#backend.delete([key]);
    return lived!;
  }

  async deleteMany(keys: readonly StoreKey[]): Promise<StoreKey[]> {
    const lived = await this.#backend.delete(keys);
    return keys.filter((_, index) => !lived[index]);
  }

  async has(key: StoreKey): Promise<boolean> {
    const near = this.#near?.has(key);
    if (near !== undefined) return near;
    const [has] = await this.#backend.has([key]);
    return has!;
  }

  async hasMany(keys: readonly StoreKey[]): Promise<StoreKey[]> {
    const has = await this.#backend.has(keys);
    return keys.filter((_, index) => has[index]);
  }

  increment(key: StoreKey, step = 1): Promise<number | false> {
    return this.#backend.increment(key, step);
  }

  decrement(key: StoreKey, step = 1): Promise<number | false> {
    // What is no number is not negated: the backend shall name it.
    return this.#backend.increment(key, typeof step === "number" ? -step : step);
  }

  compareAndSwap(key: StoreKey, expected: number, value: number): Promise<boolean> {
    return this.#backend.compareAndSwap(key, expected, value);
  }

  extendTtl(key: StoreKey, ttlMs: number): Promise<boolean> {
    return this.#backend.extendTtl(key, ttlMs);
  }

  async *list<T = unknown>(
    options: StoreListOptions = {},
  ): AsyncGenerator<StoreEntry<T>, undefined> {
    const { prefix = null, limit = Infinity } = options;
    if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new RangeError(
        `Cannot list store entries: limit is ${String(limit)}, allowed are whole numbers from 0`,
      );
    }
    let after: StoreKey | null = null;
    for (let left = limit; left > 0;) {
      const page = await this.#backend.page(prefix, after, Math.min(left, PAGE_ENTRIES));
      for (const [key, payload] of page.entries) {
        yield { key: key as StoreEntry["key"], value: decodeValue(payload) as T };
      }
      left -= page.entries.length;
      after = page.entries.at(-1)?.[0] ?? null;
      if (!page.more || after === null) return;
    }
  }

  watch<T = unknown>(keys: readonly StoreKey[]): AsyncIterableIterator<(T | undefined)[]> {
    return new StateWatch<T>(this.#backend, keys);
  }

  async prime(source: PrimeSource, options?: StorePrimeOptions): Promise<number> {
    const { primeFrom } = await import("./prime.ts");
    return await primeFrom(this.#backend, source, options);
  }

  dump(): ReadableStream<Uint8Array> {
    return ReadableStream.from(dumpOf(this.#backend));
  }

  clear(): Promise<void> {
    return this.#backend.clear();
  }

  info(): Promise<StoreInfo> {
    return this.#backend.info();
  }

  async #read<T>(keys: readonly StoreKey[]): Promise<(T | undefined)[]> {
    const values: (T | undefined)[] = [];
    do {
      const isAll = !Array.isArray(keys) || keys.length <= KEYS_AT_ONCE && values.length === 0;
      const wanted = isAll ? keys : keys.slice(values.length, values.length + KEYS_AT_ONCE);
      const places = this.#near && Array.isArray(wanted)
        ? wanted.map((key) => this.#near!.place(key))
        : [];
      const read = await this.#backend.read(wanted);
      for (const [index, encoded] of read.entries()) {
        const place = places[index];
        if (place !== undefined) this.#near!.keep(place, encoded);
        values.push(encoded === null ? undefined : decodeValue(encoded[0]) as T);
      }
      if (read.length === 0) break;
    } while (values.length < keys.length);
    return values;
  }

  /** Loads what was peeked at in vain; what comes of it is seen by the next peek, or asked for again. */
  async #load(key: StoreKey): Promise<void> {
    const place = this.#near?.place(key);
    if (place === undefined || this.#loading.has(place.id)) return;
    this.#loading.add(place.id);
    try {
      await this.#read([key]);
    } catch {
      // A peek has no way to fail; `get` has.
    } finally {
      this.#loading.delete(place.id);
    }
  }
}

/** Workers may load these modules, whatever their permissions, since they are named literally. */
async function* dumpOf(backend: StoreBackend): AsyncGenerator<Uint8Array, undefined> {
  const { dumpEntries } = await import("./dump.ts");
  return yield* dumpEntries(backend);
}

function toEntry(key: StoreKey, value: unknown, options?: StoreSetOptions): NewEntry {
  return options === undefined ? [key, value] : [key, value, options];
}
