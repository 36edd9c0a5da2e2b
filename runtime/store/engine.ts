/**
 * What keeps the store's rows: bytes under keys, with a version each. Deno KV and Redis are engines;
 * so is a link to one that another process holds.
 *
 * An engine knows nothing of values, lives or users. All that the store promises is made of four
 * operations, of which `commit` alone changes anything.
 *
 * @module
 */

import type { KvKey } from "./keys.ts";

/** A row, or the place where there is none. */
export interface Row {
  /** Its key. */
  key: KvKey;
  /** Its bytes; `null` where there is no row. Nobody changes them. */
  value: Uint8Array | null;
  /** Changes with every commit that writes the row; `null` where there is no row. */
  versionstamp: string | null;
}

/** What a commit does to one row. */
export interface RowWrite {
  /** The row. */
  key: KvKey;
  /** Its new bytes; `null` removes the row. */
  value: Uint8Array | null;
  /**
   * How long the row is needed, in milliseconds; absent: until it is removed. It is rubbish afterwards,
   * which the engine removes when it likes: expiry to the millisecond is not its business.
   */
  expireInMs?: number;
}

/** What has to hold for a commit. */
export interface RowCheck {
  /** The row. */
  key: KvKey;
  /** The version that it has to have; `null`: there must be no row. */
  versionstamp: string | null;
}

/** How much an engine takes at once. */
export interface EngineLimits {
  /** The most bytes of a row. */
  rowBytes: number;
  /** The most bytes of all rows that a commit writes. */
  commitBytes: number;
  /** The most bytes of all keys that a commit writes. */
  commitKeyBytes: number;
  /** The most checks of a commit; it takes several times as many writes. */
  commitRows: number;
}

/** Tells when rows have changed. */
export interface RowWatch {
  /**
   * Resolves when one of the rows may have changed since it was last asked, or since the watch began. What
   * comes between two calls is answered once, by the second: the last change is never missed. One call
   * at a time.
   *
   * @throws What keeps the engine from learning of changes; that it was closed, for instance.
   */
  changed(): Promise<void>;
  /** Ends the watch; a call that waits resolves. */
  close(): void;
}

/** Keeps rows. Every call may reject; what a rejected `commit` did is then unknown, but all or nothing. */
export interface Engine {
  /** What it is called in figures and errors: `"file"`, `"memory"`, `"redis"`, … */
  readonly kind: string;
  /** How much it takes at once. Of an engine that another process holds it may change with its owner. */
  readonly limits: EngineLimits;
  /** Reads rows, any number of them, in the order of `keys`. */
  read(keys: readonly KvKey[]): Promise<Row[]>;
  /**
   * Makes all writes if all checks hold, in one step that no reader sees half of.
   *
   * @returns The version that every written row has now, or `null` when a check did not hold.
   */
  commit(checks: readonly RowCheck[], writes: readonly RowWrite[]): Promise<string | null>;
  /**
   * Yields the rows whose keys have `prefix`, or are it, in the order of their keys, read in batches.
   *
   * @param after Only rows after this key, which has the prefix itself and need not exist.
   */
  scan(prefix: KvKey, after?: KvKey, batch?: number): AsyncIterableIterator<Row>;
  /** Watches rows, any number of them. */
  watch(keys: readonly KvKey[]): RowWatch;
  /**
   * Calls `listener` with the keys of rows that others than this process have written, where the engine
   * learns of them (`null`: any of them may have been). Absent where it does not.
   *
   * @returns What resolves once it does, where that takes a while.
   */
  onForeignCommit?(listener: (keys: readonly KvKey[] | null) => void): void | Promise<void>;
  /** Ends it; calls that are under way may fail, every later one does. */
  close(): void | Promise<void>;
}
