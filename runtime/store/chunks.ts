/**
 * Large values, which Deno KV does not take in one piece.
 *
 * The parts of a value are written first, under a fresh id that no reader knows; the entry that
 * names the id follows in one commit. A pending marker stands beside parts that no entry names, be
 * it not yet or no longer, so that what a killed process left behind is found again.
 *
 * @module
 */

import { whileLocked } from "./locked.ts";
import type { PartsRef } from "./record.ts";

/** The largest encoded value that is kept in its entry. */
export const INLINE_BYTES = 60 * 1024;

/** How old a pending marker must be before its parts count as abandoned, in milliseconds. */
export const ABANDONED_AFTER_MS = 10 * 60_000;

const PART_BYTES = 60 * 1024;
const PARTS_PER_COMMIT = 12; // below the 800 KiB of a transaction
const KEYS_PER_READ = 10;
const DELETES_PER_COMMIT = 500;

/** Parts that were written but that no entry names yet. */
export interface StagedParts {
  /** Where they are. */
  ref: PartsRef;
  /** The version of their marker: while it stands, nobody has collected them. */
  versionstamp: string;
}

/** What stands in a pending marker. */
export interface PendingMarker {
  /** How many parts there may be. */
  count: number;
  /** When it was written, in milliseconds since 1970. */
  at: number;
}

/** The key of the marker of some parts. */
export function pendingKey(id: Uint8Array): Deno.KvKey {
  return ["tandem", "pending", id];
}

/** Writes the parts of `payload`, and a marker with the time `at`. */
export async function writeParts(
  kv: Deno.Kv,
  payload: Uint8Array,
  at: number,
  expireIn?: number,
): Promise<StagedParts> {
  const id = crypto.getRandomValues(new Uint8Array(16));
  const count = Math.ceil(payload.length / PART_BYTES);
  // Parts must outlive the entry that names them, whose clean-up may come late.
  const options = expireIn === undefined ? {} : { expireIn: expireIn + ABANDONED_AFTER_MS };
  let versionstamp = "";
  for (let first = 0; first < count; first += PARTS_PER_COMMIT) {
    const commit = kv.atomic();
    if (first === 0) commit.set(pendingKey(id), { count, at } satisfies PendingMarker);
    for (let part = first; part < count && part < first + PARTS_PER_COMMIT; part++) {
      const start = part * PART_BYTES;
      commit.set(partKey(id, part), payload.slice(start, start + PART_BYTES), options);
    }
    const done = await whileLocked(() => commit.commit()) as Deno.KvCommitResult;
    if (first === 0) versionstamp = done.versionstamp;
  }
  return { ref: { id, count, bytes: payload.length }, versionstamp };
}

/** Reads parts and joins them; resolves to `undefined` when they are no longer all there. */
export async function readParts(kv: Deno.Kv, ref: PartsRef): Promise<Uint8Array | undefined> {
  const keys = Array.from({ length: ref.count }, (_, part) => partKey(ref.id, part));
  const parts = await readKeys<Uint8Array>(kv, keys);
  const payload = new Uint8Array(ref.bytes);
  let offset = 0;
  for (const { value } of parts) {
    if (value === null || offset + value.length > ref.bytes) return undefined;
    payload.set(value, offset);
    offset += value.length;
  }
  return offset === ref.bytes ? payload : undefined;
}

/** Reads any number of keys, in as few calls to KV as it allows. */
export async function readKeys<T>(
  kv: Deno.Kv,
  keys: readonly Deno.KvKey[],
): Promise<Deno.KvEntryMaybe<T>[]> {
  const batches: Promise<Deno.KvEntryMaybe<T>[]>[] = [];
  for (let first = 0; first < keys.length; first += KEYS_PER_READ) {
    batches.push(kv.getMany<T[]>(keys.slice(first, first + KEYS_PER_READ)));
  }
  return (await Promise.all(batches)).flat();
}

/** Removes parts and, last of all, their marker. */
export async function removeParts(kv: Deno.Kv, id: Uint8Array, count: number): Promise<void> {
  for (let first = 0; first < count; first += DELETES_PER_COMMIT) {
    const commit = kv.atomic();
    for (let part = first; part < count && part < first + DELETES_PER_COMMIT; part++) {
      commit.delete(partKey(id, part));
    }
    await whileLocked(() => commit.commit());
  }
  await whileLocked(() => kv.delete(pendingKey(id)));
}

/** Removes the parts that were abandoned before `now`. A writer that still lives is told by its marker. */
export async function collectAbandoned(kv: Deno.Kv, now: number): Promise<void> {
  for await (const marker of kv.list<PendingMarker>({ prefix: ["tandem", "pending"] })) {
    const { count, at } = marker.value;
    if (now - at < ABANDONED_AFTER_MS) continue;
    const mine = { count, at: now } satisfies PendingMarker;
    const claim = kv.atomic().check(marker).set(marker.key, mine);
    const { ok } = await whileLocked(() => claim.commit());
    if (ok) await removeParts(kv, marker.key[2] as Uint8Array, count);
  }
}

function partKey(id: Uint8Array, part: number): Deno.KvKey {
  return ["tandem", "part", id, part];
}
