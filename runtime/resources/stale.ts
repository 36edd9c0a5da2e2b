/**
 * What is left in an isolate by a thread that never ended in order.
 *
 * Workers load this file.
 *
 * @module
 */

import { clearStorage } from "./storage.ts";
import { world } from "./world.ts";

/** Destroys what a thread left here, then lets the next one begin, also when a destructor threw. */
export function dropStale(begin: () => void): void {
  const stale = world?.storage;
  try {
    if (stale === undefined || stale.isClosed) return;
    // Its words belong to the next thread now, so it says nothing there.
    stale.isClosed = true;
    clearStorage(stale, "Cannot destroy all that the thread before had left");
  } finally {
    begin();
  }
}
