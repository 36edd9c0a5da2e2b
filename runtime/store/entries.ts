/**
 * Reading and changing one entry of the store in Deno KV: expiry to the millisecond, changes that
 * are atomic, and values of any size. It knows bytes, not values.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import {
  INLINE_BYTES,
  pendingKey,
  readParts,
  removeParts,
  type StagedParts,
  writeParts,
} from "./chunks.ts";
import { describeKey, keyId, type KvKey } from "./keys.ts";
import { pause, whileLocked } from "./locked.ts";
import { packInline, packParts, type PartsRef, type StoredRecord, unpack } from "./record.ts";
import { Turns } from "./turns.ts";

const COMMIT_ATTEMPTS = 100;
const READ_ATTEMPTS = 50;
const MAX_EXPIRE_IN = 1e15; // KV refuses much larger ones, and nobody waits for it

/** What becomes of an entry: removed, or this in its place. */
export type Change = "remove" | { record: Uint8Array; expiresAt: number; staged?: StagedParts };

/** The key of an entry in Deno KV. */
export function entryKey(key: KvKey): KvKey {
  return ["tandem", "data", ...key];
}

/** The entries of one store. Keys are the users'; all of them come from `toKvKey`. */
export class Entries {
  readonly #kv: Deno.Kv;
  readonly #now: () => number;
  readonly #turns = new Turns();

  /** Works on `kv`, by the clock `now`. */
  constructor(kv: Deno.Kv, now: () => number) {
    this.#kv = kv;
    this.#now = now;
  }

  /** Unpacks what KV returned; `undefined` when there is nothing, or nothing that still lives. */
  live(value: unknown): StoredRecord | undefined {
    if (value === null) return undefined;
    const record = unpack(value);
    return record.expiresAt > this.#now() ? record : undefined;
  }

  /** Reads an entry. */
  async find(key: KvKey): Promise<StoredRecord | undefined> {
    return this.live((await this.#kv.get(entryKey(key))).value);
  }

  /** Resolves to the bytes of a value, those of a newer one if it was replaced meanwhile. */
  async payload(
    key: KvKey,
    record: StoredRecord | undefined,
  ): Promise<Uint8Array | undefined> {
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      if (record === undefined) return undefined;
      if (record.form === "inline") return record.payload;
      const payload = await readParts(this.#kv, record.parts);
      if (payload !== undefined) return payload;
      record = await this.find(key);
    }
    throw new RuntimeError(
      "STORE_FAILED",
      `Cannot read ${describeKey(key)}: parts of its value were missing ${READ_ATTEMPTS} times`,
    );
  }

  /** Makes an entry of `payload`; of a large one the parts are already written afterwards. */
  async stage(payload: Uint8Array, ttlMs: number | undefined): Promise<Change> {
    const now = this.#now();
    const expiresAt = ttlMs === undefined ? Infinity : now + ttlMs;
    if (payload.length <= INLINE_BYTES) return this.inline(payload, expiresAt);
    const staged = await writeParts(this.#kv, payload, now, this.#expireIn(expiresAt));
    return { record: packParts(expiresAt, staged.ref), expiresAt, staged };
  }

  /** Makes an entry of a small payload. */
  inline(payload: Uint8Array, expiresAt: number): Change {
    return { record: packInline(expiresAt, payload), expiresAt };
  }

  /** Removes the parts of a change that was not made. */
  async discard(change: Change): Promise<void> {
    if (change === "remove" || change.staged === undefined) return;
    await this.#removeQuietly(change.staged.ref);
  }

  /**
   * Changes an entry atomically: `decide` sees the living entry and says what becomes of it, or
   * `undefined` to leave it. It is asked again when another process was faster.
   *
   * @returns Whether there was a change.
   */
  async change(
    key: KvKey,
    decide: (record: StoredRecord | undefined) => Change | undefined,
  ): Promise<boolean> {
    const replaced = await this.#turns.take(keyId(key), () => this.#change(key, decide));
    if (replaced === undefined) return false;
    if (replaced !== "inline") await this.#removeQuietly(replaced);
    return true;
  }

  async #change(
    key: KvKey,
    decide: (record: StoredRecord | undefined) => Change | undefined,
  ): Promise<PartsRef | "inline" | undefined> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      if (attempt > 0) await pause(attempt);
      const found = await this.#kv.get(entryKey(key));
      const change = decide(this.live(found.value));
      if (change === undefined) return undefined;
      const old = found.value === null ? undefined : unpack(found.value);
      const commit = this.#kv.atomic().check(found);
      if (change === "remove") commit.delete(found.key);
      else commit.set(found.key, change.record, { expireIn: this.#expireIn(change.expiresAt) });
      if (old?.form === "parts") {
        commit.set(pendingKey(old.parts.id), { count: old.parts.count, at: this.#now() });
      }
      if (change !== "remove" && change.staged !== undefined) {
        const { ref, versionstamp } = change.staged;
        commit.check({ key: pendingKey(ref.id), versionstamp }).delete(pendingKey(ref.id));
      }
      if ((await whileLocked(() => commit.commit())).ok) {
        return old?.form === "parts" ? old.parts : "inline";
      }
      if (change !== "remove" && change.staged !== undefined) {
        await this.#checkMarker(key, change.staged);
      }
    }
    throw new RuntimeError(
      "STORE_FAILED",
      `Cannot change ${describeKey(key)}: others changed it first ${COMMIT_ATTEMPTS} times`,
    );
  }

  async #checkMarker(key: KvKey, staged: StagedParts): Promise<void> {
    const { versionstamp } = await this.#kv.get(pendingKey(staged.ref.id));
    if (versionstamp === staged.versionstamp) return;
    throw new RuntimeError(
      "STORE_FAILED",
      `Cannot store a value under ${
        describeKey(key)
      }: it took so long that its parts were collected`,
    );
  }

  /** The marker stands, so that what fails here is made up for when a store is opened. */
  async #removeQuietly(parts: PartsRef): Promise<void> {
    try {
      await removeParts(this.#kv, parts.id, parts.count);
    } catch {
      // As above.
    }
  }

  #expireIn(expiresAt: number): number | undefined {
    const left = Math.max(0, Math.ceil(expiresAt - this.#now()));
    return left > MAX_EXPIRE_IN ? undefined : left;
  }
}
