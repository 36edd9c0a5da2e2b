/**
 * The store inside a worker: near copies, and calls to the entry, which checks them.
 *
 * Every worker loads this file, so it imports little.
 *
 * @module
 */

import type { StoreBackend } from "./backend.ts";
import { StoreHandle } from "./handle.ts";
import { Near, type NearOptions } from "./near.ts";
import type { Store } from "../types/store.ts";

/** Makes one of the entry's calls by name. */
export type StoreCall = (name: string, ...args: unknown[]) => Promise<unknown>;

/** What a worker keeps near copies by. */
export interface NearConfig extends NearOptions {
  /** The words that the entry raises. */
  table: Int32Array;
}

/** Makes a store over `call`, which reaches what `storeServices` made on the other side. */
export function createStoreClient(call: StoreCall, near?: NearConfig): Store {
  const ask = <T>(name: string, ...args: unknown[]) => call(name, ...args) as Promise<T>;
  const backend: StoreBackend = {
    read: (keys) => ask("storeRead", keys),
    set: (entries) => ask("storeSet", entries),
    load: (entries) => ask("storeLoad", entries),
    add: (entries) => ask("storeAdd", entries),
    delete: (keys) => ask("storeDelete", keys),
    has: (keys) => ask("storeHas", keys),
    increment: (key, step) => ask("storeIncrement", key, step),
    compareAndSwap: (key, expected, value) => ask("storeCompareAndSwap", key, expected, value),
    extendTtl: (key, ttlMs) => ask("storeExtendTtl", key, ttlMs),
    page: (prefix, after, limit) => ask("storePage", prefix, after, limit),
    state: (keys, known) => ask("storeState", keys, known),
    clear: () => ask("storeClear"),
    info: () => ask("storeInfo"),
  };
  return new StoreHandle(backend, near && new Near(near.table, near));
}
