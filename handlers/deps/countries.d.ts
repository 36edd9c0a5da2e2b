/**
 * What the site reads of `world-countries`.
 * @module
 */

/** A name as people say it, and in full. */
export interface Name {
  common: string;
  official: string;
}

/** One country or territory. */
export interface Country {
  name: Name & { native: Record<string, Name> };
  /** Its two letters, its three letters and its number, `""` for Kosovo. */
  cca2: string;
  cca3: string;
  ccn3: string;
  tld: string[];
  unMember: boolean;
  currencies: Record<string, { name: string; symbol: string }>;
  idd: { root: string; suffixes: string[] };
  capital: string[];
  altSpellings: string[];
  region: string;
  subregion: string;
  languages: Record<string, string>;
  translations: Record<string, Name>;
  /** Latitude and longitude of its middle, in degrees. */
  latlng: [number, number];
  landlocked: boolean;
  /** The three letters of its neighbours. */
  borders: string[];
  /** In square kilometres; not above 0 where it is not known. */
  area: number;
  flag: string;
  demonyms: Record<string, { f: string; m: string }>;
}

/** All 250. */
export declare const data: Country[];
