/**
 * Builds the search index. It is a thread, because the index is made once a box rather than once a
 * worker, and because requests wait until it says `started()`: nobody can search too early.
 * @module
 */

import type { ThreadContext } from "../../mod.ts";
import { buildIndex, INDEX_KEY } from "../search.ts";

/** Stores the index, reports, and stays until the box stops. */
export default async function searchIndex(context: ThreadContext): Promise<void> {
  const { store, started, stopped, log } = context;
  const text = JSON.stringify(buildIndex()); // more than a value of Deno KV: the store splits it
  await store.set(INDEX_KEY, text);
  log.info("The search index is built", { length: text.length });
  started();
  while (!await stopped(60_000)) {
    // The box may have lost its store's file, or someone cleared it: put the index back.
    if (!await store.has(INDEX_KEY)) await store.set(INDEX_KEY, text);
  }
}
