/**
 * What stands behind a store's handle: in the entry the store itself, in a worker the calls to the
 * entry. The handle is the same for both, see `handle.ts`.
 *
 * @module
 */

import type { StoreInfo, StoreKey, StoreSetOptions } from "../types/store.ts";

/** A value as it is kept, and when it expires, in milliseconds since 1970; `Infinity` for never. */
export type EncodedValue = readonly [payload: Uint8Array, expiresAt: number];

/** An entry to be written. */
export type NewEntry = readonly [key: StoreKey, value: unknown, options?: StoreSetOptions];

/** An entry that priming brings. */
export interface LoadedEntry {
  /** Its key. */
  key: StoreKey;
  /** Its value. */
  value: unknown;
  /** Its life in whole milliseconds; 0 or absent: it does not expire, unless `expiresAt` says when. */
  ttlMs?: number;
  /** When it expires, in milliseconds since 1970. */
  expiresAt?: number;
  /** Whether it is a primed one, to which the longest life does not apply. */
  isPrimed: boolean;
}

/** A page of a listing. */
export interface StorePage {
  /** The entries, in order. */
  entries: (readonly [key: StoreKey, ...EncodedValue, isPrimed: boolean])[];
  /** Whether there are entries after these. */
  more: boolean;
}

/** What some keys hold, and in which state that is. */
export interface StoreState {
  /** Changes with each change of the values. */
  version: string;
  /** The values in the order of the keys. */
  values: (EncodedValue | null)[];
}

/** The operations that all others are made of. All arguments are checked here, not before. */
export interface StoreBackend {
  /** Reads values in the order of `keys`: all of them, or as many of the first as fit into one answer. */
  read(keys: readonly StoreKey[]): Promise<(EncodedValue | null)[]>;
  /** Stores values, none if one cannot be encoded. */
  set(entries: readonly NewEntry[]): Promise<void>;
  /**
   * Stores values, none if one cannot be encoded, most likely under keys that are not there yet; those
   * whose life is over are left out.
   *
   * @returns How many were stored.
   */
  load(entries: readonly LoadedEntry[]): Promise<number>;
  /** Stores values whose keys are absent, and says of each whether it did. */
  add(entries: readonly NewEntry[]): Promise<boolean[]>;
  /** Removes entries and says of each whether it lived. */
  delete(keys: readonly StoreKey[]): Promise<boolean[]>;
  /** Says of each key whether it has a value. */
  has(keys: readonly StoreKey[]): Promise<boolean[]>;
  /** Adds to a number. */
  increment(key: StoreKey, step: number): Promise<number | false>;
  /** Replaces a number. */
  compareAndSwap(key: StoreKey, expected: number, value: number): Promise<boolean>;
  /** Lengthens a life. */
  extendTtl(key: StoreKey, ttlMs: number): Promise<boolean>;
  /** Reads entries in order: those with the prefix, after a key. */
  page(prefix: StoreKey | null, after: StoreKey | null, limit: number): Promise<StorePage>;
  /** Reads values once their state is another one than `known`, or after a while in any case. */
  state(keys: readonly StoreKey[], known: string | null, signal?: AbortSignal): Promise<StoreState>;
  /** Removes all entries. */
  clear(): Promise<void>;
  /** Counts. */
  info(): Promise<StoreInfo>;
}
