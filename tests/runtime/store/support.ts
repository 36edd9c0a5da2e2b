/**
 * What the tests of the store share: a clock, a folder that goes away, stores.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ErrorCode, RuntimeError } from "../../../runtime/errors.ts";
import { type KvStore, openStore, type StoreOptions } from "../../../runtime/store/kv.ts";
import type { StoreEntry } from "../../../runtime/types/store.ts";

/** A clock that stands until it is moved. */
export class Clock {
  /** The time it shows. */
  time = 1_700_000_000_000;

  /** Reads it. */
  now = (): number => this.time;
}

/** Opens a store in memory, by a clock of its own. */
export async function memoryStore(
  options: StoreOptions = {},
): Promise<{ store: KvStore; clock: Clock } & AsyncDisposable> {
  const clock = new Clock();
  const store = await openStore({ url: ":memory:", ...options }, { now: clock.now });
  return { store, clock, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

/** Makes a folder below /tmp that is removed at the end of the block. */
export async function tempDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "tandem-store-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Counts the rows of the store's own below one of its prefixes. */
export async function countRows(path: string, table: "part" | "pending"): Promise<number> {
  const kv = await Deno.openKv(path);
  try {
    return (await Array.fromAsync(kv.list({ prefix: ["tandem", table] }))).length;
  } finally {
    kv.close();
  }
}

/** Waits until `check` holds, for ten seconds at most. */
export async function until(check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!await check()) assert.ok(performance.now() < end, "it did not come to hold");
}

/** Bytes of one content. */
export function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

/** The keys of entries. */
export async function keysOf(list: AsyncIterable<StoreEntry>): Promise<unknown[]> {
  return await Array.fromAsync(list, ({ key }) => key);
}

/** Awaits a rejection with this code and a message that matches. */
export async function rejectsWith(
  promise: Promise<unknown>,
  code: ErrorCode,
  message: RegExp,
): Promise<RuntimeError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof RuntimeError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\.$/);
    return error;
  }
  assert.fail(`no rejection with ${code}`);
}
