/**
 * What the documents of one worker share: who it is, and what has happened in it.
 *
 * @module
 */

import type { Log, Session, Store, Xbox } from "../../../mod.ts";

/** Names this worker. */
export const worker: string = crypto.randomUUID();
/** What has happened in this worker, in order. */
export const events: string[] = [];
/** How often things were done in this worker. */
export const counts: { calls: number; poisoned: boolean } = { calls: 0, poisoned: false };

/** What pagelets and messages have in common. */
export interface Kit {
  session: Session;
  store: Store;
  xbox: Xbox;
  log: Log;
  signal: AbortSignal;
  onShutdown(fn: () => unknown): void;
  onPostSend(fn: () => unknown): void;
  onCleanup(fn: () => unknown): void;
  /** What Hono keeps of a request; absent for messages. */
  variables?: { get(name: string): unknown; set(name: string, value: unknown): void };
}

/** What a test wants to be done. */
export interface Order {
  do: string;
  [field: string]: unknown;
}

/** Waits until a key of the store is set. */
export async function gate(store: Store, name: string): Promise<void> {
  while (!await store.has(["gate", name])) await new Promise((resolve) => setTimeout(resolve, 3));
}
