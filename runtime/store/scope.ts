/**
 * A store that reaches only some keys, for workers that are not trusted with all of them.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { Store, StoreEntry, StoreKey, StoreSetOptions } from "../types/store.ts";
import { checkLimit } from "./checks.ts";
import { compareKeys, describeKey, hasPrefix, type KvKey, toKvKey, toKvKeys } from "./keys.ts";
import type { StoreRange } from "./range.ts";
import type { StoreScope } from "../types/site.ts";

/**
 * Limits a store. `delete` and `add` need writing, `increment` needs reading too, since it tells the
 * value; everything else needs reading.
 *
 * @returns A store whose calls reject with a `RuntimeError` of code `STORE_DENIED` outside the scope.
 * @throws {TypeError} If a prefix is no store key.
 */
export function scopeStore(store: Store, scope: StoreScope = {}): Store {
  const read = toPrefixes(scope.read, "read");
  const write = toPrefixes(scope.write, "write");
  return read === undefined && write === undefined ? store : new ScopedStore(store, read, write);
}

class ScopedStore implements Store {
  readonly #store: Store;
  readonly #read: readonly KvKey[] | undefined;
  readonly #write: readonly KvKey[] | undefined;

  constructor(store: Store, read?: readonly KvKey[], write?: readonly KvKey[]) {
    this.#store = store;
    this.#read = read;
    this.#write = write;
  }

  async get<T = unknown>(key: StoreKey): Promise<T | undefined> {
    return await this.#store.get<T>(allow("read", this.#read, key));
  }

  async getMany<T = unknown>(keys: readonly StoreKey[]): Promise<(T | undefined)[]> {
    return await this.#store.getMany<T>(
      toKvKeys(keys).map((key) => allow("read", this.#read, key)),
    );
  }

  async set(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<void> {
    await this.#store.set(allow("write", this.#write, key), value, options);
  }

  async add(key: StoreKey, value: unknown, options?: StoreSetOptions): Promise<boolean> {
    return await this.#store.add(allow("write", this.#write, key), value, options);
  }

  async delete(key: StoreKey): Promise<boolean> {
    return await this.#store.delete(allow("write", this.#write, key));
  }

  async has(key: StoreKey): Promise<boolean> {
    return await this.#store.has(allow("read", this.#read, key));
  }

  async increment(key: StoreKey, step?: number): Promise<number | false> {
    const checked = allow("write", this.#write, key);
    return await this.#store.increment(allow("read", this.#read, checked), step);
  }

  async *list<T = unknown>(options: StoreRange = {}): AsyncGenerator<StoreEntry<T>, void> {
    const { prefix } = options;
    if (prefix !== undefined || this.#read === undefined) {
      const checked = prefix === undefined ? undefined : allow("read", this.#read, prefix);
      yield* this.#store.list<T>({ ...options, prefix: checked } as StoreRange);
      return;
    }
    const after = options.after === undefined ? undefined : toKvKey(options.after);
    let left = checkLimit(options.limit);
    for (const allowed of this.#read) {
      if (left === 0) return;
      const inside = after !== undefined && hasPrefix(after, allowed);
      if (after !== undefined && !inside && compareKeys(allowed, after) < 0) continue;
      const limit = left === Infinity ? undefined : left;
      const range: StoreRange = { prefix: allowed, limit, after: inside ? after : undefined };
      for await (const entry of this.#store.list<T>(range)) {
        yield entry;
        left--;
      }
    }
  }
}

/** Checks prefixes and puts them in the order of keys, without those that another one covers. */
function toPrefixes(prefixes: unknown, list: string): readonly KvKey[] | undefined {
  if (prefixes === undefined) return undefined;
  if (!Array.isArray(prefixes)) {
    throw new TypeError(
      `Cannot limit the store: ${list} is ${describeKey(prefixes)}, allowed are arrays of prefixes`,
    );
  }
  const sorted = prefixes.map(toKvKey).sort(compareKeys);
  const kept: KvKey[] = [];
  for (const prefix of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !hasPrefix(prefix, last)) kept.push(prefix);
  }
  return kept;
}

function allow(verb: "read" | "write", allowed: readonly KvKey[] | undefined, key: unknown): KvKey {
  const checked = toKvKey(key);
  if (allowed === undefined || allowed.some((prefix) => hasPrefix(checked, prefix))) return checked;
  const names = allowed.length === 0 ? "nothing" : allowed.map(describeKey).join(", ");
  throw new RuntimeError(
    "STORE_DENIED",
    `Cannot ${verb} ${describeKey(checked)}: the worker may ${verb} ${names}`,
  );
}
