/**
 * The store inside a worker: near copies, and calls to the entry, which checks them.
 *
 * Every worker loads this file, so it imports little.
 *
 * @module
 */

import type { NewEntry, StoreBackend } from "./backend.ts";
import { StoreHandle } from "./handle.ts";
import { findHost } from "./hosts.ts";
import { Near, type NearOptions } from "./near.ts";
import type { Store } from "../types/store.ts";

/** Makes one of the entry's calls by name. */
export type StoreCall = (name: string, ...args: unknown[]) => Promise<unknown>;

/** What a worker keeps near copies by. */
export interface NearConfig extends NearOptions {
  /** The words that the entry raises. */
  table: Int32Array;
}

/** The store of a worker. */
class StoreClient extends StoreHandle implements Disposable {
  readonly #near: Near | undefined;

  constructor(backend: StoreBackend, near: Near | undefined) {
    super(backend, near);
    this.#near = near;
  }

  /** Gives up the near copies; calls go on. */
  [Symbol.dispose](): void {
    this.#near?.close();
  }
}

/** Makes a store over `call`, which reaches what `storeServices` made on the other side. */
export function createStoreClient(call: StoreCall, near?: NearConfig): Store & Disposable {
  const ask = <T>(name: string, ...args: unknown[]) => call(name, ...args) as Promise<T>;
  let nextId = 0;
  const backend: StoreBackend = {
    read: (keys) => ask("storeRead", keys),
    set: async (entries) => await ask("storeSet", carried(entries)),
    load: (entries) => ask("storeLoad", entries),
    add: async (entries) => await ask("storeAdd", carried(entries)),
    delete: (keys) => ask("storeDelete", keys),
    has: (keys) => ask("storeHas", keys),
    increment: (key, step) => ask("storeIncrement", key, step),
    compareAndSwap: (key, expected, value) => ask("storeCompareAndSwap", key, expected, value),
    extendTtl: (key, ttlMs) => ask("storeExtendTtl", key, ttlMs),
    page: (prefix, after, limit) => ask("storePage", prefix, after, limit),
    state: async (keys, known, signal) => {
      const id = nextId++;
      // Where the entry cannot be told, it has ended.
      const leave = () => void ask("storeLeave", id).catch(() => {});
      signal?.addEventListener("abort", leave, { once: true });
      try {
        return await ask("storeState", keys, known, id);
      } finally {
        signal?.removeEventListener("abort", leave);
      }
    },
    clear: () => ask("storeClear"),
    info: () => ask("storeInfo"),
  };
  return new StoreClient(backend, near && new Near(near.table, near));
}

/** On the way to the entry such objects would become empty ones, which nobody could tell there. */
function carried(entries: readonly NewEntry[]): readonly NewEntry[] {
  for (const [key, value] of entries) {
    const host = findHost(value);
    if (host === undefined) continue;
    throw new DOMException(
      `Cannot store a value under ${String(key)}: ${host} cannot be cloned`,
      "DataCloneError",
    );
  }
  return entries;
}
