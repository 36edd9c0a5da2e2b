/**
 * Answers messages. Searching and likening are messages and not pagelets, because their answers are
 * values: who asks decides what they look like. The 404 page shows a search as suggestions.
 * @module
 */

import type { XboxContext } from "../mod.ts";
import { type Country, findCountry } from "./countries.ts";
import type { MiniSearch } from "./deps/search.ts";
import { loadIndex } from "./search.ts";
import { type Similar, similarTo } from "./similar.ts";

/** What can be asked: which countries are called so, or nearly so, and which are like another one. */
export type Message =
  | { type: "search"; q: string; limit: number }
  | { type: "similar"; code: string; limit: number };

// Read once a worker: what stands in a module stays until the pool replaces the worker.
let index: MiniSearch<Country> | undefined;

/** Turns a message into its answer. */
export default async function processMessage(
  message: Message,
  { store }: XboxContext,
): Promise<string[] | Similar[]> {
  switch (message.type) {
    case "search": {
      index ??= await loadIndex(store);
      return index.search(message.q).slice(0, message.limit).map(({ id }) => id);
    }
    case "similar": {
      const country = findCountry(message.code);
      if (country) return similarTo(country, message.limit);
      throw new TypeError(`Cannot liken countries: none has the code "${message.code}"`);
    }
    default:
      throw new TypeError(`Cannot answer message: its type must be "search" or "similar"`);
  }
}
