/**
 * What every page has around its content: head, header, footer and the style sheet.
 *
 * @module
 */

import { type Country, pathOf } from "./countries.ts";
import { html, raw } from "./deps.ts";
import type { Found } from "./search.ts";

/** Markup made by the `html` template, which escapes every value that is no markup itself. */
export type Html = ReturnType<typeof html>;

/** From the doctype into `<main>`: what leaves first. `site` is the name in the header. */
export function top(site: string, title: string, query = ""): Html {
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title === site ? site : `${title} – ${site}`}</title>
        <link rel="icon"
          href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%230a6ea8'/%3E%3C/svg%3E">
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header>
          <a class="home" href="/">${site}</a>
          <form action="/search" role="search">
            <label class="unseen" for="q">Search countries</label>
            <input id="q" name="q" type="search" value="${query}"
              placeholder="Country, capital or code"
              maxlength="100" autocomplete="off">
            <button>Search</button>
          </form>
        </header>
        <main id="main">
  `;
}

/** From `</main>` to the end of the page. */
export function bottom(): Html {
  return html`
    </main>
    <footer>
      <p>Countries: world-countries (ODbL). Shapes: Natural Earth. Served by Tandem.</p>
    </footer>
    </body>
    </html>
  `;
}

/** A link to a country, with its flag. */
export function countryLink(country: Country): Html {
  return linkTo(pathOf(country), country.flag, country.name.common);
}

/** What a search found, as a list of links. */
export function foundList(found: readonly Found[]): Html {
  return html`<ul class="links">${
    found.map(({ code, flag, name }) => html`<li>${linkTo(`/country/${code}`, flag, name)}</li>`)
  }</ul>`;
}

function linkTo(path: string, flag: string, name: string): Html {
  return html`<a href="${path}"><span aria-hidden="true">${flag}</span> ${name}</a>`;
}

/** Styles of the slot grid: they stand in a shadow root, out of reach of the page's style sheet. */
export const GRID_STYLE = `
.grid { display: grid; gap: 1.5rem 2.5rem; margin-block: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); }
.wide { grid-column: 1 / -1; }
.wait { color: var(--soft); }
`;

// Slotted pagelets are in the page, not in the shadow root: this sheet is theirs, too.
const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf7; --ink: #1d2330; --soft: #5b6272; --line: #d9d6cd;
  --link: #0a5c8f; --sea: #dcebf3; --land: #f1ece0; --coast: #a99f89; --here: #d9663a; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e8e6e0; --soft: #a2a8b5;
  --line: #343b47; --link: #7fc4ee; --sea: #1a2a38; --land: #39404b; --coast: #79818f; --here: #e8834f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 0 clamp(1rem, 4vw, 3rem); max-width: 84rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: center; padding-block: .8rem;
  justify-content: space-between; border-bottom: 1px solid var(--line); }
.home { font-size: 1.2rem; font-weight: 700; color: inherit; text-decoration: none; }
form { display: flex; gap: .4rem; flex: 0 1 24rem; min-width: 0; }
input, button { font: inherit; padding: .35rem .7rem; color: inherit; background: transparent;
  border: 1px solid var(--soft); border-radius: .4rem; }
input { flex: 1; min-width: 0; }
h1 { margin: 1.4rem 0 .4rem; line-height: 1.15; font-size: clamp(1.6rem, 4vw, 2.6rem); }
h2 { margin: 0 0 .5rem; font-size: 1.15rem; }
section { margin-block: 0 1.5rem; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--here); outline-offset: 2px; }
.links { display: grid; gap: .2rem 1.5rem; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr)); }
dl { display: grid; grid-template-columns: minmax(6rem, auto) 1fr; gap: .3rem 1rem; margin: 0; }
dt, .soft, footer { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 2rem; border-top: 1px solid var(--line); font-size: .875rem; }
.unseen, .skip:not(:focus) { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.map { display: block; width: 100%; height: auto; background: var(--sea); border-radius: .5rem; }
.map path { fill: var(--land); stroke: var(--coast); stroke-width: .6; stroke-linejoin: round; }
.map .borders { fill: none; stroke: var(--soft); }
.map .here { fill: var(--here); stroke: none; }
.map .ring { fill: none; stroke: var(--here); stroke-width: 3; }
.map .dot { fill: var(--here); }
.map text { fill: var(--ink); font-size: 14px; text-anchor: middle; }
.map a:is(:hover, :focus-visible) path { fill: var(--here); }
.map a:is(:hover, :focus-visible) .dot { fill: var(--ink); }
@media print { header form, .skip { display: none; } body { max-width: none; } }
`;
