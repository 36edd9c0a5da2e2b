/**
 * Filling the store before anything else runs (`apc.prime`), from modules that export its entries.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import type { Log } from "../types/log.ts";
import type { Store, StoreKey, StoreSetOptions } from "../types/store.ts";

/** An entry as a source gives it: a pair, or an object that may also say how long it lives. */
export type PrimeEntry =
  | readonly [key: StoreKey, value: unknown]
  | { key: StoreKey; value: unknown; ttlMs?: number };

type Entries = Iterator<unknown, unknown> | AsyncIterator<unknown, unknown>;

/**
 * Stores the entries of every source, all sources at once, those of one source in its order.
 *
 * A source is a module whose default export is an iterable or async iterable of
 * {@linkcode PrimeEntry}, or a function that returns one, or a promise of one. When a source fails
 * the others stop as well; what is stored by then stays stored.
 *
 * @returns How many entries were stored.
 * @throws {RuntimeError} `DOCUMENT_INVALID` if a module gives no such entries, `BOOT_FAILED` if it
 * fails or an entry cannot be stored; the message names the source and counts its entries from 1.
 * @throws The reason of `signal`, if that ends it.
 */
export async function primeStore(
  store: Store,
  sources: readonly URL[],
  log: Log,
  signal: AbortSignal,
): Promise<number> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const counts = await Promise.allSettled(sources.map(async (source) => {
    try {
      const entries = await primeFrom(store, source, either);
      log.info("Primed the store", { source: source.href, entries });
      return entries;
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }));
  either.throwIfAborted();
  return counts.reduce((sum, count) => count.status === "fulfilled" ? sum + count.value : sum, 0);
}

async function primeFrom(store: Store, source: URL, signal: AbortSignal): Promise<number> {
  let position = 0;
  let entries: Entries | undefined;
  try {
    entries = toIterator(await orAborted(load(source), signal));
    while (true) {
      position++;
      const { done, value } = await orAborted(Promise.resolve(entries.next()), signal);
      if (done) {
        entries = undefined;
        return position - 1;
      }
      const [key, stored, options] = toArguments(value);
      await store.set(key, stored, options);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const place = position === 0 ? "" : `entry ${position}: `;
    throw new RuntimeError(
      error instanceof Unfit ? "DOCUMENT_INVALID" : "BOOT_FAILED",
      `Cannot prime the store from ${source.href}: ${place}${messageOf(error)}`,
      error instanceof Unfit ? {} : { cause: error },
    );
  } finally {
    leave(entries);
  }
}

async function load(source: URL): Promise<unknown> {
  const { default: given } = await import(source.href) as { default?: unknown };
  return typeof given === "function" ? await given() : given;
}

function toIterator(given: unknown): Entries {
  if (typeof given === "object" && given !== null) {
    const source = given as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
    if (typeof source[Symbol.asyncIterator] === "function") return source[Symbol.asyncIterator]!();
    if (typeof source[Symbol.iterator] === "function") return source[Symbol.iterator]!();
  }
  const found = given === null ? "null" : typeof given;
  throw new Unfit(`its default export gives ${found}, needed are entries that can be iterated`);
}

function toArguments(entry: unknown): [StoreKey, unknown, StoreSetOptions] {
  if (Array.isArray(entry) && entry.length === 2) return [entry[0], entry[1], {}];
  if (typeof entry === "object" && entry !== null && "key" in entry && "value" in entry) {
    const { key, value, ttlMs } = entry as { key: StoreKey; value: unknown; ttlMs?: number };
    return [key, value, { ttlMs }];
  }
  throw new Unfit("it is neither [key, value] nor { key, value, ttlMs? }");
}

/** A source may never give its next entry, and must not hold up the end. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted(); // the race below goes to work that is done already
  const aborted = Promise.withResolvers<never>();
  function abort(): void {
    aborted.reject(signal.reason);
  }
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Tells a source that no more is wanted, without waiting for it. */
async function leave(entries: Entries | undefined): Promise<void> {
  try {
    await entries?.return?.();
  } catch {
    // The failure that ended the loop is the one to report.
  }
}

/** What a source gives is not what a source has to give. */
class Unfit extends Error {}
