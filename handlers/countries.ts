/**
 * The countries, by name and by code. They never change while the site runs, so they are a module
 * and not in the store: what is constant is imported, what changes is shared.
 * @module
 */

import { type Country, data } from "./deps/countries.js";

export type { Country };

/** All countries in the order of their English names. */
export const countries: readonly Country[] = data
  .toSorted((a, b) => a.name.common.localeCompare(b.name.common, "en"));

const byCode = new Map(countries.flatMap((country) => [
  [country.cca2.toLowerCase(), country] as const,
  [country.cca3, country] as const, // borders name neighbours so, in capitals
]));

/** The country with the two letters of `code`, in whatever case. */
export function findCountry(code: string): Country | undefined {
  return code.length === 2 ? byCode.get(code.toLowerCase()) : undefined;
}

/** The countries that share a land border with `country`. */
export function neighboursOf(country: Country): Country[] {
  return country.borders.map((code) => byCode.get(code)!)
    .toSorted((a, b) => countries.indexOf(a) - countries.indexOf(b));
}

/** The address of a country's page. */
export function pathOf(country: Country): string {
  return `/country/${country.cca2.toLowerCase()}`;
}
