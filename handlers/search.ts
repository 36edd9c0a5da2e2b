/**
 * How the search index is made and read: the thread that builds it and the workers that load it
 * must agree on this.
 *
 * @module
 */

import type { Options } from "./deps/search.ts";

/** Where the serialised index stands in the store. */
export const INDEX_KEY = ["search", "index"] as const;

/** What one country is indexed by. */
export interface Entry {
  code: string;
  name: string;
  flag: string;
  codes: string;
  capital: string;
  others: string;
}

/** What a search finds. */
export type Found = Pick<Entry, "code" | "name" | "flag">;

/** The index's settings. */
export const indexOptions: Options<Entry> = {
  idField: "code",
  fields: ["name", "codes", "capital", "others"],
  storeFields: ["code", "name", "flag"],
  processTerm: plain,
  searchOptions: {
    boost: { name: 4, codes: 4, capital: 2 },
    prefix: (term) => term.length > 1,
    fuzzy: (term) => term.length > 3 ? 0.25 : false,
  },
};

/** A word without accents and capitals, so that "Osterreich" finds Österreich. */
function plain(term: string): string {
  return term.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
