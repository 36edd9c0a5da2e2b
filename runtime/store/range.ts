/**
 * Reading the entries of a range of keys, from its beginning or from the middle; the latter is for
 * pages of a listing, and not for users.
 *
 * @module
 */

import type { StoreEntry, StoreKey, StoreListOptions } from "../types/store.ts";
import { decodeValue } from "./codec.ts";
import { type Entries, entryKey } from "./entries.ts";
import { hasPrefix, type KvKey } from "./keys.ts";

/** What a store of this folder lists: as users ask for it, or the rest of it after a key. */
export interface StoreRange extends StoreListOptions {
  /** Only keys after this one, which must have the prefix itself and need not exist. */
  after?: StoreKey;
}

/** A range whose keys are checked. */
export interface KvRange {
  /** What the keys begin with; of no parts: every key. */
  prefix: KvKey;
  /** Only keys after this one, which has the prefix. */
  after?: KvKey;
  /** How many entries will be asked for, so that no more than needed is read ahead. */
  limit: number;
}

const BATCH = 100;
const PREFIX_PARTS = entryKey([]).length;

/** Yields the living entries of a range, in the order of their keys. */
export async function* scan<T>(
  kv: Deno.Kv,
  entries: Entries,
  range: KvRange,
): AsyncGenerator<StoreEntry<T>, void> {
  for await (const { key, value } of raw(kv, range)) {
    const own = key.slice(PREFIX_PARTS) as KvKey;
    const payload = await entries.payload(own, entries.live(value));
    if (payload !== undefined) yield { key: own, value: decodeValue(payload) as T };
  }
}

async function* raw(
  kv: Deno.Kv,
  range: KvRange,
): AsyncGenerator<{ key: Deno.KvKey; value: unknown }> {
  const { prefix, after, limit } = range;
  const below = entryKey(prefix);
  // To KV a key is not below itself, but it begins with itself and is the first that does.
  if (after === undefined && prefix.length > 0) yield await kv.get(below);
  const start = after === undefined || after.length === prefix.length ? undefined : entryKey(after);
  const selector = start === undefined ? { prefix: below } : { prefix: below, start };
  const batchSize = Math.min(limit + 1, BATCH);
  for await (const entry of kv.list(selector, { batchSize })) {
    // KV begins with the start itself.
    const isStart = start !== undefined && entry.key.length === start.length &&
      hasPrefix(entry.key as KvKey, start);
    if (!isStart) yield entry;
  }
}
