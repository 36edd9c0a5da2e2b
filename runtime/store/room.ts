/**
 * The store itself, in the process that holds the engine: what entries are, and what becomes of them.
 *
 * Keys that come here are checked, see `scope.ts`.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import type { StoreInfo } from "../types/store.ts";
import type { EncodedValue, StorePage, StoreState } from "./backend.ts";
import { inlineBytes } from "./chunks.ts";
import { encodeValue } from "./codec.ts";
import {
  type Change,
  type Changed,
  Committer,
  type Decide,
  type NewRecord,
  type Outlook,
} from "./committer.ts";
import { decodeValue } from "./decode.ts";
import type { Engine } from "./engine.ts";
import { Entries } from "./entries.ts";
import { compareKeys, describeKey, keyId, type KvKey } from "./keys.ts";
import { NearTables } from "./near.ts";
import type { StoredRecord } from "./record.ts";
import { isShortened, keyOfRow } from "./rows.ts";
import { nextState, soonerThan } from "./state.ts";
import { Upkeep } from "./upkeep.ts";
import { Usage } from "./usage.ts";

/** What a room is told. */
export interface RoomOptions {
  /** The most bytes that a value may take once encoded. */
  maxValueBytes: number;
  /** The most bytes of all values; 0: no limit. */
  maxBytes: number;
  /** The longest life of an entry in milliseconds; 0: no limit. */
  ttlLimitMs: number;
  /** The time in milliseconds since 1970. */
  now: () => number;
}

/** An entry to be written, its key checked. */
export interface Written {
  /** Its key. */
  key: KvKey;
  /** Its value. */
  value: unknown;
  /** Its life in milliseconds; 0: it does not expire. */
  ttlMs: number;
}

/** An entry that priming brings, its key checked. */
export interface Loaded extends Written {
  /** When it expires, in milliseconds since 1970; `Infinity`: `ttlMs` says it. */
  expiresAt: number;
  /** Whether it is a primed one. */
  isPrimed: boolean;
}

/** An entry that is ready to be stored. */
interface Prepared {
  key: KvKey;
  payload: Uint8Array;
  expiresAt: number;
  isPrimed: boolean;
}

/** The most bytes of values in one answer, but for a single value. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const KEYS_AT_ONCE = 100;
const HEARING_MS = 2_000;
const ROWS_AT_ONCE = 1000;
const CHANGES_AT_ONCE = 10_000;
const SMALL_CHANGE: Outlook = { bytes: 100 };

/** The entries of an engine, and who has to hear of their changes. */
export class StoreRoom implements AsyncDisposable {
  /** Who keeps near copies. */
  readonly tables: NearTables = new NearTables();
  readonly #engine: Engine;
  readonly #options: RoomOptions;
  readonly #entries: Entries;
  readonly #committer: Committer;
  readonly #usage: Usage | undefined;
  readonly #startedAt: number;
  readonly #counts = { hits: 0, misses: 0, sets: 0, deletes: 0 };
  readonly #closed = new AbortController();
  readonly #upkeep: Upkeep;
  readonly #hearing: Promise<void> | void;
  #loading: Promise<void> = Promise.resolve();

  /** Takes over `engine`, which it closes in the end. */
  constructor(engine: Engine, options: RoomOptions) {
    const { now, maxBytes } = options;
    this.#engine = engine;
    this.#options = options;
    this.#startedAt = now();
    this.#entries = new Entries(engine, now);
    this.#committer = new Committer(engine, now, (changed) => this.#onCommit(changed));
    this.#usage = maxBytes === 0 ? undefined : new Usage(maxBytes, (key) => this.#evict(key));
    this.#hearing = engine.onForeignCommit?.((keys) => this.#onForeignCommit(keys));
    this.#upkeep = new Upkeep(engine, now);
  }

  /** What the engine is called. */
  get kind(): string {
    return this.#engine.kind;
  }

  /** Fills in what has to be known of the entries that are there already. */
  async open(): Promise<void> {
    // Else the first near copies would be dropped when it comes; it is waited for only so long.
    if (this.#hearing !== undefined) await soonerThan(this.#hearing, HEARING_MS);
    if (this.#usage === undefined) return;
    for await (const { key, bytes } of this.#entries.sizes([])) this.#usage.set(key, bytes);
  }

  /** Reads values, as many of the first as fit into one answer. */
  async read(keys: readonly KvKey[]): Promise<(EncodedValue | null)[]> {
    const values: (EncodedValue | null)[] = [];
    let bytes = 0;
    for (let first = 0; first < keys.length && bytes < MAX_ANSWER_BYTES; first += KEYS_AT_ONCE) {
      const wanted = keys.slice(first, first + KEYS_AT_ONCE);
      const what = keys.length === 1 ? describeKey(keys[0]) : `${keys.length} keys`;
      const most = MAX_ANSWER_BYTES - bytes;
      const entries = await this.#run(`read ${what}`, () => this.#entries.read(wanted, most));
      for (const [index, entry] of entries.entries()) {
        this.#counts[entry === undefined ? "misses" : "hits"]++;
        if (entry !== undefined) this.#usage?.touch(wanted[index]!);
        bytes += entry?.payload.length ?? 0;
        values.push(entry === undefined ? null : [entry.payload, entry.expiresAt]);
      }
      if (entries.length < wanted.length) break;
    }
    return values;
  }

  /** Says of each key whether it has a value. */
  async has(keys: readonly KvKey[]): Promise<boolean[]> {
    // Rows come with what they hold: not all of them at once.
    return await inTurns(keys, ROWS_AT_ONCE, async (some) => {
      const records = await this.#run("look for keys", () => this.#entries.find(some));
      return records.map((record) => record !== undefined);
    });
  }

  /** Stores values; none if one of them cannot be encoded. */
  async set(written: readonly Written[]): Promise<void> {
    await this.#store(written.map(({ key, value, ttlMs }) => {
      return {
        key,
        payload: this.#encode(value, key),
        expiresAt: this.#expiry(ttlMs),
        isPrimed: false,
      };
    }));
  }

  /**
   * Stores values that priming brings; none if one of them cannot be encoded. Those that have expired are
   * left out.
   *
   * @returns How many were stored.
   */
  async load(loaded: readonly Loaded[]): Promise<number> {
    const now = this.#options.now();
    const prepared = loaded
      .filter(({ expiresAt }) => expiresAt > now)
      .map(({ key, value, ttlMs, expiresAt, isPrimed }): Prepared => {
        const payload = this.#encode(value, key);
        const end = isPrimed ? ttlMs === 0 ? Infinity : now + ttlMs : this.#expiry(ttlMs);
        return { key, payload, expiresAt: Math.min(end, expiresAt), isPrimed };
      });
    // One after the other: what two of them bring for one key is stored in their order.
    const before = this.#loading;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#loading = promise;
    await before;
    try {
      await this.#store(await this.#insert(prepared));
    } finally {
      resolve();
    }
    return prepared.length;
  }

  /** Stores values whose keys are absent, and says of each whether it did. */
  async add(written: readonly Written[]): Promise<boolean[]> {
    const encoded = written.map(({ key, value, ttlMs }) => {
      return { key, ttlMs, payload: this.#encode(value, key) };
    });
    return await inTurns(encoded, CHANGES_AT_ONCE, (some) => {
      return Promise.all(some.map(async ({ key, payload, ttlMs }) => {
        return await this.#run(
          `add ${describeKey(key)}`,
          () => this.#add(key, payload, ttlMs),
        );
      }));
    });
  }

  /** Removes entries and says of each whether it lived. */
  async delete(keys: readonly KvKey[]): Promise<boolean[]> {
    return await inTurns(keys, CHANGES_AT_ONCE, (some) => {
      return Promise.all(some.map(async (key) => {
        const lived = await this.#change("delete", key, (old) => old && "remove");
        if (lived) this.#counts.deletes++;
        else this.tables.raise([key]); // another box may have removed what is still kept near
        return lived;
      }));
    });
  }

  /** Adds to a number, atomically; `false` if there is no number. */
  async increment(key: KvKey, step: number): Promise<number | false> {
    let sum: number | false = false;
    await this.#change("increment", key, (old) => {
      const number = numberOf(old);
      sum = false;
      if (number === undefined) return undefined;
      sum = number + step;
      if (Number.isSafeInteger(sum)) return this.#renumber(old!, sum, key);
      throw new RangeError(
        `Cannot increment ${describeKey(key)}: ${number} and ${step} together are no safe integer`,
      );
    });
    return sum;
  }

  /** Replaces a number, atomically, and says whether it did. */
  async compareAndSwap(key: KvKey, expected: number, value: number): Promise<boolean> {
    return await this.#change("swap", key, (old) => {
      return numberOf(old) === expected ? this.#renumber(old!, value, key) : undefined;
    });
  }

  /** Lengthens the life of an entry, and says whether it did. */
  async extendTtl(key: KvKey, ttlMs: number): Promise<boolean> {
    const expiresAt = this.#expiry(ttlMs);
    return await this.#run(`extend ${describeKey(key)}`, async () => {
      while (true) {
        const [record] = await this.#entries.find([key]);
        if (record === undefined || record.isPrimed || record.expiresAt >= expiresAt) return false;
        const done = record.form === "parts"
          ? await this.#rewrite(key, record.parts.id, expiresAt)
          : await this.#committer.change(key, (old) => {
            const isLonger = old?.form === "inline" && !old.isPrimed && old.expiresAt < expiresAt;
            // One that has grown meanwhile would not fit into the commit.
            const fits = isLonger && old.payload.length <= record.payload.length;
            return fits ? { record: { ...old, expiresAt } } : undefined;
          }, { bytes: record.payload.length });
        if (done) return true;
        // Somebody else was faster: what is there now decides.
      }
    });
  }

  /** Reads entries in order: those with the prefix, after a key. */
  async page(prefix: KvKey, after: KvKey | undefined, limit: number): Promise<StorePage> {
    const entries: StorePage["entries"] = [];
    if (limit === 0) return { entries, more: false };
    let bytes = 0;
    const doing = `list ${prefix.length === 0 ? "the store" : describeKey(prefix)}`;
    return await this.#run(doing, async () => {
      for await (const entry of this.#entries.scan(prefix, { after, batch: limit + 1 })) {
        if (entries.length === limit || bytes > MAX_ANSWER_BYTES) return { entries, more: true };
        entries.push([entry.key, entry.payload, entry.expiresAt, entry.isPrimed]);
        bytes += entry.payload.length;
      }
      return { entries, more: false };
    });
  }

  /** Reads values once their state is another one than `known`, or after a while in any case. */
  async state(
    keys: readonly KvKey[],
    known: string | null,
    signal?: AbortSignal,
  ): Promise<StoreState> {
    const either = AbortSignal.any([this.#closed.signal, ...signal ? [signal] : []]);
    return await this.#run(`watch ${keys.length} keys`, () => {
      const { now } = this.#options;
      return nextState(this.#engine, this.#entries, keys, { known, signal: either, now });
    });
  }

  /** Removes all entries with a prefix, of no parts: all that there are. */
  async clear(prefix: KvKey): Promise<void> {
    await this.#run("clear the store", async () => {
      let keys: KvKey[] = [];
      for await (const { key } of this.#entries.sizes(prefix)) {
        if (keys.push(key) < ROWS_AT_ONCE) continue;
        await this.#remove(keys);
        keys = [];
      }
      await this.#remove(keys);
    });
    // What other boxes have removed was not found, and may still be kept near.
    if (prefix.length === 0) this.tables.raiseAll();
  }

  /** Counts entries with the prefixes. */
  async info(prefixes: readonly KvKey[]): Promise<StoreInfo> {
    let entries = 0;
    let valueBytes = 0;
    await this.#run("count the entries", async () => {
      for (const prefix of prefixes) {
        for await (const { bytes, isLiving } of this.#entries.sizes(prefix)) {
          if (!isLiving) continue;
          entries++;
          valueBytes += bytes;
        }
      }
    });
    return {
      engine: this.kind,
      startedAt: this.#startedAt,
      ttlLimitMs: this.#options.ttlLimitMs,
      entries,
      valueBytes,
      ...this.#counts,
      evictions: this.#usage?.evictions ?? 0,
    };
  }

  /** Closes the store and waits for what it did in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#upkeep.stop();
    await this.#engine.close();
    await this.#upkeep.ended;
  }

  /** Stores what is prepared; of several entries with one key the last one stays. */
  async #store(prepared: readonly Prepared[]): Promise<void> {
    await inTurns(prepared, CHANGES_AT_ONCE, (some) => this.#storeSome(some));
  }

  async #storeSome(prepared: readonly Prepared[]): Promise<void[]> {
    const staged = prepared.map(({ key, payload, expiresAt, isPrimed }) => {
      return this.#entries.inline(payload, expiresAt, isPrimed) ?? this.#run(
        () => storing(key),
        () => this.#entries.stage(payload, expiresAt, isPrimed),
      );
    });
    // Nothing is waited for in vain: small values are stored in the order in which that was asked for.
    const isReady = (change: Change | Promise<Change>) => !(change instanceof Promise);
    const changes = staged.every(isReady) ? staged as Change[] : await Promise.all(staged);
    // Asked for in one turn, and so made in this order.
    return await Promise.all(prepared.map(async ({ key }, index) => {
      const change = changes[index]!;
      await this.#run(
        () => storing(key),
        () => this.#committer.change(key, () => change, outlookOf(change)),
      );
      this.#counts.sets++;
    }));
  }

  /** Stores entries as new ones where that is possible, and returns those that are left. */
  async #insert(prepared: readonly Prepared[]): Promise<readonly Prepared[]> {
    const most = inlineBytes(this.#engine);
    const ids = new Map(prepared.map((entry) => [keyId(entry.key), entry]));
    // What occurs twice, and what parts have to be written for, needs the order of the queue.
    const isSimple = ids.size === prepared.length &&
      prepared.every(({ payload }) => payload.length <= most);
    if (!isSimple) return prepared;
    const records = Array.from(ids, ([id, { key, payload, expiresAt, isPrimed }]): NewRecord => {
      return { key, id, record: { form: "inline", payload, expiresAt, isPrimed } };
    });
    const left = await this.#run("store values", () => this.#committer.insert(records));
    this.#counts.sets += prepared.length - left.length;
    return left.map(({ id }) => ids.get(id)!);
  }

  async #add(key: KvKey, payload: Uint8Array, ttlMs: number): Promise<boolean> {
    const isLarge = payload.length > inlineBytes(this.#engine);
    if (isLarge && (await this.#entries.find([key]))[0] !== undefined) return false;
    const expiresAt = this.#expiry(ttlMs);
    const change = this.#entries.inline(payload, expiresAt) ??
      await this.#entries.stage(payload, expiresAt);
    const added = await this.#committer.change(
      key,
      (old) => old ? undefined : change,
      outlookOf(change),
    );
    if (added) this.#counts.sets++;
    else await this.#entries.discard(change);
    return added;
  }

  /**
   * Writes the large value with these parts anew, since they die with the entry that was written with
   * them. Says whether it was still there.
   */
  async #rewrite(key: KvKey, id: Uint8Array, expiresAt: number): Promise<boolean> {
    const [entry] = await this.#entries.read([key]);
    if (entry === undefined) return false;
    const change = await this.#entries.stage(entry.payload, expiresAt);
    // An id never comes back: while it stands there, what was read is its value.
    const isSame = (old: StoredRecord | undefined) =>
      old?.form === "parts" && compareKeys([old.parts.id], [id]) === 0;
    const done = await this.#committer.change(
      key,
      (old) => isSame(old) ? change : undefined,
      outlookOf(change),
    );
    if (!done) await this.#entries.discard(change);
    return done;
  }

  async #change(verb: string, key: KvKey, decide: Decide): Promise<boolean> {
    return await this.#run(
      `${verb} ${describeKey(key)}`,
      () => this.#committer.change(key, decide, SMALL_CHANGE),
    );
  }

  #renumber(old: StoredRecord, value: number, key: KvKey): Change {
    const { expiresAt, isPrimed } = old;
    return { record: { form: "inline", expiresAt, isPrimed, payload: encodeValue(value, key) } };
  }

  async #remove(keys: readonly KvKey[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#committer.change(key, () => "remove")));
  }

  /** When an entry that is written now expires. */
  #expiry(ttlMs: number): number {
    const { ttlLimitMs, now } = this.#options;
    const isLimited = ttlLimitMs > 0 && (ttlMs === 0 || ttlMs > ttlLimitMs);
    const life = isLimited ? ttlLimitMs : ttlMs;
    return life === 0 ? Infinity : now() + life;
  }

  #encode(value: unknown, key: KvKey): Uint8Array {
    const payload = encodeValue(value, key);
    if (payload.length <= this.#options.maxValueBytes) return payload;
    throw new RangeError(
      `Cannot store a value under ${describeKey(key)}: it takes ${payload.length} bytes, ` +
        `at most ${this.#options.maxValueBytes} are allowed`,
    );
  }

  #onCommit(changed: Changed[]): void {
    this.tables.raise(changed.map(({ key }) => key));
    for (const { key, bytes } of changed) this.#usage?.set(key, bytes);
  }

  #onForeignCommit(rows: readonly KvKey[] | null): void {
    const isKnown = rows?.every((row) => !isShortened(row));
    if (isKnown) this.tables.raise(rows!.map(keyOfRow));
    else this.tables.raiseAll();
  }

  async #evict(key: KvKey): Promise<void> {
    // Not what was written again meanwhile.
    await this.#committer.change(key, (old, isStored) => {
      return old && isStored && !this.#usage!.has(key) ? "remove" : undefined;
    });
  }

  async #run<T>(doing: string | (() => string), work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    try {
      return await work();
    } catch (error) {
      this.#checkOpen();
      if (error instanceof RuntimeError || error instanceof RangeError) throw error;
      const what = typeof doing === "string" ? doing : doing();
      throw new RuntimeError("STORE_FAILED", `Cannot ${what}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  #checkOpen(): void {
    if (!this.#closed.signal.aborted) return;
    throw new RuntimeError("STORE_CLOSED", "Cannot use the store: it is closed");
  }
}

/** The whole part of a stored number; `undefined` for everything else. */
function numberOf(record: StoredRecord | undefined): number | undefined {
  if (record?.form !== "inline") return undefined;
  const value = decodeValue(record.payload);
  return typeof value === "number" && Number.isFinite(value) ? Math.trunc(value) : undefined;
}

function outlookOf(change: Change): Outlook {
  if (change === "remove") return {};
  const { record, staged } = change;
  return {
    bytes: record.form === "inline" ? record.payload.length : 0,
    isStaged: staged !== undefined,
  };
}

function storing(key: KvKey): string {
  return `store a value under ${describeKey(key)}`;
}

/** Works on so many items at once, the first ones first, and joins what comes of them. */
async function inTurns<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (some: readonly T[]) => Promise<R[]>,
): Promise<R[]> {
  if (items.length <= atOnce) return await work(items);
  const results: R[][] = [];
  for (let first = 0; first < items.length; first += atOnce) {
    results.push(await work(items.slice(first, first + atOnce)));
  }
  return results.flat();
}
