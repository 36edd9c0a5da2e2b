/**
 * What a case of the conformance suite is, and what it is given.
 *
 * @module
 */

import type { Store } from "../../../../runtime/types/store.ts";
import type { NearOptions } from "../../../../runtime/store/near.ts";
import type { Clock } from "../support.ts";

/** What a case asks of the store that it is given. */
export interface SuiteOptions {
  maxBytes?: number;
  ttlLimitMs?: number;
  maxValueBytes?: number;
  near?: Partial<NearOptions> | false;
}

/** A store as a case uses it. */
export type SuiteStore = Store & { close(): Promise<void> };

/** An open store of one engine. */
export interface Opened extends AsyncDisposable {
  /** The store. */
  store: SuiteStore;
  /** Stores entries as priming does. */
  prime(entries: [key: string, value: unknown][]): Promise<void>;
  /** Opens the same data again, as another box would; absent where the engine keeps it for itself. */
  another?(): Promise<SuiteStore>;
}

/** Opens an empty store of the engine under test. */
export type SuiteOpen = (options: SuiteOptions & { now: () => number }) => Promise<Opened>;

/** What a case gets. */
export interface SuiteContext extends Opened {
  /** The clock of the store. */
  clock: Clock;
}

/** Registers a case. */
export type SuiteTest = (
  title: string,
  run: (context: SuiteContext) => Promise<void>,
  options?: SuiteOptions,
) => void;
