/**
 * The search index: the thread that builds it and the workers that load it must agree on this.
 * @module
 */

import type { Store } from "../mod.ts";
import { countries, type Country } from "./countries.ts";
import { MiniSearch, type Options } from "./deps/search.ts";

/** Where the index stands in the store, as text. */
export const INDEX_KEY = ["search", "index"] as const;

const options: Options<Country> = {
  idField: "cca2",
  fields: ["name", "codes", "capital", "others"],
  extractField: textOf,
  // Words without accents and capitals, so that "Osterreich" finds Österreich.
  processTerm: (term) => term.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase(),
  searchOptions: {
    boost: { name: 4, codes: 4, capital: 2 },
    prefix: (term) => term.length > 1,
    fuzzy: (term) => term.length > 3 ? 0.3 : false,
  },
};

/** An index of all countries. */
export function buildIndex(): MiniSearch<Country> {
  const index = new MiniSearch(options);
  index.addAll(countries);
  return index;
}

/** The index that the thread has put into the store. */
export async function loadIndex(store: Store): Promise<MiniSearch<Country>> {
  const text = await store.get<string>(INDEX_KEY);
  if (text === undefined) throw new Error("Cannot search: the store holds no index");
  return MiniSearch.loadJSON(text, options);
}

/** A country under all its names: "Suisse", "Schweiz" and "スイス" find Switzerland. */
function textOf({ name, cca2, cca3, capital, ...other }: Country, field: string): string {
  if (field === "cca2") return cca2;
  if (field === "name") return name.common;
  if (field === "codes") return `${cca2} ${cca3}`;
  if (field === "capital") return capital.join(" ");
  const names = [...Object.values(name.native), ...Object.values(other.translations)];
  return [name.official, ...other.altSpellings, ...names.map(({ common }) => common)].join(" ");
}
