/**
 * The way into the store: every argument is checked here, and whether the caller may.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { StoreScope } from "../types/site.ts";
import type { StoreInfo } from "../types/store.ts";
import type {
  EncodedValue,
  LoadedEntry,
  NewEntry,
  StoreBackend,
  StorePage,
  StoreState,
} from "./backend.ts";
import { checkInteger, checkLimit, checkTtl } from "./checks.ts";
import { compareKeys, describeKey, hasPrefix, type KvKey, toKvKey, toKvKeys } from "./keys.ts";
import type { Loaded, StoreRoom, Written } from "./room.ts";
import { MAX_CALL_ENTRIES } from "./services.ts";

/** The most keys that can be watched together. */
const MAX_WATCHED = 100;

/**
 * A backend that reaches all of a store, or only some keys of it.
 *
 * Writing needs `write`; `increment` and `compareAndSwap` need `read` as well, since they tell about the
 * value; everything else needs `read`. Calls outside the scope reject with a `RuntimeError` of code
 * `STORE_DENIED`.
 */
export class ScopedBackend implements StoreBackend {
  readonly #room: StoreRoom;
  readonly #read: readonly KvKey[] | undefined;
  readonly #write: readonly KvKey[] | undefined;

  /**
   * Makes a way into `room`.
   *
   * @throws {TypeError} If a prefix is no store key.
   */
  constructor(room: StoreRoom, scope: StoreScope = {}) {
    this.#room = room;
    this.#read = toPrefixes(scope.read, "read");
    this.#write = toPrefixes(scope.write, "write");
  }

  /** Whether there is anything that may be read. */
  get canRead(): boolean {
    return this.#read === undefined || this.#read.length > 0;
  }

  async read(keys: unknown): Promise<(EncodedValue | null)[]> {
    return await this.#room.read(toKvKeys(keys).map((key) => this.#mayRead(key)));
  }

  async has(keys: unknown): Promise<boolean[]> {
    return await this.#room.has(toKvKeys(keys).map((key) => this.#mayRead(key)));
  }

  async set(entries: readonly NewEntry[]): Promise<void> {
    await this.#room.set(this.#written(entries));
  }

  async load(entries: readonly LoadedEntry[]): Promise<number> {
    return await this.#room.load(this.#loaded(entries));
  }

  async add(entries: readonly NewEntry[]): Promise<boolean[]> {
    return await this.#room.add(this.#written(entries));
  }

  async delete(keys: unknown): Promise<boolean[]> {
    return await this.#room.delete(toKvKeys(keys).map((key) => this.#mayWrite(key)));
  }

  async increment(key: unknown, step: unknown): Promise<number | false> {
    const checked = this.#mayWrite(this.#mayRead(toKvKey(key)));
    return await this.#room.increment(checked, checkInteger(step, "increment", "step", checked));
  }

  async compareAndSwap(key: unknown, expected: unknown, value: unknown): Promise<boolean> {
    const checked = this.#mayWrite(this.#mayRead(toKvKey(key)));
    const before = checkInteger(expected, "swap", "the expected value", checked);
    const after = checkInteger(value, "swap", "the new value", checked);
    return await this.#room.compareAndSwap(checked, before, after);
  }

  async extendTtl(key: unknown, ttlMs: unknown): Promise<boolean> {
    const checked = this.#mayWrite(toKvKey(key));
    if (ttlMs !== undefined) return await this.#room.extendTtl(checked, checkTtl(ttlMs, checked));
    throw new TypeError(`Cannot extend ${describeKey(checked)}: no ttlMs is given`);
  }

  async page(prefix: unknown, after: unknown, limit: unknown): Promise<StorePage> {
    const most = checkLimit(limit, MAX_CALL_ENTRIES);
    const start = after === null ? undefined : toKvKey(after);
    if (prefix !== null) return await this.#page(this.#mayRead(toKvKey(prefix)), start, most);
    const page: StorePage = { entries: [], more: false };
    for (const allowed of this.#read ?? [[]]) {
      const isInside = start !== undefined && hasPrefix(start, allowed);
      if (start !== undefined && !isInside && compareKeys(allowed, start) < 0) continue;
      const wanted = most - page.entries.length;
      const next = await this.#page(allowed, isInside ? start : undefined, Math.max(wanted, 1));
      if (wanted === 0) return { ...page, more: next.entries.length > 0 };
      page.entries.push(...next.entries);
      if (next.more) return { ...page, more: true };
    }
    return page;
  }

  async state(keys: unknown, known: unknown, signal?: AbortSignal): Promise<StoreState> {
    const checked = toKvKeys(keys).map((key) => this.#mayRead(key));
    if (checked.length === 0 || checked.length > MAX_WATCHED) {
      throw new RangeError(
        `Cannot watch ${checked.length} keys: allowed are 1 to ${MAX_WATCHED}`,
      );
    }
    return await this.#room.state(checked, typeof known === "string" ? known : null, signal);
  }

  async clear(): Promise<void> {
    for (const prefix of this.#write ?? [[]]) await this.#room.clear(prefix);
  }

  async info(): Promise<StoreInfo> {
    return await this.#room.info(this.#read ?? [[]]);
  }

  async #page(prefix: KvKey, after: KvKey | undefined, limit: number): Promise<StorePage> {
    if (after === undefined || hasPrefix(after, prefix)) {
      return await this.#room.page(prefix, after, limit);
    }
    throw new TypeError(
      `Cannot list ${describeKey(prefix)} after ${describeKey(after)}: the key has another prefix`,
    );
  }

  #written(entries: unknown): Written[] {
    if (!Array.isArray(entries)) {
      throw new TypeError(`Cannot store ${describeKey(entries)}: entries come as an array`);
    }
    return Array.from(entries, (entry): Written => {
      if (!Array.isArray(entry) || entry.length < 2 || entry.length > 3) {
        throw new TypeError(
          `Cannot store ${describeKey(entry)}: an entry is a key, a value and perhaps options`,
        );
      }
      const key = this.#mayWrite(toKvKey(entry[0]));
      return { key, value: entry[1], ttlMs: toTtl(entry[2], key) };
    });
  }

  #loaded(entries: unknown): Loaded[] {
    if (!Array.isArray(entries)) {
      throw new TypeError(`Cannot prime with ${describeKey(entries)}: entries come as an array`);
    }
    return Array.from(entries, (entry): Loaded => {
      if (typeof entry !== "object" || entry === null) {
        throw new TypeError(`Cannot prime with ${describeKey(entry)}: an entry is an object`);
      }
      const { key: given, value, ttlMs, expiresAt = Infinity, isPrimed } = entry;
      const key = this.#mayWrite(toKvKey(given));
      if (typeof expiresAt !== "number" || Number.isNaN(expiresAt)) {
        throw new RangeError(
          `Cannot store a value under ${describeKey(key)}: expiresAt is ${describeKey(expiresAt)}`,
        );
      }
      return { key, value, ttlMs: checkTtl(ttlMs, key), expiresAt, isPrimed: isPrimed === true };
    });
  }

  #mayRead(key: KvKey): KvKey {
    return allow("read", this.#read, key);
  }

  #mayWrite(key: KvKey): KvKey {
    return allow("write", this.#write, key);
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

function allow(verb: "read" | "write", allowed: readonly KvKey[] | undefined, key: KvKey): KvKey {
  if (allowed === undefined || allowed.some((prefix) => hasPrefix(key, prefix))) return key;
  const names = allowed.length === 0 ? "nothing" : allowed.map(describeKey).join(", ");
  throw new RuntimeError(
    "STORE_DENIED",
    `Cannot ${verb} ${describeKey(key)}: the worker may ${verb} ${names}`,
  );
}

/** The life that options ask for, in milliseconds; 0: without end. */
function toTtl(options: unknown, key: KvKey): number {
  if (options === undefined) return 0;
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
  return checkTtl((options as { ttlMs?: unknown }).ttlMs, key);
}
