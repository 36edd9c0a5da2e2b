/**
 * Builds the search index. It is a thread, because the index is made once a box rather than once a
 * worker, and because requests wait until it says `started()`: nobody can search too early.
 *
 * @module
 */

import type { ThreadContext } from "../../mod.ts";
import { countries, type Country } from "../countries.ts";
import { MiniSearch } from "../deps/search.ts";
import { type Entry, INDEX_KEY, indexOptions } from "../search.ts";

/** Stores the index, reports, and stays until the box stops. */
export default async function searchIndex(context: ThreadContext): Promise<void> {
  const { store, started, stopped, log } = context;
  const index = new MiniSearch<Entry>(indexOptions);
  index.addAll(countries.map(entryOf));
  const text = JSON.stringify(index); // larger than one value of Deno KV: the store splits it
  await store.set(INDEX_KEY, text);
  log.info("search index is built", { documents: index.documentCount, bytes: text.length });
  started();
  while (!await stopped(60_000)) {
    // The box may have lost its store's file, or someone cleared it: put the index back.
    if (!await store.has(INDEX_KEY)) await store.set(INDEX_KEY, text);
  }
}

/** A country under all its names: "Suisse", "Schweiz" and "スイス" find Switzerland. */
function entryOf(country: Country): Entry {
  const { name, translations, altSpellings } = country;
  const names = [...Object.values(name.native), ...Object.values(translations)];
  return {
    code: country.cca2.toLowerCase(),
    name: name.common,
    flag: country.flag,
    codes: `${country.cca2} ${country.cca3}`,
    capital: country.capital.join(" "),
    others: [name.official, ...altSpellings, ...names.map(({ common }) => common)].join(" "),
  };
}
