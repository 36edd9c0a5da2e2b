/**
 * Answers messages. Searching is a message and not a pagelet, because its answer is a value: the
 * page decides what it looks like, and the 404 page shows the same answer as suggestions.
 *
 * @module
 */

import type { Store, XboxContext } from "../mod.ts";
import { MiniSearch } from "./deps/search.ts";
import { type Entry, type Found, INDEX_KEY, indexOptions } from "./search.ts";

/** What can be asked. */
export interface SearchMessage {
  type: "search";
  /** Words, typing errors allowed. */
  q: string;
  /** At most so many answers; absent: 20. */
  limit?: number;
}

// Read once a worker: what stands in a module stays until the pool replaces the worker.
let index: MiniSearch<Entry> | undefined;

/** Turns a message into its answer. */
export default async function processMessage(
  message: unknown,
  { store }: XboxContext,
): Promise<Found[]> {
  if (!isSearch(message)) {
    throw new TypeError(`Cannot answer message: "type" must be "search" and "q" text`);
  }
  index ??= await loadIndex(store);
  return index.search(message.q.slice(0, 100)).slice(0, message.limit ?? 20)
    .map(({ code, name, flag }) => ({ code, name, flag }));
}

async function loadIndex(store: Store): Promise<MiniSearch<Entry>> {
  const text = await store.get<string>(INDEX_KEY);
  if (text === undefined) throw new Error("Cannot search: the store holds no index");
  return MiniSearch.loadJSON<Entry>(text, indexOptions);
}

function isSearch(message: unknown): message is SearchMessage {
  if (typeof message !== "object" || message === null) return false;
  const { type, q, limit } = message as Partial<SearchMessage>;
  return type === "search" && typeof q === "string" &&
    (limit === undefined || (Number.isInteger(limit) && limit > 0));
}
