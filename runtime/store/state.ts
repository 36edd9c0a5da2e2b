/**
 * Waiting until some entries are in another state than the one that is known.
 *
 * @module
 */

import type { StoreState } from "./backend.ts";
import type { Engine } from "./engine.ts";
import type { Entries } from "./entries.ts";
import type { KvKey } from "./keys.ts";
import { dataRow } from "./rows.ts";

/** What is waited for. */
export interface StateWanted {
  /** The version that is known. */
  known: string | null;
  /** Ends the wait. */
  signal: AbortSignal;
  /** The time in milliseconds since 1970. */
  now: () => number;
}

const WAIT_MS = 20_000;

/** Reads values once their state is another one than the known, or after a while in any case. */
export async function nextState(
  engine: Engine,
  entries: Entries,
  keys: readonly KvKey[],
  { known, signal, now }: StateWanted,
): Promise<StoreState> {
  const watch = engine.watch(keys.map((key) => dataRow(key).row));
  const stop = () => watch.close();
  signal.addEventListener("abort", stop, { once: true });
  const end = performance.now() + WAIT_MS;
  let change: Promise<void> | undefined;
  try {
    while (true) {
      const { version, nextExpiry, load } = await entries.state(keys);
      const left = end - performance.now();
      if (version !== known) {
        const values = await load();
        return { version, values: values.map((one) => one && [one.payload, one.expiresAt]) };
      }
      if (left <= 0 || signal.aborted) return { version, values: [] };
      change ??= watch.changed().then(() => void (change = undefined));
      await soonerThan(change, Math.min(left, nextExpiry - now()));
    }
  } finally {
    change?.catch(() => {}); // the watch ends before it is heard of
    signal.removeEventListener("abort", stop);
    watch.close();
  }
}

/** Waits for `promise`, at most so many milliseconds. */
export async function soonerThan(promise: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, Math.min(Math.max(0, ms), WAIT_MS));
  try {
    await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
