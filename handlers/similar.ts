/**
 * Which countries are like another one.
 * @module
 */

import { countries, type Country } from "./countries.ts";

/** A country that is like the one asked about, and in what. */
export interface Similar {
  code: string;
  why: string;
}

/** The `limit` countries that are most like `country`, the nearest first. */
export function similarTo(country: Country, limit: number): Similar[] {
  return countries.filter((other) => other !== country)
    .map((other) => ({ code: other.cca2.toLowerCase(), ...compare(country, other) }))
    .toSorted((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ code, why }) => ({ code, why }));
}

function compare(a: Country, b: Country): { score: number; why: string } {
  const spoken = Object.values(b.languages);
  const tongues = Object.values(a.languages).filter((one) => spoken.includes(one));
  const factor = Math.max(a.area, b.area, 1) / Math.max(Math.min(a.area, b.area), 1);
  const fromEquator = Math.abs(Math.abs(a.latlng[0]) - Math.abs(b.latlng[0]));
  const shared = ([
    [3, `in ${a.subregion}`, a.subregion !== "" && a.subregion === b.subregion],
    [3, `speaks ${tongues.join(" and ")}`, tongues.length > 0],
    [2, "about as large", factor < 1.5],
    [1, "no coast either", a.landlocked && b.landlocked],
    [1, "no land border either", a.borders.length + b.borders.length === 0],
    [1, "as far from the equator", fromEquator < 5],
    [1, "the same money", Object.keys(a.currencies).some((one) => one in b.currencies)],
  ] as const).filter(([, , isShared]) => isShared);
  const points = shared.reduce((sum, [points]) => sum + points, 0);
  return { score: points - Math.log10(factor), why: shared.map(([, why]) => why).join(", ") };
}
