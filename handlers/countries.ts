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

const byCode = new Map(countries.map((country) => [country.cca2.toLowerCase(), country]));

/** The country with the two letters of `code`, in whatever case. */
export function findCountry(code: string): Country | undefined {
  return byCode.get(code.toLowerCase());
}

/** The countries that share a land border with `country`: both say so, or it is a slip in the data. */
export function neighboursOf({ cca3, borders }: Country): Country[] {
  return countries.filter((one) => borders.includes(one.cca3) && one.borders.includes(cca3));
}

/** The address of a country's page. */
export function pathOf(country: Country): string {
  return `/country/${country.cca2.toLowerCase()}`;
}
