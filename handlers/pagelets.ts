/**
 * The pagelets: the parts that pages are put together from. Each is a route, runs in a worker that
 * may do nothing but compute, beside the others of its page, and shows up when it is ready. One
 * that fails leaves a gap with a note; the rest of the page does not hear of it.
 *
 * @module
 */

import type { TandemEnv } from "../mod.ts";
import { countries, type Country, findCountry, neighboursOf } from "./countries.ts";
import { Hono, html } from "./deps.ts";
import { countryLink, type Html } from "./html.ts";
import { drawCountry, drawWorld } from "./maps.ts";

const SQUARE_KM_PER_SQUARE_MILE = 2.589988;

/** The pagelets' app. */
const app = new Hono<TandemEnv & { Variables: { country: Country } }>();

// The same for everybody: drawn once a worker, like whatever else stands in a module.
let world: Promise<Html> | undefined;
app.get("/world", async (c) => c.html(await (world ??= drawWorld(countries))));

app.use("/:part/:code", async (c, next) => {
  const country = findCountry(c.req.param("code"));
  if (!country) return c.notFound();
  c.set("country", country);
  await next();
});
app.get("/map/:code", async (c) => c.html(await drawCountry(c.var.country)));
app.get("/facts/:code", (c) => c.html(facts(c.var.country, c.req.query("unit"))));
app.get("/neighbours/:code", (c) => c.html(neighbours(c.var.country)));
app.get("/tongues/:code", (c) => c.html(tongues(c.var.country)));

function facts(country: Country, unit?: string): Html {
  const { name, capital, region, subregion, idd, landlocked, tld, cca2, cca3, demonyms } = country;
  const rows: [string, string | undefined][] = [
    ["Official name", name.official],
    ["In its languages", unique(Object.values(name.native).map(({ common }) => common))],
    ["Capital", unique(capital)],
    ["Region", unique([region, subregion])],
    ["Area", areaOf(country, unit)],
    ["Coast", landlocked ? "none, it is landlocked" : "yes"],
    ["People", demonyms.eng?.m],
    ["United Nations", country.unMember ? "member" : "not a member"],
    ["Calling code", idd.suffixes.length === 1 ? idd.root + idd.suffixes[0] : idd.root],
    ["Internet", unique(tld)],
    ["Codes", unique([cca2, cca3])],
  ];
  return html`
    <section aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl>${rows.filter(([, value]) => value).map(([term, value]) =>
        html`
          <dt>${term}</dt>
          <dd>${value}</dd>
        `
      )}</dl>
    </section>
  `;
}

function neighbours(country: Country): Html {
  const all = neighboursOf(country);
  return html`<section aria-labelledby="neighbours"><h2 id="neighbours">Neighbours</h2>${
    all.length === 0
      ? html`<p>${country.name.common} has no land borders.</p>`
      : html`<ul class="links">${all.map((other) => html`<li>${countryLink(other)}</li>`)}</ul>`
  }</section>`;
}

function tongues(country: Country): Html {
  const languages = Object.values(country.languages).map((name) => html`<li>${name}</li>`);
  const currencies = Object.entries(country.currencies).map(([code, { name, symbol }]) =>
    html`<li>${name} <span class="soft">${unique([code, symbol])}</span></li>`
  );
  return html`<section aria-labelledby="tongues">
<h2 id="tongues">Languages and currencies</h2>
${languages.length > 0 ? html`<ul>${languages}</ul>` : html`<p>No official language.</p>`}
${currencies.length > 0 ? html`<ul>${currencies}</ul>` : html`<p>No currency of its own.</p>`}
</section>`;
}

function areaOf({ area }: Country, unit?: string): string | undefined {
  if (area <= 0) return undefined; // not known
  const size = unit === "mi" ? area / SQUARE_KM_PER_SQUARE_MILE : area;
  const digits = { maximumFractionDigits: size < 10 ? 2 : 0 };
  return `${size.toLocaleString("en", digits)} ${unit === "mi" ? "square miles" : "km²"}`;
}

function unique(words: string[]): string {
  return [...new Set(words)].filter((word) => word !== "").join(", ");
}

export default app;
