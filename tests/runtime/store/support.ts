/**
 * What the tests of the store share: a clock, a folder that goes away, stores.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ErrorCode, RuntimeError } from "../../../runtime/errors.ts";
import { type OpenStore, openStore, type StoreOptions } from "../../../runtime/store/mod.ts";
import { type TempDir, tempDir as makeTempDir } from "../../support/temp_dir.ts";
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
): Promise<{ store: OpenStore; clock: Clock } & AsyncDisposable> {
  const clock = new Clock();
  const store = await openStore({ url: ":memory:", ...options }, { now: clock.now });
  return { store, clock, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

/** Makes a folder below /tmp that is removed at the end of the block. */
export const tempDir: () => Promise<TempDir> = makeTempDir;

/** Makes what stores entries as priming does. */
export function primeThrough(store: OpenStore): (entries: [string, unknown][]) => Promise<void> {
  return async (entries) => void await store.prime(entries);
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
  while (!await check()) {
    assert.ok(performance.now() < end, "it did not come to hold");
    const turn = Promise.withResolvers<void>();
    setTimeout(turn.resolve); // others get a turn, timers too
    await turn.promise;
  }
}

/** Bytes of one content. */
export function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

/** Compares as `deepEqual` does, but large values by what they hold: to show how they differ takes minutes. */
export function same(actual: unknown, expected: unknown, message?: string): void {
  assert.deepEqual(brief(actual), brief(expected), message);
}

function brief(value: unknown): unknown {
  if (Array.isArray(value) && value.length < 5000) return value.map(brief);
  if (!(value instanceof Uint8Array) || value.length < 100) return value;
  const content = value.every((byte) => byte === value[0]) ? `all ${value[0]}` : "several bytes";
  return `${value.length} bytes, ${content}`;
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
