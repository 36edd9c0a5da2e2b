/**
 * Markup that pages and pagelets have in common.
 * @module
 */

import { type Country, pathOf } from "./countries.ts";
import { html } from "./deps.ts";

/** Markup made by the `html` template, which escapes every value that is no markup itself. */
export type Html = ReturnType<typeof html>;

/** A link to a country, with its flag. */
export function countryLink(country: Country): Html {
  return html`<a href="${
    pathOf(country)
  }"><span aria-hidden="true">${country.flag}</span> ${country.name.common}</a>`;
}

/** Links to countries, as a list. */
export function linkList(all: readonly Country[]): Html {
  return html`<ul class="links">${all.map((one) => html`<li>${countryLink(one)}</li>`)}</ul>`;
}
