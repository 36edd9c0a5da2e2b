/**
 * Reading the entries of the store: expiry to the millisecond, and values of any size. It knows
 * bytes, not values; what changes entries is `committer.ts`.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { Change } from "./committer.ts";
import { inlineBytes, readParts, removeParts, writeParts } from "./chunks.ts";
import { decodeKey } from "./codec.ts";
import type { Engine, Row } from "./engine.ts";
import { compareKeys, describeKey, type KvKey } from "./keys.ts";
import { type StoredRecord, unpack } from "./record.ts";
import { dataRow, keyOfRow } from "./rows.ts";

const READ_ATTEMPTS = 50;
const LOST_AFTER = 2;

/** An entry as it is kept: its encoded value, and how long it lives. */
export interface EncodedEntry {
  /** Its key. */
  key: KvKey;
  /** Its encoded value. */
  payload: Uint8Array;
  /** When it expires, in milliseconds since 1970; `Infinity` for never. */
  expiresAt: number;
  /** Whether priming put it there. */
  isPrimed: boolean;
}

/** In which state some entries are. */
export interface EntriesState {
  /** Another one after each change. */
  version: string;
  /** When the next of them expires, in milliseconds since 1970; `Infinity` for never. */
  nextExpiry: number;
  /** Loads the entries, `null` where there is none that lives. */
  load(): Promise<(EncodedEntry | null)[]>;
}

/** The entries of one store. Keys are the users'; all of them come from `toKvKey`. */
export class Entries {
  readonly #engine: Engine;
  readonly #now: () => number;

  /** Works on `engine`, by the clock `now`. */
  constructor(engine: Engine, now: () => number) {
    this.#engine = engine;
    this.#now = now;
  }

  /** Reads records, `undefined` where there is none that lives. */
  async find(keys: readonly KvKey[]): Promise<(StoredRecord | undefined)[]> {
    const rows = await this.#engine.read(keys.map((key) => dataRow(key).row));
    return rows.map((row) => this.#live(row));
  }

  /**
   * Reads entries, `undefined` where there is none that lives: as many of the first as take at most
   * `maxBytes`, and one in any case.
   */
  async read(keys: readonly KvKey[], maxBytes = Infinity): Promise<(EncodedEntry | undefined)[]> {
    const records = await this.find(keys);
    let bytes = 0;
    const end = records.findIndex((record, index) => {
      bytes += record === undefined ? 0 : valueBytes(record);
      return index > 0 && bytes > maxBytes;
    });
    const read = end < 0 ? records : records.slice(0, end);
    return await Promise.all(read.map((record, index) => this.#entry(keys[index]!, record)));
  }

  /** Reads what tells this state of some entries from every other, before any large value is loaded. */
  async state(keys: readonly KvKey[]): Promise<EntriesState> {
    const rows = await this.#engine.read(keys.map((key) => dataRow(key).row));
    const records = rows.map((row) => this.#live(row));
    const version = rows.map(({ versionstamp }, index) => records[index] && versionstamp).join();
    return {
      version: `v${version}`,
      nextExpiry: Math.min(...records.map((record) => record?.expiresAt ?? Infinity)),
      load: () => {
        return Promise.all(
          records.map(async (record, index) => await this.#entry(keys[index]!, record) ?? null),
        );
      },
    };
  }

  /** Yields all entries below a prefix, the expired ones too, with the bytes of their values. */
  async *sizes(
    prefix: KvKey,
  ): AsyncGenerator<{ key: KvKey; bytes: number; isLiving: boolean }, undefined> {
    for await (const row of this.#engine.scan(dataRow(prefix).row)) {
      const record = unpack(row.value);
      const bytes = valueBytes(record);
      yield { key: keyOf(row, record), bytes, isLiving: record.expiresAt > this.#now() };
    }
  }

  /** Yields the living entries below a prefix, in the order of their rows. */
  async *scan(
    prefix: KvKey,
    { after, batch }: { after?: KvKey; batch?: number } = {},
  ): AsyncGenerator<EncodedEntry, undefined> {
    const start = after === undefined ? undefined : dataRow(after).row;
    for await (const row of this.#engine.scan(dataRow(prefix).row, start, batch)) {
      const record = this.#live(row);
      if (record === undefined) continue;
      const entry = await this.#entry(keyOf(row, record), record);
      if (entry !== undefined) yield entry;
    }
  }

  /** Makes an entry of `payload`, at once; `undefined` if that is too large and has to be staged. */
  inline(payload: Uint8Array, expiresAt: number, isPrimed = false): Change | undefined {
    if (payload.length > inlineBytes(this.#engine)) return undefined;
    return { record: { expiresAt, isPrimed, form: "inline", payload } };
  }

  /** Makes an entry of `payload`; of a large one the parts are already written afterwards. */
  async stage(payload: Uint8Array, expiresAt: number, isPrimed = false): Promise<Change> {
    const inline = this.inline(payload, expiresAt, isPrimed);
    if (inline !== undefined) return inline;
    const common = { expiresAt, isPrimed };
    const now = this.#now();
    const life = expiresAt === Infinity ? undefined : Math.max(0, Math.ceil(expiresAt - now));
    const staged = await writeParts(this.#engine, payload, now, life);
    return { record: { ...common, form: "parts", parts: staged.ref }, staged };
  }

  /** Removes the parts of a change that was not made; where that fails, the collection makes up for it. */
  async discard(change: Change): Promise<void> {
    if (change === "remove" || change.staged === undefined) return;
    const { id, count } = change.staged.ref;
    await removeParts(this.#engine, id, count).catch(() => {});
  }

  #live({ value }: Row): StoredRecord | undefined {
    if (value === null) return undefined;
    const record = unpack(value);
    return record.expiresAt > this.#now() ? record : undefined;
  }

  /** The entry of a record, that of a newer one if it was replaced meanwhile. */
  async #entry(key: KvKey, record: StoredRecord | undefined): Promise<EncodedEntry | undefined> {
    let lost = 0;
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      if (record === undefined) return undefined;
      const { expiresAt, isPrimed } = record;
      const payload = record.form === "inline"
        ? record.payload
        : await readParts(this.#engine, record.parts);
      if (payload !== undefined) return { key, payload, expiresAt, isPrimed };
      const before = record;
      [record] = await this.find([key]);
      // Parts go after the entry that names them: where it still does, they were taken by somebody else.
      if (isSame(before, record) && ++lost === LOST_AFTER) break;
    }
    throw new RuntimeError(
      "STORE_FAILED",
      `Cannot read ${describeKey(key)}: parts of its value are missing, store or delete it anew`,
    );
  }
}

function valueBytes(record: StoredRecord): number {
  return record.form === "inline" ? record.payload.length : record.parts.bytes;
}

function keyOf(row: Row, record: StoredRecord): KvKey {
  return record.key === undefined ? keyOfRow(row.key) : decodeKey(record.key);
}

function isSame(a: StoredRecord, b: StoredRecord | undefined): boolean {
  return a.form === "parts" && b?.form === "parts" && compareKeys([a.parts.id], [b.parts.id]) === 0;
}
